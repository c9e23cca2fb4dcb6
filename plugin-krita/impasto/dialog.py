# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog. It does not hold Krita up: a thread paints, and a timer looks for what it has made. Closing the dialog, the
document or Krita ends the thread."""

import time

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from . import abi, estimate, progress, worker
from .library import Failure, Pictures
from .pixels import Pixels
from .preview import Preview
from .settings import Settings

# How long the settings must rest before a draft begins, and how often things are looked for, in seconds.
_REST, _LOOK, _LOOK_FOR_DOCUMENT = 0.3, 0.05, 0.5
# How often a picture on the way is shown while the real picture is painted.
_SHOW_EVERY = 4
# The bar's steps.
_STEPS = 1000


class Dialog(QDialog):
    """Neural Style Transfer."""

    def __init__(self, target, library, parent):
        super().__init__(parent)
        document, node = target.find()
        self.setWindowTitle(f"Neural Style Transfer – {node.name()}")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._target, self._painting = target, None
        self._changed, self._document_seen = time.monotonic(), time.monotonic()
        self._region, self._looking, self._pressed = None, False, False
        self.settings, self.preview = Settings(library.schema(), target), Preview()
        self._build()
        self._worker = worker.Worker(library)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(round(1000 * _LOOK))
        self.settings.changed.connect(self._settings_changed)
        self.settings.style.typed.connect(self._show_whether_ready)
        self._show_whether_ready()
        self.destroyed.connect(self._worker.end)

    def _build(self):
        self.takes, self.status = _line_of_text(), _line_of_text()
        self.bar = QProgressBar()
        self.bar.hide()
        left = QVBoxLayout()
        left.addWidget(self.preview)
        left.addWidget(self.takes)
        left.addWidget(self.status)
        left.addStretch(1)
        left.addWidget(self.bar)
        sides = QHBoxLayout()
        sides.addLayout(left)
        sides.addWidget(self.settings, 1)
        buttons = QDialogButtonBox()
        self.defaults = buttons.addButton("Defaults", QDialogButtonBox.ResetRole)
        self.cancel = buttons.addButton("Close", QDialogButtonBox.RejectRole)
        self.paint = QPushButton("Paint")
        buttons.addButton(self.paint, QDialogButtonBox.AcceptRole)
        self.paint.setDefault(True)
        self.defaults.clicked.connect(lambda: self.settings.set_kept({}))
        self.paint.clicked.connect(self._paint)
        self.cancel.clicked.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(sides, 1)
        column.addWidget(buttons)
        self.resize(920, 600)

    def is_painting(self):
        """Whether a picture is being painted."""
        return self._painting is not None

    def reject(self):
        """Cancels what is being painted; else closes."""
        if self.is_painting():
            self._end_painting("Cancelled. The picture is as it was.")
        else:
            super().reject()

    def done(self, result):
        """Closes, and ends the thread."""
        self.stop()
        super().done(result)

    def closeEvent(self, event):
        """The window's own button closes in any case."""
        self.stop()
        super().closeEvent(event)

    def stop(self):
        """Ends the thread; nothing of Krita is touched any more."""
        self._timer.stop()
        self._painting = None
        self._worker.end()

    def _settings_changed(self):
        self._changed = time.monotonic()
        self._show_whether_ready()

    def _show_whether_ready(self):
        """Paint can be pressed when there is something to begin; else its tooltip says what is missing."""
        missing = self.settings.style.missing()
        self.paint.setEnabled(not (missing or self.is_painting() or self._pressed))
        self.paint.setToolTip(missing)

    def _look(self):
        # Krita lets timers go off and buttons be pressed while it works on a document. What it does for us must not begin
        # within something else that it does for us: it dies of that.
        if self._looking:
            return
        self._looking = True
        try:
            if self._pressed:
                self._begin_painting()
            self._look_around()
        finally:
            self._looking = False

    def _look_around(self):
        now = time.monotonic()
        if now - self._document_seen > _LOOK_FOR_DOCUMENT:
            self._document_seen = now
            if self._target.document() is None:
                self.done(QDialog.Rejected)
                return
        if self._changed is not None and now - self._changed >= _REST and not self.is_painting():
            self._changed = None
            self._try(self._draft)
        for kind, value in self._worker.answers():
            self._take(kind, value)

    def _try(self, step):
        """A step whose failure is told."""
        try:
            step()
            return True
        except Failure as problem:
            text = str(problem)
        except MemoryError:
            text = "There is not enough memory for this picture. Close other pictures, or paint a smaller layer."
        self._fail(text)
        return False

    def _fail(self, text):
        """Says why there is no picture."""
        self._worker.forget()
        # The time is of no use then, and why the whole cannot be painted is said below.
        self.takes.clear()
        self._say(text)

    def _draft(self):
        self._say("Painting a draft…")
        region = self.settings.region.currentData()
        if self._region != region:
            self._region = None
            self._read(region)
        picture, named = self.settings.style.read()
        params = {**self.settings.params(), **named}
        width, height = self.preview.size_of_the_whole()
        whole = Pictures(Pixels(width, height, abi.GREY, abi.U8), picture), params
        pictures, of_the_draft = self.preview.draft(picture, params)
        self._worker.ask(worker.Request(pictures, of_the_draft, self.settings.options(), whole=whole))

    def _read(self, region):
        """Reads what is to be painted, and shows it."""
        snapshot = self._target.read(region)
        self.preview.set_snapshot(snapshot)
        self._region = region
        return snapshot

    def _paint(self):
        self._pressed = True
        self._show_whether_ready()

    def _begin_painting(self):
        if self._try(self._begin):
            self._say("Reading the style…")
        self._pressed = False
        self._show_painting()

    def _begin(self):
        picture, named = self.settings.style.read()
        snapshot = self._read(self.settings.region.currentData())
        params = {"preview_every": _SHOW_EVERY, **self.settings.params(), **named}
        pictures = Pictures(snapshot.raw.picture(), picture, snapshot.mask())
        self._worker.ask(worker.Request(pictures, params, self.settings.options(), snapshot.finish))
        self._painting = snapshot
        self.settings.keep()

    def _take(self, kind, value):
        if kind == worker.FAILED:
            self._end_painting(value)
            self.takes.clear()
        elif kind == worker.DONE:
            self._take_result(value)
        elif kind == worker.TAKES:
            self.takes.setText("" if value is None else f"Painting will take about {estimate.text(value)}.")
        elif kind == worker.REFUSED:
            self.takes.setText(value)
        else:
            if value.preview is not None:
                self.preview.show_pixels(value.preview)
            if self.is_painting():
                self._say(progress.text(value))
                self.bar.setRange(0, _STEPS if value.evaluations else 0)
                self.bar.setValue(round(_STEPS * value.share))

    def _take_result(self, result):
        if not self.is_painting():
            self.preview.show_pixels(result)
            self._say("")
            return
        snapshot = self._painting
        if self._try(lambda: self._target.put(snapshot, result)):
            self._painting = None
            self.accept()
        else:
            self._end_painting(self.status.text())

    def _end_painting(self, text):
        self._worker.forget()
        self._painting = None
        self._show_painting()
        self._say(text)

    def _show_painting(self):
        on = self.is_painting()
        self.settings.setEnabled(not on)
        self.takes.setVisible(not on)
        self._show_whether_ready()
        self.defaults.setEnabled(not on)
        self.cancel.setText("Cancel" if on else "Close")
        self.bar.setVisible(on)
        self.bar.setRange(0, 0)

    def _say(self, text):
        self.status.setText(text)


def _line_of_text():
    """A text that is wrapped, and can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
    return label
