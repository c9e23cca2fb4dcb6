# SPDX-License-Identifier: GPL-3.0-or-later
"""libimpasto, opened with ctypes. A job may run on any thread: ctypes lets Python go on meanwhile."""

import ctypes as c
import json
import math
import os
import sys

from . import abi
from .pixels import Pixels

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """What is wrong and what to do, for people."""


class Cancelled(Exception):
    """The job was cancelled."""


class Progress:
    """How far a job is."""

    def __init__(self, raw):
        self.evaluations, self.planned = raw.evaluations, raw.planned
        self.level, self.levels = raw.level, raw.levels
        # Of the size that is worked on.
        self.pixels = raw.width * raw.height
        # Since the first evaluation began.
        self.seconds = raw.seconds
        self.seconds_left = raw.seconds_left if math.isfinite(raw.seconds_left) else None
        # How much of the work is done, 0..1. The library weighs an evaluation by its pixels in the time that is left.
        self.share = 0.0 if self.seconds_left is None else raw.seconds / max(raw.seconds + raw.seconds_left, 1e-9)
        self.preview = _copied(raw.preview.contents) if raw.preview else None


def _copied(picture):
    """A preview of the library, which is RGB of 8 bits, in memory of our own."""
    row = 3 * picture.width
    rows = (c.string_at(picture.data + y * picture.stride, row) for y in range(picture.height))
    return Pixels(picture.width, picture.height, abi.RGB, abi.U8, b"".join(rows))


def _places():
    """Where the library may lie, the first choice first."""
    name = {"win32": "impasto.dll", "darwin": "libimpasto.0.dylib"}.get(sys.platform, "libimpasto.so.0")
    named = os.environ.get("IMPASTO_LIBRARY")
    return ([named] if named else []) + [os.path.join(FOLDER, "lib", name), name]


class Library:
    """The library."""

    def __init__(self):
        problems = []
        for place in _places():
            try:
                self._functions = c.CDLL(place)
                break
            except OSError as problem:
                problems.append(f"{place}: {problem}")
        else:
            raise Failure("The library libimpasto cannot be opened. Install the plug-in again; its folder has to "
                          f"hold “lib”. Tried: {'; '.join(problems)}")
        try:
            abi.declare(self._functions)
            number = self._functions.impasto_abi()
        except AttributeError as problem:
            raise Failure(f"{place} is not the library that this plug-in needs ({problem}). Install the plug-in "
                          "again.") from None
        if number != abi.ABI:
            raise Failure(f"{place} is not the library that this plug-in needs (ABI {number}, not {abi.ABI}). "
                          "Install the plug-in again.")

    def schema(self):
        """The JSON Schema of a job's parameters."""
        return self._json(self._functions.impasto_params_schema)

    def engine(self, options):
        """A model on a device. It takes a moment."""
        engine = c.c_void_p()
        self._check(self._functions.impasto_engine_new(json.dumps(options).encode(), c.byref(engine)))
        return Engine(self, engine)

    def _json(self, function, *arguments):
        """What a function says as JSON, which gives a text in its last argument."""
        text = c.c_void_p()
        self._check(function(*arguments, c.byref(text)))
        try:
            return json.loads(c.string_at(text.value))
        finally:
            self._functions.impasto_string_free(text)

    def _check(self, status):
        if status != abi.OK:
            raise Failure(self._functions.impasto_last_error().decode(errors="replace"))


class Engine:
    """An engine of the library. It is freed with the last reference to it."""

    def __init__(self, library, pointer):
        self._library, self._functions, self._pointer = library, library._functions, pointer

    def __del__(self):
        self._functions.impasto_engine_free(self._pointer)

    def plan(self, pictures, params):
        """What a job would do, in a moment: docs/c-library.md says what is in it. A Failure is the one of that job."""
        job = pictures.job(params, pictures.content)
        return self._library._json(self._functions.impasto_plan, self._pointer, c.byref(job))

    def stylise(self, pictures, params, go_on):
        """Paints `pictures` and returns the result in the content's size and format. `go_on` is called on this thread
        about ten times a second with a Progress; what is not true cancels."""
        output = pictures.content.same_format()
        job = pictures.job(params, output)
        raised = []

        def call_back(progress, _):
            try:
                return 0 if go_on(Progress(progress.contents)) else 1
            except Exception as problem:  # None may leave the callback.
                raised.append(problem)
                return 1

        job.progress = abi.Callback(call_back)
        status = self._functions.impasto_stylise(self._pointer, c.byref(job), None)
        if raised:
            raise raised[0]
        if status == abi.CANCELLED:
            raise Cancelled()
        self._library._check(status)
        return output


class Pictures:
    """What a job works on: the content, a style picture (none where the parameters name one), and a mask."""

    def __init__(self, content, style=None, mask=None):
        self.content, self.style, self.mask = content, style, mask

    def job(self, params, output):
        """The struct of a job with these pictures, without a callback. It holds as long as the pictures live."""
        job = abi.Job(struct_size=c.sizeof(abi.Job), content=self.content.descriptor(), output=output.descriptor(),
                      params=json.dumps(params).encode())
        if self.style is not None:
            style = abi.Style(struct_size=c.sizeof(abi.Style), picture=self.style.descriptor(), weight=1.0)
            job.styles, job.style_count = c.pointer(style), 1
        if self.mask is not None:
            job.mask = c.pointer(self.mask.descriptor())
        return job
