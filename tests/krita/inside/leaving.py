"""The document, or the dialog, is closed while it is painted."""

from .common import (KRITA, Tests, drafted, go_on, open_dialog, painting_threads, photograph, set_quick, until, window)


def painting():
    """A dialog that paints for long."""
    document = photograph(width=320, height=240)
    dialog = open_dialog()
    set_quick(dialog, iterations=90000)
    dialog.paint.click()
    until("the first evaluations", lambda: "evaluation" in dialog.status.text())
    return document, dialog


def closing_the_document_ends_the_dialog_and_the_thread():
    document, _ = painting()
    document.setModified(False)
    document.close()
    until("the end of the dialog", lambda: window() is None, 20)
    until("the end of the thread", lambda: not painting_threads(), 20)
    photograph()
    drafted(open_dialog())


def closing_the_window_of_the_dialog_ends_the_thread():
    document, dialog = painting()
    dialog.close()
    until("the end of the thread", lambda: not painting_threads(), 20)
    go_on(0.5)
    assert len(document.topLevelNodes()) == 1 and len(KRITA.documents()) == 1


tests = Tests()
for test in [closing_the_document_ends_the_dialog_and_the_thread, closing_the_window_of_the_dialog_ends_the_thread]:
    tests.run(test)
tests.end()
