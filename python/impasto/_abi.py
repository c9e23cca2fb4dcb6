"""The C library's constants, structs and functions, as include/impasto.h has them (tests/test_abi.py compares)."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, Tuple

ABI = 2

# Statuses.
OK = 0
INVALID_ARGUMENT = 1
PARAMETERS = 2
PICTURE = 3
MODEL = 4
RUNTIME = 5
MEMORY = 6
CANCELLED = 7
CANCELLED_WITH_PICTURE = 8
INTERNAL = 9

# Levels of messages.
LOG_ERROR = 1
LOG_WARNING = 2
LOG_INFO = 3
LOG_DEBUG = 4

# Layouts: the number is that of the channels.
GREY = 1
GREY_ALPHA = 2
RGB = 3
RGBA = 4

# Samples: the number is that of the bytes.
U8 = 1
U16 = 2
F32 = 4

# Encodings.
SRGB = 0
LINEAR = 1

# Job.on_cancel.
DISCARD = 0
KEEP_BEST = 1

# Progress.phase.
PREPARING = 0
OPTIMISING = 1


class Picture(c.Structure):
    """ImpastoPicture."""

    _fields_ = [
        ("data", c.c_void_p),
        ("stride", c.c_ssize_t),
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("layout", c.c_uint32),
        ("sample", c.c_uint32),
        ("encoding", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class Style(c.Structure):
    """ImpastoStyle."""

    _fields_ = [
        ("struct_size", c.c_size_t),
        ("picture", Picture),
        ("weight", c.c_double),
        ("scale", c.c_double),
        ("region", c.POINTER(Picture)),
        ("name", c.c_char_p),
    ]


class Progress(c.Structure):
    """ImpastoProgress."""

    _fields_ = [
        ("struct_size", c.c_size_t),
        ("phase", c.c_uint32),
        ("evaluations", c.c_uint32),
        ("planned", c.c_uint32),
        ("reserved", c.c_uint32),
        ("loss", c.c_double),
        ("seconds", c.c_double),
        ("seconds_left", c.c_double),
        ("preview", c.POINTER(Picture)),
        ("level", c.c_uint32),
        ("levels", c.c_uint32),
        ("width", c.c_uint32),
        ("height", c.c_uint32),
        ("left", c.c_double),
        ("top", c.c_double),
        ("right", c.c_double),
        ("bottom", c.c_double),
    ]


ProgressCallback = c.CFUNCTYPE(c.c_int32, c.POINTER(Progress), c.c_void_p)


class Job(c.Structure):
    """ImpastoJob."""

    _fields_ = [
        ("struct_size", c.c_size_t),
        ("content", Picture),
        ("output", Picture),
        ("styles", c.POINTER(Style)),
        ("style_count", c.c_size_t),
        ("mask", c.POINTER(Picture)),
        ("init", c.POINTER(Picture)),
        ("params", c.c_char_p),
        ("progress", ProgressCallback),
        ("user_data", c.c_void_p),
        ("on_cancel", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


LogCallback = c.CFUNCTYPE(None, c.c_uint32, c.c_char_p, c.c_void_p)

_TEXT = c.POINTER(c.c_void_p)  # Where a text goes: as a plain pointer, which must be freed.

# What each function returns and takes.
FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "impasto_abi": (c.c_uint32, []),
    "impasto_version": (c.c_char_p, []),
    "impasto_last_error": (c.c_char_p, []),
    "impasto_devices": (c.c_int32, [_TEXT]),
    "impasto_models": (c.c_int32, [_TEXT]),
    "impasto_params_schema": (c.c_int32, [_TEXT]),
    "impasto_engine_new": (c.c_int32, [c.c_char_p, c.POINTER(c.c_void_p)]),
    "impasto_engine_free": (None, [c.c_void_p]),
    "impasto_engine_info": (c.c_int32, [c.c_void_p, _TEXT]),
    "impasto_plan": (c.c_int32, [c.c_void_p, c.POINTER(Job), _TEXT]),
    "impasto_stylise": (c.c_int32, [c.c_void_p, c.POINTER(Job), _TEXT]),
    "impasto_string_free": (None, [c.c_void_p]),
    "impasto_set_log": (None, [LogCallback, c.c_uint32, c.c_void_p]),
}
