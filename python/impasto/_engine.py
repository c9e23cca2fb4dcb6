"""The engine: a model on a device, ready for jobs."""

from __future__ import annotations

import ctypes as c
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, overload

from . import _abi, _library, _params
from ._job import Job
from ._library import LIBRARY
from ._signals import Signals
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from typing_extensions import Unpack

    from ._kinds import DeviceInfo, ModelInfo, Path, PictureLike, Sample
    from ._options import JobOptions, StylesLike


def devices() -> List[DeviceInfo]:
    """The devices: for each its name, whether it works, and if not why. CUDA is tried with a small computation."""
    _library.start()
    found: List[DeviceInfo] = _library.ask(LIBRARY.impasto_devices)
    return found


def models() -> List[ModelInfo]:
    """The models that can be named."""
    found: List[ModelInfo] = _library.ask(LIBRARY.impasto_models)
    return found


class Engine:
    """A model on a device, ready for jobs.

    Making one reads the model and tries the device, which takes from a moment to seconds; make it once and use it for many
    jobs, also from several threads at once. ``close``, or the end of a ``with`` block, frees its memory.

    model: "compact", a name from ``impasto.models()``, or the path of a model's file
    device: "auto", "cpu", "cuda" or "cuda:N"
    threads: threads on the CPU; 0 for one per core
    memory: the most bytes that a job may need; None for most of what is free when it begins
    """

    def __init__(
        self, *, model: Path = "compact", device: str = "auto", threads: int = 0, memory: Optional[int] = None
    ) -> None:
        options = {"model": os.fspath(model), "device": device, "threads": threads, "memory": memory}
        text = _params.as_json(options, "the engine's options")
        _library.start()
        pointer = c.c_void_p()
        _library.check(LIBRARY.impasto_engine_new(text, c.byref(pointer)))
        self._pointer = pointer
        self._lock = threading.Lock()
        self._running = 0
        self._free = weakref.finalize(self, _free, pointer)
        # When Python ends, a daemon thread may still have a job on it.
        self._free.atexit = False

    @property
    def info(self) -> Dict[str, Any]:
        """What the engine is: model, device, threads, provenance, licence, and ONNX Runtime's file."""
        with _Use(self) as pointer:
            info: Dict[str, Any] = _library.ask(LIBRARY.impasto_engine_info, pointer)
            return info

    def plan(self, content: PictureLike, style: StylesLike = None, **options: Unpack[JobOptions]) -> Dict[str, Any]:
        """Checks a job without running it, in a moment, and tells what it would do.

        Takes what ``stylise`` takes. Returns a dictionary: ``size`` is [height, width] of the picture that is worked on,
        ``memory`` the bytes that it is expected to need, ``tile`` the side of the tiles that it is worked on in (None for the
        whole picture at once), ``settings`` the parameters with nothing left out.
        """
        job = Job(content, style, dict(options))
        with _Use(self) as pointer:
            plan: Dict[str, Any] = _library.ask(LIBRARY.impasto_plan, pointer, c.byref(job.raw))
            return plan

    @overload
    def stylise(
        self, content: NDArray[Sample], style: StylesLike = None, **options: Unpack[JobOptions]
    ) -> NDArray[Sample]: ...
    @overload
    def stylise(self, content: Image | Path, style: StylesLike = None, **options: Unpack[JobOptions]) -> Image: ...
    def stylise(self, content: Any, style: Any = None, **options: Any) -> Any:
        """Repaints a picture on this engine. See ``impasto.stylise``, whose ``model``, ``device``, ``threads`` and ``memory``
        are the engine's here."""
        return self._run(content, style, options)[0]

    @overload
    def stylise_with_report(
        self, content: NDArray[Sample], style: StylesLike = None, **options: Unpack[JobOptions]
    ) -> Tuple[NDArray[Sample], Dict[str, Any]]: ...
    @overload
    def stylise_with_report(
        self, content: Image | Path, style: StylesLike = None, **options: Unpack[JobOptions]
    ) -> Tuple[Image, Dict[str, Any]]: ...
    def stylise_with_report(self, content: Any, style: Any = None, **options: Any) -> Any:
        """The same as ``stylise``, and returns the picture and a report. See ``impasto.stylise_with_report``."""
        return self._run(content, style, options)

    def close(self) -> None:
        """Frees the engine. Jobs that are running on it must have ended."""
        with self._lock:
            if self._running:
                raise InvalidArgumentError("the engine cannot be closed: a job is running on it; cancel it and wait for its end")
            self._free()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, content: Any, style: Any, options: Dict[str, Any]) -> Tuple[Any, Dict[str, Any]]:
        job = Job(content, style, options)
        report = c.c_void_p()
        with _Use(self) as pointer:
            job.prepare(lambda: _library.ask(LIBRARY.impasto_plan, pointer, c.byref(job.raw))["size"])
            with Signals() as signals:
                watch = job.watched(signals)
                status = LIBRARY.impasto_stylise(pointer, c.byref(job.raw), c.byref(report))
                failure = None if status in (_abi.OK, _abi.CANCELLED_WITH_PICTURE) else _library.failure(status)
        told: Dict[str, Any] = {} if failure else _library.take(report)
        problem = watch.problem or signals.problem or failure
        if problem is not None:
            raise problem
        return job.result(), told


class _Use:
    """An engine that is in use, and so not freed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> c.c_void_p:
        _library.start()
        with self._engine._lock:
            if not self._engine._free.alive:
                raise InvalidArgumentError("the engine is closed")
            self._engine._running += 1
        return self._engine._pointer

    def __exit__(self, *_: object) -> None:
        with self._engine._lock:
            self._engine._running -= 1


def _free(pointer: c.c_void_p) -> None:
    if not _library.is_forked():
        LIBRARY.impasto_engine_free(pointer)
