"""Repainting with one call, on an engine that is kept for the next."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple, overload

from . import _library
from ._engine import Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from typing_extensions import Unpack

    from ._kinds import Path, Sample
    from ._options import Options, StylesLike

_ENGINE = {"model": "compact", "device": "auto", "threads": 0, "memory": None}
_lock = threading.Lock()
_kept: Optional[Tuple[Tuple[Any, ...], Engine]] = None


@overload
def stylise(content: NDArray[Sample], style: StylesLike = None, **options: Unpack[Options]) -> NDArray[Sample]: ...
@overload
def stylise(content: Image | Path, style: StylesLike = None, **options: Unpack[Options]) -> Image: ...
def stylise(content: Any, style: Any = None, **options: Any) -> Any:
    """Repaints a picture in the style of another, and returns the result.

    content
        What to repaint: a NumPy array, a Pillow image, or the path of a file, which Pillow reads. An array has the shape
        (height, width) or (height, width, channels) with 1 to 4 channels (grey, grey and alpha, RGB, RGBA), and the type uint8
        (0 to 255), uint16 (0 to 65535) or float32 (0 to 1). It is only read. Fully transparent pixels are not painted.
    style
        The style: a picture like the content, the name of one of ``impasto.styles()``, an ``impasto.Style``, or a list of
        these, of which one may be a name.

    All else is given by name:

    preset, size, strength, …
        The parameters, which ``impasto.schema()`` and docs/parameters.md describe. One that is left out, or None, is as the
        preset has it: "draft", "standard", "best" or "gatys".
    init
        Where to start: "content", "recoloured", "noise", or a picture.
    mask
        How much of the result each pixel takes, in the content's size: the first channel of a picture, or an array of bool.
        The result then has the content's size, and pixels that are not selected stay as they are.
    content_size
        True for a result in the content's size, with the detail that was too fine for the size that is worked on
        (the parameter ``size``). Otherwise, without a mask, the result has the size that is worked on.
    out
        An array that receives the result, which gets its size. It may be the content itself. It is returned.
    linear
        True if arrays hold values that are proportional to light, and not encoded as sRGB is.
    progress
        A function that is called with an ``impasto.Progress`` after each evaluation, on the calling thread. An exception that it
        raises cancels the job and leaves this function. What it returns does not matter.
    cancel
        An ``impasto.CancelToken``, which cancels the job from another thread.
    keep_best
        True to return the best picture so far when the token cancels the job, if there is one. Otherwise
        ``impasto.Cancelled`` is raised.
    model, device, threads, memory
        See ``impasto.Engine``. The engine of the last call is kept, and used again if these are the same.

    The result is of the content's kind: an array of the same type and channels, or a Pillow image. Ctrl-C cancels the job.
    Other threads run meanwhile. Failures are ``impasto.ImpastoError``, with a class for each kind.
    """
    engine, rest = _engine(options)
    return engine.stylise(content, style, **rest)


@overload
def stylise_with_report(
    content: NDArray[Sample], style: StylesLike = None, **options: Unpack[Options]
) -> Tuple[NDArray[Sample], Dict[str, Any]]: ...
@overload
def stylise_with_report(
    content: Image | Path, style: StylesLike = None, **options: Unpack[Options]
) -> Tuple[Image, Dict[str, Any]]: ...
def stylise_with_report(content: Any, style: Any = None, **options: Any) -> Any:
    """The same as ``stylise``, and returns the picture and a report of how it came about.

    The report is a dictionary: ``losses`` has the loss of each evaluation, ``term_losses`` the terms of each, whose names are
    ``terms``; ``levels`` the sizes that were worked on; ``settings`` the parameters with nothing left out; ``cancelled`` whether
    it ended early; ``seconds`` where the time went; and device, model, size, memory.
    """
    engine, rest = _engine(options)
    return engine.stylise_with_report(content, style, **rest)


def _engine(options: Dict[str, Any]) -> Tuple[Engine, Dict[str, Any]]:
    """The engine for these options, and the options that are not the engine's."""
    global _kept
    rest = {name: value for name, value in options.items() if name not in _ENGINE}
    chosen = {name: options.get(name, usual) for name, usual in _ENGINE.items()}
    chosen["model"] = os.fspath(chosen["model"])
    key = tuple(chosen.values())
    _library.start()
    with _lock:
        if _kept is None or _kept[0] != key:
            _kept = None
            _kept = key, Engine(**chosen)
        return _kept[1], rest
