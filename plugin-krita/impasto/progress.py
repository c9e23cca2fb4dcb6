# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's progress in words."""


def text(progress):
    """Size, evaluation and time left."""
    if progress.evaluations == 0:
        return "Reading the style…"
    size = f"Size {progress.level} of {progress.levels}, evaluation" if progress.levels > 1 else "Evaluation"
    left = "" if progress.seconds_left is None else f", {clock(progress.seconds_left)} left"
    return f"{size} {progress.evaluations} of {progress.planned}{left}"


def clock(seconds):
    """Seconds as minutes and seconds."""
    seconds = round(max(0, min(seconds, 360000)))
    return f"{seconds // 60}:{seconds % 60:02}"
