# SPDX-License-Identifier: GPL-3.0-or-later
"""The structs and numbers of include/impasto.h, for ctypes."""

import ctypes as c

ABI = 2

OK = 0
CANCELLED = 7

GREY, GREY_ALPHA, RGB, RGBA = 1, 2, 3, 4
U8, U16, F32 = 1, 2, 4


class Picture(c.Structure):
    """ImpastoPicture."""

    _fields_ = [
        ("data", c.c_void_p), ("stride", c.c_ssize_t), ("width", c.c_uint32), ("height", c.c_uint32),
        ("layout", c.c_uint32), ("sample", c.c_uint32), ("encoding", c.c_uint32), ("reserved", c.c_uint32),
    ]


class Style(c.Structure):
    """ImpastoStyle."""

    _fields_ = [
        ("struct_size", c.c_size_t), ("picture", Picture), ("weight", c.c_double), ("scale", c.c_double),
        ("region", c.POINTER(Picture)), ("name", c.c_char_p),
    ]


class Progress(c.Structure):
    """ImpastoProgress."""

    _fields_ = [
        ("struct_size", c.c_size_t), ("phase", c.c_uint32), ("evaluations", c.c_uint32), ("planned", c.c_uint32),
        ("reserved", c.c_uint32), ("loss", c.c_double), ("seconds", c.c_double), ("seconds_left", c.c_double),
        ("preview", c.POINTER(Picture)), ("level", c.c_uint32), ("levels", c.c_uint32), ("width", c.c_uint32),
        ("height", c.c_uint32),
    ]


Callback = c.CFUNCTYPE(c.c_int32, c.POINTER(Progress), c.c_void_p)


class Job(c.Structure):
    """ImpastoJob."""

    _fields_ = [
        ("struct_size", c.c_size_t), ("content", Picture), ("output", Picture), ("styles", c.POINTER(Style)),
        ("style_count", c.c_size_t), ("mask", c.POINTER(Picture)), ("init", c.POINTER(Picture)),
        ("params", c.c_char_p), ("progress", Callback), ("user_data", c.c_void_p), ("on_cancel", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


def declare(library):
    """Tells ctypes the types of the functions that are called."""
    text = c.POINTER(c.c_void_p)
    for name, result, arguments in [
        ("abi", c.c_uint32, []),
        ("version", c.c_char_p, []),
        ("last_error", c.c_char_p, []),
        ("params_schema", c.c_int32, [text]),
        ("engine_new", c.c_int32, [c.c_char_p, c.POINTER(c.c_void_p)]),
        ("engine_free", None, [c.c_void_p]),
        ("plan", c.c_int32, [c.c_void_p, c.POINTER(Job), text]),
        ("stylise", c.c_int32, [c.c_void_p, c.POINTER(Job), text]),
        ("string_free", None, [c.c_void_p]),
    ]:
        function = getattr(library, "impasto_" + name)
        function.restype, function.argtypes = result, arguments
