"""Krita is ended while it paints."""

from .common import Tests, painting


def krita_is_ended_in_the_middle():
    document, _ = yield from painting()
    document.setModified(False)


TESTS = Tests([(krita_is_ended_in_the_middle, ())], quitting=True)
