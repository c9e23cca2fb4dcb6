# SPDX-License-Identifier: GPL-3.0-or-later
"""The thread that paints."""

import threading
import time
import unittest

from plug_in import OPTIONS, QUICK, library, picture, worker

LONG = {"size": 64, "iterations": 100000, "levels": 1}


def request(params, finish=None, options=None, whole=None):
    return worker.Request(library.Pictures(picture(), picture(40, 40)), params, options or OPTIONS, finish, whole)


class Work(unittest.TestCase):
    def setUp(self):
        self.worker = worker.Worker(library.Library())

    def tearDown(self):
        self.worker.end()

    def answer(self, *kinds):
        """Waits for an answer of one of these kinds."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            for kind, value in self.worker.answers():
                if kind in kinds:
                    return kind, value
            time.sleep(0.01)
        self.fail(f"no answer {kinds}")

    def test_a_request_is_painted_and_finished_on_the_thread(self):
        threads = []
        self.worker.ask(request(QUICK, lambda _: threads.append(threading.current_thread().name)))
        _, result = self.answer(worker.DONE)
        self.assertEqual((result.width, result.height), (48, 36))
        self.assertEqual(threads, ["impasto"])

    def test_a_new_request_ends_the_one_that_is_worked_on(self):
        self.worker.ask(request(LONG))
        self.answer(worker.PROGRESS)
        self.worker.ask(request(QUICK))
        self.answer(worker.DONE)

    def test_what_is_forgotten_gives_no_answers(self):
        self.worker.ask(request(LONG))
        self.answer(worker.PROGRESS)
        self.worker.forget()
        self.assertEqual(list(self.worker.answers()), [])

    def test_a_draft_tells_how_long_the_whole_takes(self):
        def asked(size):
            whole = library.Pictures(picture(), picture(40, 40)), {**QUICK, "size": size}
            self.worker.ask(request({**QUICK, "iterations": 12}, whole=whole))
            return self.answer(worker.TAKES, worker.REFUSED)

        self.assertEqual(asked(64), (worker.TAKES, None))
        _, small = self.answer(worker.TAKES)
        self.answer(worker.DONE)
        # It is known at once for the next draft.
        _, large = asked(256)
        self.assertGreater(large, 4 * small)

    def test_a_draft_tells_why_the_whole_cannot_be_painted(self):
        whole = library.Pictures(picture(), picture(40, 40)), {**QUICK, "size": 4096}
        self.worker.ask(request(QUICK, options={**OPTIONS, "memory": 200 << 20}, whole=whole))
        _, text = self.answer(worker.REFUSED)
        self.assertIn("memory", text)
        self.answer(worker.DONE)

    def test_a_failure_is_told_and_the_next_request_is_painted(self):
        self.worker.ask(request({"strength": 300}))
        _, text = self.answer(worker.FAILED)
        self.assertIn("strength", text)
        self.worker.ask(request(QUICK))
        self.answer(worker.DONE)

    def test_a_fault_of_our_own_is_told_and_the_thread_lives(self):
        self.worker.ask(request(QUICK, lambda _: 1 / 0))
        _, text = self.answer(worker.FAILED)
        self.assertIn("ZeroDivisionError", text)
        self.worker.ask(request(QUICK))
        self.answer(worker.DONE)

    def test_the_end_comes_in_the_middle_of_a_job_and_once_more_does_no_harm(self):
        self.worker.ask(request(LONG))
        self.answer(worker.PROGRESS)
        self.worker.end()
        self.worker.end()
        self.assertFalse(self.worker._thread.is_alive())


if __name__ == "__main__":
    unittest.main()
