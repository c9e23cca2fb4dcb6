"""How far a job is, and how it is cancelled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _abi, _pixels
from ._signals import Signals

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    phase: str
    """``"preparing"`` or ``"optimising"``."""
    evaluations: int
    """Evaluations of loss and gradient so far."""
    planned: int
    """Evaluations that will be done at most."""
    loss: Optional[float]
    """The lowest loss so far; None before the first evaluation."""
    seconds: float
    """Seconds since the optimisation began."""
    seconds_left: Optional[float]
    """Estimated seconds until all planned evaluations are done; None before the first."""
    level: int
    """The size that is being worked on, counted from 1; 0 before the first evaluation."""
    levels: int
    """How many sizes there are, each about twice the one before."""
    size: tuple[int, int]
    """Height and width of that size in pixels."""
    preview: Optional[NDArray[Any]]
    """The best picture so far, (height, width, 3) of uint8, when the parameter ``preview_every`` says that it is due."""


class CancelToken:
    """Cancels jobs, from any thread: pass it to ``stylise`` as ``cancel``."""

    def __init__(self) -> None:
        self._cancelled = False

    def cancel(self) -> None:
        """Cancels the jobs that have this token. They end within a moment."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` has been called."""
        return self._cancelled


class Watch:
    """The library's progress callback of one job. What the caller's own callback or a signal handler raises is kept in
    ``problem``, because no exception may leave it, and cancels the job."""

    def __init__(
        self, tell: Optional[Callable[[Progress], object]], cancel: Optional[CancelToken], signals: Signals
    ) -> None:
        self.problem: Optional[BaseException] = None
        self._tell = tell
        self._cancel = cancel
        self._signals = signals
        self._told: Optional[tuple[int, ...]] = None

    def __call__(self, progress: Any, _: Any) -> int:
        try:
            if self._signals.problem is None and self._tell is not None:
                self._once(progress.contents)
            cancelled = self._cancel is not None and self._cancel.cancelled
        except BaseException as problem:  # KeyboardInterrupt too
            self.problem = problem
            return 1
        return int(cancelled or self._signals.problem is not None)

    def _once(self, progress: _abi.Progress) -> None:
        """Tells of what has changed: the library calls also in between, ten times a second."""
        now = (progress.phase, progress.evaluations, progress.level)
        if (now != self._told or progress.preview) and self._tell is not None:
            self._told = now
            self._tell(_read(progress))


def _read(progress: _abi.Progress) -> Progress:
    def number(value: float) -> Optional[float]:
        return None if math.isnan(value) else value

    return Progress(
        phase="optimising" if progress.phase == _abi.OPTIMISING else "preparing",
        evaluations=progress.evaluations,
        planned=progress.planned,
        loss=number(progress.loss),
        seconds=progress.seconds,
        seconds_left=number(progress.seconds_left),
        level=progress.level,
        levels=progress.levels,
        size=(progress.height, progress.width),
        preview=_pixels.preview(progress.preview.contents) if progress.preview else None,
    )
