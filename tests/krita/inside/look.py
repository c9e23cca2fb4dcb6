"""What the dialog looks like: pictures to look at."""

import os

from .common import KRITA, SAMPLES, Tests, drafted, go_on, open_dialog, screenshot, show


def the_dialog_is_shown_with_the_photograph():
    yield from show(KRITA.openDocument(os.path.join(SAMPLES, "cat.png")))
    dialog = yield from drafted((yield from open_dialog()))
    yield from screenshot("draft")
    dialog.settings.more.click()
    yield from go_on(0.3)
    bar = dialog.settings.verticalScrollBar()
    bar.setValue(bar.maximum())
    yield from screenshot("more")
    screen = dialog.screen().availableGeometry()
    assert screen.contains(dialog.frameGeometry()), (screen, dialog.frameGeometry())


TESTS = Tests([(the_dialog_is_shown_with_the_photograph, ())])
