"""What the library and ONNX Runtime have to say."""

from __future__ import annotations

import atexit
from typing import Any, Callable, List, Optional

from . import _abi
from ._library import LIBRARY
from .errors import ParametersError

_LEVELS = {"error": _abi.LOG_ERROR, "warning": _abi.LOG_WARNING, "info": _abi.LOG_INFO, "debug": _abi.LOG_DEBUG}
_NAMES = {number: name for name, number in _LEVELS.items()}
_OFF = _abi.LogCallback()
# A call that has begun may end after another callback has been set, so none is ever freed.
_kept: List[Any] = []


def set_log(tell: Optional[Callable[[str, str], object]], level: str = "warning") -> None:
    """Sends messages to a function; None turns that off, as it is at the start. Nothing is ever printed.

    ``tell`` is called with a level ("error", "warning", "info" or "debug") and a text, on any thread, also on several at once.
    What it raises is lost. ``level`` is the least important level that is sent. The setting holds for the whole process.
    """
    if level not in _LEVELS:
        raise ParametersError(f"level: {level!r} is unknown; expected one of {', '.join(_LEVELS)}")
    if tell is None:
        LIBRARY.impasto_set_log(_OFF, _LEVELS[level], None)
        return
    told = tell

    def callback(number: int, text: bytes, _: Any) -> None:
        try:
            told(_NAMES.get(number, "debug"), text.decode(errors="replace"))
        except Exception:  # Nobody could catch it, and ctypes would print it.
            return

    kept = _abi.LogCallback(callback)
    _kept.append(kept)
    LIBRARY.impasto_set_log(kept, _LEVELS[level], None)


# Threads of the library must not call into a Python that is about to end.
atexit.register(set_log, None)
