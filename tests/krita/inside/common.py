"""What the suites share: tests that are counted, documents, and the plug-in's dialog."""

import json
import os
import subprocess
import threading
import time
import traceback

from krita import Krita, Selection
from PyQt5.QtCore import QEvent, QEventLoop
from PyQt5.QtWidgets import QApplication, QDialog, QMessageBox

try:
    from impasto.dialog import Dialog
except ImportError:
    # It is not installed yet.
    Dialog = ()

CHECKOUT, OUT = os.environ["IMPASTO_CHECKOUT"], os.environ["IMPASTO_OUT"]
NAME = os.environ["IMPASTO_NAME"]
SAMPLES = os.path.join(CHECKOUT, "assets", "sample")
WHIRLS = os.path.join(SAMPLES, "whirls.jpg")
QUICK = {"size": 64, "iterations": 4, "levels": 1}
OPTIONS = {"device": "cpu"}
KRITA = Krita.instance()


class Tests:
    """Runs functions, those whose names hold what IMPASTO_TESTS says, and writes down how each has ended, so that a Krita
    that dies is noticed."""

    def __init__(self):
        KRITA.activeWindow().qwindow().showMaximized()
        self._path = os.path.join(OUT, NAME + ".jsonl")
        open(self._path, "w").close()

    def run(self, test, *arguments):
        name = " ".join([test.__name__.replace("_", " "), *map(str, arguments)])
        if os.environ.get("IMPASTO_TESTS", "") not in name:
            return
        try:
            test(*arguments)
            problem = None
        except Exception:
            problem = traceback.format_exc()
            screenshot("failed")
        self._write({"test": name, "problem": problem})
        leave_nothing_open()

    def end(self):
        """Ends Krita as a person does."""
        self._write({"end": True})
        leave_nothing_open()
        quit_krita()

    def _write(self, result):
        with open(self._path, "a") as file:
            file.write(json.dumps(result) + "\n")


def go_on(seconds=0.02):
    """Lets Krita work."""
    end = time.monotonic() + seconds
    while True:
        QApplication.processEvents(QEventLoop.AllEvents, 20)
        QApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        if time.monotonic() >= end:
            return
        time.sleep(0.01)


def until(what, condition, seconds=120):
    """Waits; returns what the condition gives."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        go_on()
    raise AssertionError(f"waited {seconds} s for {what}")


def screenshot(name):
    go_on(0.5)
    subprocess.run(["import", "-window", "root", os.path.join(OUT, f"{NAME}-{name}.png")], check=True)


def quit_krita():
    KRITA.action("file_quit").trigger()


def leave_nothing_open():
    """Closes dialogs and documents, without a question."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, (QMessageBox, QDialog)) and widget.isVisible():
            widget.close()
    go_on(0.1)
    for document in KRITA.documents():
        document.waitForDone()
        document.setModified(False)
        document.close()
        go_on(0.1)
    until("the end of the threads", lambda: not painting_threads(), 20)


def painting_threads():
    return [thread for thread in threading.enumerate() if thread.name == "impasto"]


def show(document):
    """Opens a window's view of a document."""
    KRITA.activeWindow().addView(document)
    until("the view", lambda: KRITA.activeDocument() == document and document.activeNode())
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
    return show(document)


def layer_of(document):
    return document.topLevelNodes()[0]


def data(node, x=0, y=0, width=72, height=54):
    return bytes(node.pixelData(x, y, width, height))


def names(document):
    return [node.name() for node in document.topLevelNodes()]


def select(document, x, y, width, height, value=255):
    """Selects a rectangle."""
    selection = Selection()
    selection.select(x, y, width, height, value)
    document.setSelection(selection)


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
    until("the dialog", lambda: window() or message(), 20)
    assert not message(), message()
    return window()


def drafted(dialog):
    """Waits for the draft; returns the dialog."""
    until("the draft", lambda: dialog.status.text() == "" and dialog._changed is None)
    return dialog


def set_quick(dialog, iterations=4):
    """A small picture, soon."""
    for name, value in {**QUICK, "iterations": iterations}.items():
        dialog.settings.controls[name].set_value(value)
    dialog.settings.device.setCurrentIndex(dialog.settings.device.findData("cpu"))


def edit(action):
    """Undo or redo."""
    KRITA.action(action).trigger()
    go_on(0.3)
    KRITA.activeDocument().waitForDone()
