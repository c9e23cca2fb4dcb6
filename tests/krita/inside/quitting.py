"""Krita is ended while it paints."""

from .common import Tests, open_dialog, photograph, quit_krita, set_quick, until


class Quitting(Tests):
    """Leaves the dialog and its thread as they are when Krita ends."""

    def end(self):
        self._write({"end": True})
        quit_krita()


def krita_is_ended_in_the_middle(tests):
    document = photograph(width=320, height=240)
    dialog = open_dialog()
    set_quick(dialog, iterations=90000)
    dialog.paint.click()
    until("the first evaluations", lambda: "evaluation" in dialog.status.text())
    document.setModified(False)
    tests._write({"test": "krita is ended in the middle", "problem": None})
    tests.end()


krita_is_ended_in_the_middle(Quitting())
