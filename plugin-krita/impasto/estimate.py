# SPDX-License-Identifier: GPL-3.0-or-later
"""How long painting will take: what the draft's evaluations took, for the sizes that are planned."""

import math

# So many evaluations of a size must have been seen before anything is said of it.
_ENOUGH = 4
# What is computed around the evaluations of a size takes about as long as so many of them: the targets, and the loss of the
# result. Measured with the quality Draft, of which it is the largest share.
_AROUND = 2
# Up to which time it is rounded to how many seconds, and the seconds and the name of the unit that it is told in.
_ROUNDED = [(28, 5, 1, "s"), (85, 10, 1, "s"), (5400, 60, 60, "min"), (math.inf, 3600, 3600, "h")]


class _Measured:
    """How long evaluations of one size took."""

    def __init__(self):
        self.evaluations, self.seconds = 0, 0.0


class Speed:
    """How long evaluations of one job take on this machine."""

    def __init__(self):
        # By the number of pixels.
        self._sizes = {}
        self._last = None

    def learn(self, progress):
        """Learns from a job's progress. Whether there was something new to learn."""
        last = self._last
        if progress.evaluations == 0 or (last is not None and last.evaluations == progress.evaluations):
            return False
        self._last = progress
        # The first evaluation of a size is not counted: it makes room.
        if last is None or last.level != progress.level:
            return False
        measured = self._sizes.setdefault(progress.pixels, _Measured())
        measured.evaluations += progress.evaluations - last.evaluations
        measured.seconds += progress.seconds - last.seconds
        return True

    def _of_evaluation(self):
        """The seconds that an evaluation takes: some for each, and some for each pixel. On a graphics card the first are
        most of what a small picture takes. None where too little is known."""
        sizes = sorted((pixels, m.seconds / m.evaluations) for pixels, m in self._sizes.items()
                       if m.evaluations >= _ENOUGH)
        if not sizes:
            return None
        (small, seconds_small), (large, seconds_large) = sizes[0], sizes[-1]
        if 2 * small <= large:
            each = (seconds_large - seconds_small) / (large - small)
            fixed = seconds_small - each * small
            if each > 0 and fixed > 0:
                return fixed, each
        return 0.0, seconds_large / large

    def is_known(self):
        """Whether enough has been learnt."""
        return self._of_evaluation() is not None

    def seconds(self, levels):
        """The seconds that a job with these levels will take; None where too little is known."""
        known = self._of_evaluation()
        if known is None:
            return None
        fixed, each = known
        return sum((level["evaluations"] + _AROUND) * (fixed + each * level["cost"]) for level in levels)


def text(seconds):
    """A time for people, rounded to what is known of it."""
    _, step, unit, name = next(row for row in _ROUNDED if seconds < row[0])
    return f"{max(1, int(seconds / step + 0.5)) * step // unit} {name}"
