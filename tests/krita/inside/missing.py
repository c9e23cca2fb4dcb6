"""A part of the plug-in is missing."""

import os

from .common import Tests, menu, message, names, photograph, until, window

WORDS = os.environ["IMPASTO_WORDS"]


def told():
    """What the message box, or the dialog's line, says."""
    dialog = window()
    return message() + (dialog.status.text() if dialog else "")


def what_is_missing_is_told_and_krita_goes_on():
    document = yield from photograph()
    before = names(document)
    menu()
    yield from until("the message", lambda: WORDS in told())
    assert names(document) == before


TESTS = Tests([(what_is_missing_is_told_and_krita_goes_on, ())])
