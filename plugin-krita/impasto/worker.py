# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints on a thread of its own. A new request ends the one that is being worked on. The thread touches neither Qt nor
Krita; whoever asks looks for answers."""

import queue
import threading

from .estimate import Speed
from .library import Cancelled, Failure

# Kinds of answers. TAKES has the seconds that the whole will take, or None where they are not known yet; REFUSED why it
# cannot be painted.
PROGRESS, DONE, FAILED, TAKES, REFUSED = "progress", "done", "failed", "takes", "refused"

# The estimate is made anew after so many evaluations.
_ESTIMATE_EVERY = 8


class Request:
    """A job: pictures, parameters, options of the engine, and what is done to the result on the thread. `whole` are the
    pictures and parameters that a draft stands for; of these pictures only the sizes count."""

    def __init__(self, pictures, params, options, finish=None, whole=None):
        self.pictures, self.params, self.options, self.finish = pictures, params, options, finish
        self.whole = whole


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
        engine = None
        while True:
            with self._changed:
                while self._waiting is None and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                request, self._waiting, number = self._waiting, None, self._newest

            def answer(kind, value):
                self._answers.put((number, kind, value))

            try:
                if engine is None or engine.options != request.options:
                    engine = None
                    engine = _Engine(self._library, request.options)
                answer(DONE, engine.paint(request, lambda: self._newest == number, answer))
            except Cancelled:
                pass
            except Failure as problem:
                answer(FAILED, str(problem))
            except MemoryError:
                answer(FAILED, "There is not enough memory for this picture. Choose a lower quality, or close other "
                               "pictures.")
            except Exception as problem:
                answer(FAILED, f"A fault in the plug-in, please report it: {problem!r}")


class _Engine:
    """An engine of the library, and how fast it is."""

    def __init__(self, library, options):
        self.options, self._engine = options, library.engine(options)
        # Of the last job that has got far enough.
        self._speed = Speed()

    def paint(self, request, is_wanted, answer):
        """Paints as long as it is wanted, and measures the time."""
        levels = self._levels_of_the_whole(request, answer)
        speed = Speed()

        def go_on(progress):
            answer(PROGRESS, progress)
            # The small sizes say little of the large ones.
            is_due = progress.level == progress.levels and progress.evaluations % _ESTIMATE_EVERY == 0
            if speed.learn(progress) and is_due and levels:
                answer(TAKES, speed.seconds(levels))
            return is_wanted()

        try:
            result = self._engine.stylise(request.pictures, request.params, go_on)
        finally:
            if speed.is_known():
                self._speed = speed
        if request.finish is not None:
            request.finish(result)
        return result

    def _levels_of_the_whole(self, request, answer):
        """The sizes that the picture is painted in for which the request is a draft; none where it is none."""
        if request.whole is None:
            return []
        try:
            levels = self._engine.plan(*request.whole)["levels"]
        except Failure as problem:
            answer(REFUSED, str(problem))
            return []
        answer(TAKES, self._speed.seconds(levels))
        return levels
