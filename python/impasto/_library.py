"""The C library: opened once, called, and its failures as exceptions."""

from __future__ import annotations

import ctypes as c
import json
import os
import sys
from pathlib import Path
from typing import Any

from . import _abi
from .errors import BY_STATUS, ImpastoError, InternalError, OnnxRuntimeError

_NAMES = {"win32": "impasto.dll", "darwin": "libimpasto.dylib"}


def _open() -> c.CDLL:
    path = Path(__file__).resolve().parent / _NAMES.get(sys.platform, "libimpasto.so")
    try:
        library = c.CDLL(str(path))
    except OSError as problem:
        raise ImportError(f"{path} cannot be opened: {problem}; install impasto again with pip") from problem
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    abi = library.impasto_abi()
    if abi != _abi.ABI:
        raise ImportError(f"{path} has ABI {abi}, this package needs {_abi.ABI}; install impasto again with pip")
    return library


LIBRARY = _open()
VERSION: str = LIBRARY.impasto_version().decode()


class _Process:
    """What this process has done."""

    started = False
    """Whether ONNX Runtime, and with it threads, may be running."""
    forked = False
    """Whether it is the child of a process in which they were: the threads are missing here."""


def _after_fork() -> None:
    _Process.forked = _Process.forked or _Process.started


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_forked() -> bool:
    """Whether nothing that ONNX Runtime has part in can be used in this process."""
    return _Process.forked


def start() -> None:
    """To be called before a function that starts ONNX Runtime or uses it."""
    if _Process.forked:
        raise OnnxRuntimeError(
            "this process was forked from one that had used Impasto, and has none of its threads; start processes with "
            "multiprocessing.get_context('spawn'), or use Impasto first in the child"
        )
    _Process.started = True


def failure(status: int) -> ImpastoError:
    """The exception for a status that this thread's last call has returned."""
    text: str = LIBRARY.impasto_last_error().decode(errors="replace")
    return BY_STATUS.get(status, InternalError)(text)


def check(status: int) -> None:
    """Raises the exception for a status, if it is one of failure."""
    if status != _abi.OK:
        raise failure(status)


def take(text: c.c_void_p) -> Any:
    """The value of a JSON text that the library has given, which is freed."""
    try:
        return json.loads(c.string_at(text))
    finally:
        LIBRARY.impasto_string_free(text)


def ask(function: Any, *arguments: Any) -> Any:
    """Calls a function whose last argument receives a JSON text; returns its value."""
    text = c.c_void_p()
    check(function(*arguments, c.byref(text)))
    return take(text)
