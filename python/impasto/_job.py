"""A job as the C library takes it, made from what a caller has."""

from __future__ import annotations

import ctypes as c
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence

from . import _abi, _params, _pixels
from ._pixels import Pixels
from ._progress import CancelToken, Progress, Watch
from ._signals import Signals
from ._style import Style
from .errors import InvalidArgumentError, ParametersError

if TYPE_CHECKING:
    from ._kinds import PictureLike
    from ._options import StylesLike


OPTIONS = ("init", "mask", "out", "content_size", "linear", "progress", "cancel", "keep_best")
"""What a job may be given besides pictures and the library's parameters."""


class Job:
    """A job. It keeps alive what the library reads."""

    def __init__(self, content: PictureLike, style: StylesLike, options: Dict[str, Any]) -> None:
        known = [name for name in _params.names() if name != "style"]
        _params.refuse_unknown(options, [*known, *OPTIONS], "a parameter or an option of a job")
        params = {name: value for name, value in options.items() if name in known and name != "init"}
        self._linear = bool(options.get("linear", False))
        self._kept: List[Any] = []
        self.content = _pixels.of("content", content)
        self.raw = _abi.Job(struct_size=c.sizeof(_abi.Job), content=self._described(self.content))
        self._add_styles(style, params)
        self._add_init(options.get("init"), params)
        self.is_masked = options.get("mask") is not None
        if self.is_masked:
            self.raw.mask = self._pointer(_pixels.mask_of("mask", options["mask"]))
        self.raw.params = _params.as_json(params, "the parameters")
        self.raw.on_cancel = _abi.KEEP_BEST if options.get("keep_best", False) else _abi.DISCARD
        self._out: Optional[Pixels] = None if options.get("out") is None else _pixels.output(options["out"])
        self._in_content_size = bool(options.get("content_size", False)) or self.is_masked
        self._tell: Optional[Callable[[Progress], object]] = options.get("progress")
        self._cancel: Optional[CancelToken] = options.get("cancel")
        self._set_output(self._out or self._room(*self.content.size))

    def prepare(self, size: Callable[[], Sequence[int]]) -> None:
        """Makes room for the result. ``size`` tells the height and width that the library works in."""
        if self._out is None and not self._in_content_size:
            height, width = size()
            if (height, width) != self.content.size:
                self._set_output(self._room(height, width))

    def watched(self, signals: Signals) -> Watch:
        """The job's progress callback, which is set."""
        watch = Watch(self._tell, self._cancel, signals)
        self.raw.progress = _abi.ProgressCallback(watch)
        return watch

    def result(self) -> Any:
        """The picture that has been painted, of the kind that the content is."""
        return self._result.restored(self._result.array)

    def _room(self, height: int, width: int) -> Pixels:
        """Memory for a result of the content's format. Until it is written it takes up addresses and nothing else."""
        return Pixels(self.content.empty(height, width), self.content.restored, self.content.is_array)

    def _set_output(self, pixels: Pixels) -> None:
        self._result = pixels
        self.raw.output = pixels.described(self._linear)

    def _described(self, pixels: Pixels) -> _abi.Picture:
        self._kept.append(pixels.array)
        return pixels.described(self._linear)

    def _pointer(self, pixels: Pixels) -> Any:
        pointer = c.pointer(self._described(pixels))
        self._kept.append(pointer)
        return pointer

    def _add_init(self, init: Any, params: Dict[str, Any]) -> None:
        starts = _params.starts()
        if init is None or (isinstance(init, str) and init in starts):
            params["init"] = init
            return
        if isinstance(init, str) and init == "picture":
            raise ParametersError("init: pass the picture itself, and not the word")
        params["init"] = "picture"
        self.raw.init = self._pointer(_named("init", init, f"one of {', '.join(starts)}", starts))

    def _add_styles(self, given: StylesLike, params: Dict[str, Any]) -> None:
        styles: List[Any] = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
        pictures: List[Style] = []
        for style in styles:
            if not _params.is_style(style):
                pictures.append(style if isinstance(style, Style) else Style(style))
            elif "style" in params:
                raise ParametersError(f"style: of Impasto's own styles there can be one; there are {params['style']!r} and {style!r}")
            else:
                params["style"] = style
        if not styles:
            raise InvalidArgumentError("style: a style is needed: a picture, a path, or one of impasto.styles()")
        raw = (_abi.Style * len(pictures))()
        for i, (to, style) in enumerate(zip(raw, pictures)):
            to.struct_size, to.weight, to.scale = c.sizeof(_abi.Style), style.weight, style.scale
            to.picture = self._described(_named(f"styles[{i}]", style.picture, "one of impasto.styles()", _params.styles()))
            if style.region is not None:
                to.region = self._pointer(_pixels.mask_of(f"styles[{i}].region", style.region))
        self._kept.append(raw)
        self.raw.styles = c.cast(raw, c.POINTER(_abi.Style))
        self.raw.style_count = len(pictures)


def _named(name: str, picture: Any, what: str, known: Iterable[str]) -> Pixels:
    """A picture in whose place there might be a name. A path that is nowhere may be a name that is misspelt."""
    try:
        return _pixels.of(name, picture)
    except FileNotFoundError as problem:
        if not isinstance(picture, str) or os.path.basename(picture) != picture:
            raise
        near = _params.near(picture, known)
        raise ParametersError(f"{name}: {picture!r} is neither a file nor {what}{near}") from problem
