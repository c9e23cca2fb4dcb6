# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints on a thread of its own. A new request ends the one that is being worked on. The thread touches neither Qt nor
Krita; whoever asks looks for answers."""

import queue
import threading

from .library import Cancelled, Failure

# Kinds of answers.
PROGRESS, DONE, FAILED = "progress", "done", "failed"


class Request:
    """A job: pictures, parameters, options of the engine, and what is done to the result on the thread."""

    def __init__(self, pictures, params, options, finish=None):
        self.pictures, self.params, self.options, self.finish = pictures, params, options, finish


class Worker:
    """The thread."""

    def __init__(self, library):
        self._library = library
        self._changed = threading.Condition()
        self._waiting, self._newest, self._ended = None, 0, False
        self._answers = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="impasto", daemon=True)
        self._thread.start()

    def ask(self, request):
        """Ends what is being worked on, and begins this."""
        with self._changed:
            self._newest += 1
            self._waiting = request
            self._changed.notify()

    def forget(self):
        """Ends what is being worked on."""
        with self._changed:
            self._newest += 1
            self._waiting = None

    def answers(self):
        """The answers to the newest request since the last call: pairs of a kind and a value."""
        while True:
            try:
                number, kind, value = self._answers.get_nowait()
            except queue.Empty:
                return
            if number == self._newest:
                yield kind, value

    def end(self):
        """Ends the thread, which takes no longer than the library's next call back."""
        with self._changed:
            self._newest += 1
            self._waiting, self._ended = None, True
            self._changed.notify()
        self._thread.join()

    def _work(self):
        options, engine = None, None
        while True:
            with self._changed:
                while self._waiting is None and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                request, self._waiting, number = self._waiting, None, self._newest
            try:
                if engine is None or options != request.options:
                    options, engine = request.options, None
                    engine = self._library.engine(options)
                result = self._painted(engine, request, number)
                self._answers.put((number, DONE, result))
            except Cancelled:
                pass
            except Failure as problem:
                self._answers.put((number, FAILED, str(problem)))
            except MemoryError:
                self._answers.put((number, FAILED, "There is not enough memory for this picture. Choose a lower "
                                                   "quality, or close other pictures."))
            except Exception as problem:
                self._answers.put((number, FAILED, f"A fault in the plug-in, please report it: {problem!r}"))

    def _painted(self, engine, request, number):
        def go_on(progress):
            self._answers.put((number, PROGRESS, progress))
            return self._newest == number

        result = engine.stylise(request.pictures, request.params, go_on)
        if request.finish is not None:
            request.finish(result)
        return result
