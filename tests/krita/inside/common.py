"""What the suites share: tests that are counted, documents, and the plug-in's dialog."""

import json
import os
import subprocess
import threading
import time
import traceback

from krita import Krita, Selection
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication, QMessageBox

try:
    from impasto.dialog import Dialog
except ImportError:
    # It is not installed yet.
    class Dialog:
        """Nothing that is shown."""

CHECKOUT, OUT = os.environ["IMPASTO_CHECKOUT"], os.environ["IMPASTO_OUT"]
REFERENCE = os.environ["IMPASTO_REFERENCE"]
NAME = os.environ["IMPASTO_NAME"]
SAMPLES = os.path.join(CHECKOUT, "assets", "sample")
WHIRLS = os.path.join(SAMPLES, "whirls.jpg")
QUICK = {"size": 64, "iterations": 4, "levels": 1}
OPTIONS = {"device": "cpu"}
KRITA = Krita.instance()
# In so many seconds Krita's list of layers has followed a change. Krita 5.2.9 dies if the document is closed before that
# (docs/krita.md, "Closing a document").
FOLLOWED = 0.5


class Tests:
    """Runs tests one after another, those whose names hold what IMPASTO_TESTS says, and writes down how each has ended,
    so that a Krita that dies is noticed. A test is a generator: between its steps Krita's own loop goes on, as some of
    what Krita does waits for it."""

    def __init__(self, tests, quitting=False):
        """`tests` are pairs of a function and its arguments. With `quitting`, Krita is ended as the last test has left
        it."""
        self._path = os.path.join(OUT, NAME + ".jsonl")
        open(self._path, "w").close()
        KRITA.activeWindow().qwindow().showMaximized()
        self._steps = self._all(tests, quitting)
        self._timer = QTimer()
        self._timer.timeout.connect(self._step)
        self._timer.start(20)

    def _step(self):
        if next(self._steps, StopIteration) is StopIteration:
            self._timer.stop()
            KRITA.action("file_quit").trigger()

    def _all(self, tests, quitting):
        for test, arguments in tests:
            name = " ".join([test.__name__.replace("_", " "), *map(str, arguments)])
            if os.environ.get("IMPASTO_TESTS", "") not in name:
                continue
            problem = None
            try:
                yield from test(*arguments)
            except Exception:
                problem = traceback.format_exc()
                yield from screenshot("failed")
            self._write({"test": name, "problem": problem})
            if not quitting:
                yield from leave_nothing_open()
        self._write({"end": True})

    def _write(self, result):
        with open(self._path, "a") as file:
            file.write(json.dumps(result) + "\n")


def go_on(seconds):
    """Lets Krita work. A timer counts, so that Krita's own timers that are due before have gone off however busy it is."""
    over = []
    QTimer.singleShot(round(1000 * seconds), lambda: over.append(True))
    while not over:
        yield


def until(what, condition, seconds=300):
    """Waits; returns what the condition gives."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        yield
    raise AssertionError(f"waited {seconds} s for {what}")


def screenshot(name):
    """Takes a picture of the screen."""
    yield from go_on(0.5)
    subprocess.run(["import", "-window", "root", os.path.join(OUT, f"{NAME}-{name}.png")], check=True)


def leave_nothing_open():
    """Closes dialogs and documents, without a question."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, (QMessageBox, Dialog)) and widget.isVisible():
            widget.close()
    yield from go_on(0.1)
    for document in KRITA.documents():
        yield from close(document)
        yield from go_on(0.1)
    yield from until("the end of the threads", lambda: not painting_threads())


def close(document):
    """Closes a document that may be shown."""
    document.waitForDone()
    yield from go_on(FOLLOWED)
    # Else Krita asks whether it is to be saved.
    document.setModified(False)
    document.close()


def painting_threads():
    return [thread for thread in threading.enumerate() if thread.name == "impasto"]


def show(document):
    """Opens a window's view of a document."""
    KRITA.activeWindow().addView(document)
    yield from until("the view", lambda: KRITA.activeDocument() == document and document.activeNode())
    document.waitForDone()
    return document


def photograph(model="RGBA", depth="U8", profile="sRGB-elle-V2-srgbtrc.icc", width=72, height=54):
    """The sample photograph, small, in a colour space, in a view of its own."""
    document = KRITA.openDocument(os.path.join(SAMPLES, "coffee.png"))
    document.scaleImage(width, height, 72, 72, "Bicubic")
    document.waitForDone()
    document.setColorSpace(model, depth, profile)
    document.waitForDone()
    assert (document.colorModel(), document.colorDepth()) == (model, depth), (document.colorModel(), depth)
    return (yield from show(document))


def layer_of(document):
    return document.topLevelNodes()[0]


def data(node, x=0, y=0, width=72, height=54):
    return bytes(node.pixelData(x, y, width, height))


def names(document):
    return [node.name() for node in document.topLevelNodes()]


def rectangle(x, y, width, height, value=255):
    """A selection."""
    selection = Selection()
    selection.select(x, y, width, height, value)
    return selection


def select(document, *arguments):
    """Selects a rectangle."""
    document.setSelection(rectangle(*arguments))


def add_mask(document, node, *arguments):
    """Gives a layer a transparency mask that shows a rectangle of it."""
    mask = document.createTransparencyMask("mask")
    mask.setSelection(rectangle(*arguments))
    node.addChildNode(mask, None)
    document.waitForDone()
    return mask


def menu():
    """Chooses Tools ▸ Scripts ▸ Neural Style Transfer."""
    KRITA.action("impasto_style_transfer").trigger()


def window():
    """The plug-in's dialog if it is shown, or None."""
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, Dialog) and w.isVisible()), None)


def message():
    """What a message box says, or nothing."""
    boxes = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
    return boxes[0].text() if boxes else ""


def open_dialog():
    """Opens the dialog from the menu."""
    menu()
    yield from until("the dialog", lambda: window() or message())
    assert not message(), message()
    return window()


def drafted(dialog):
    """Waits for the draft; returns the dialog."""
    yield from until("the draft", lambda: dialog.status.text() == "" and dialog._changed is None)
    return dialog


def set_quick(dialog, iterations=4):
    """A small picture, soon."""
    for name, value in {**QUICK, "iterations": iterations}.items():
        dialog.settings.controls[name].set_value(value)
    dialog.settings.device.setCurrentIndex(dialog.settings.device.findData("cpu"))


def edit(action):
    """Undo or redo."""
    KRITA.action(action).trigger()
    yield from go_on(0.3)
    KRITA.activeDocument().waitForDone()


def painting():
    """A dialog that paints for long."""
    document = yield from photograph(width=320, height=240)
    dialog = yield from open_dialog()
    set_quick(dialog, iterations=90000)
    dialog.paint.click()
    yield from until("the first evaluations", lambda: dialog.bar.value() > 0)
    return document, dialog
