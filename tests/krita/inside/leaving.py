"""The document, or the dialog, is closed while it is painted."""

from .common import (KRITA, Tests, close, drafted, go_on, open_dialog, painting, painting_threads, photograph, until,
                     window)


def closing_the_document_ends_the_dialog_and_the_thread():
    document, _ = yield from painting()
    yield from close(document)
    yield from until("the end of the dialog", lambda: window() is None)
    yield from until("the end of the thread", lambda: not painting_threads())
    yield from photograph()
    yield from drafted((yield from open_dialog()))


def closing_the_window_of_the_dialog_ends_the_thread():
    document, dialog = yield from painting()
    dialog.close()
    yield from until("the end of the thread", lambda: not painting_threads())
    yield from go_on(0.5)
    assert len(document.topLevelNodes()) == 1 and len(KRITA.documents()) == 1


TESTS = Tests([(test, ()) for test in [
    closing_the_document_ends_the_dialog_and_the_thread, closing_the_window_of_the_dialog_ends_the_thread,
]])
