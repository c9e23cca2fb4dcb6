"""Signals while a job runs, Ctrl-C above all.

Python runs a signal's handler when Python code of the main thread runs next, which is the progress callback. An exception
from a handler would often be raised before the callback's first line, where nothing can catch it: ctypes would print it, and
the job would go on. So handlers are wrapped while a job runs, and what they raise is kept for the callback.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Callable, Dict, Optional

Handler = Callable[[int, Optional[FrameType]], Any]


class _Kept:
    """A handler whose exceptions are kept."""

    def __init__(self, handler: Handler, keep: Callable[[BaseException], None]) -> None:
        self.handler = handler
        self._keep = keep

    def __call__(self, number: int, frame: Optional[FrameType]) -> None:
        try:
            self.handler(number, frame)
        except BaseException as problem:
            self._keep(problem)


class Signals:
    """Keeps what the handlers of signals raise inside of ``with``."""

    def __init__(self) -> None:
        self.problem: Optional[BaseException] = None
        self._before: Dict[int, Handler] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals():
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    # A job that a callback of another job runs gets the exception itself, and its caller passes it on.
                    inner = handler.handler if isinstance(handler, _Kept) else handler
                    signal.signal(number, _Kept(inner, self._keep))
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            # The handler may have set another one.
            if isinstance(signal.getsignal(number), _Kept):
                signal.signal(number, before)

    def _keep(self, problem: BaseException) -> None:
        self.problem = problem
