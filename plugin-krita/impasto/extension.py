# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry in Krita's menu, which opens the dialog for the active layer."""

from krita import Extension, Krita
from PyQt5.QtWidgets import QApplication, QMessageBox

from .dialog import Dialog
from .layer import Target
from .library import Failure, Library

_TITLE = "Neural Style Transfer"


class NeuralStyleTransfer(Extension):
    """Tools ▸ Scripts ▸ Neural Style Transfer…"""

    def __init__(self, parent):
        super().__init__(parent)
        self._dialog = None

    def setup(self):
        """Ends the thread before Krita ends."""
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._stop)
        QApplication.instance().aboutToQuit.connect(self._stop)

    def createActions(self, window):
        """Puts the entry into a window's menu."""
        action = window.createAction("impasto_style_transfer", _TITLE + "…", "tools/scripts")
        action.triggered.connect(self._open)

    def _open(self):
        if self._dialog is not None:
            if self._dialog.is_painting():
                self._dialog.raise_()
                self._dialog.activateWindow()
                return
            self._dialog.close()
        window = Krita.instance().activeWindow().qwindow()
        try:
            document = Krita.instance().activeDocument()
            if document is None:
                raise Failure("No picture is open. Open a picture and try again.")
            node = document.activeNode()
            if node is None:
                raise Failure("No layer is chosen. Choose a layer and try again.")
            self._dialog = Dialog(Target(document, node), Library(), window)
        except Failure as problem:
            box = QMessageBox(QMessageBox.Warning, _TITLE, str(problem), QMessageBox.Ok, window)
            box.open()
            return
        self._dialog.finished.connect(self._forget)
        self._dialog.destroyed.connect(self._forget)
        self._dialog.show()

    def _forget(self, _):
        self._dialog = None

    def _stop(self):
        if self._dialog is not None:
            self._dialog.stop()
