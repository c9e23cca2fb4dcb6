"""What the dialog looks like: pictures to look at."""

import os

from .common import KRITA, SAMPLES, Tests, drafted, go_on, open_dialog, screenshot, show


def the_dialog_is_shown_with_the_photograph():
    show(KRITA.openDocument(os.path.join(SAMPLES, "cat.png")))
    dialog = drafted(open_dialog())
    screenshot("draft")
    dialog.settings.more.click()
    go_on(0.3)
    bar = dialog.settings.verticalScrollBar()
    bar.setValue(bar.maximum())
    screenshot("more")
    screen = dialog.screen().availableGeometry()
    assert screen.contains(dialog.frameGeometry()), (screen, dialog.frameGeometry())


tests = Tests()
tests.run(the_dialog_is_shown_with_the_photograph)
tests.end()
