# SPDX-License-Identifier: GPL-3.0-or-later
"""How long painting will take."""

import unittest

from plug_in import estimate


class At:
    """A job's progress."""

    def __init__(self, level, evaluations, side, seconds):
        self.level, self.evaluations, self.pixels, self.seconds = level, evaluations, side * side, seconds


def draft(fixed, each):
    """What is learnt of a draft whose evaluations take some time each, and some for each pixel."""
    speed, seconds, evaluations = estimate.Speed(), 0.0, 0
    for level, side in [(1, 128), (2, 256)]:
        # What the first one takes does not count.
        seconds += 10
        for _ in range(9):
            evaluations += 1
            seconds += fixed + each * side * side
            speed.learn(At(level, evaluations, side, seconds))
    return speed


class Estimate(unittest.TestCase):
    def test_nothing_is_known_before_the_first_evaluations(self):
        speed, levels = estimate.Speed(), [{"evaluations": 10, "cost": 1e6}]
        for evaluation in range(5):
            self.assertIsNone(speed.seconds(levels))
            speed.learn(At(1, evaluation, 128, evaluation))
        self.assertFalse(speed.is_known())
        self.assertTrue(speed.learn(At(1, 5, 128, 5)))
        self.assertIsNotNone(speed.seconds(levels))

    def test_the_same_evaluation_teaches_nothing_new(self):
        speed = draft(0, 1e-6)
        self.assertFalse(speed.learn(At(2, 18, 256, 99)))

    def test_it_grows_with_pixels_and_evaluations(self):
        levels = [{"evaluations": 18, "cost": 500_000}, {"evaluations": 8, "cost": 2_000_000}]
        for fixed, each in [(0, 1e-6), (0.01, 1e-6), (0.01, 1e-9)]:
            wanted = 30 * fixed + each * 3e7
            self.assertAlmostEqual(draft(fixed, each).seconds(levels), wanted, delta=0.01 * wanted)

    def test_times_are_rounded(self):
        for seconds, text in [(0.2, "5 s"), (12, "10 s"), (44, "40 s"), (84, "80 s"), (89, "1 min"), (100, "2 min"),
                              (3000, "50 min"), (9000, "3 h")]:
            self.assertEqual(estimate.text(seconds), text)


if __name__ == "__main__":
    unittest.main()
