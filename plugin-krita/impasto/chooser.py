# SPDX-License-Identifier: GPL-3.0-or-later
"""The chooser of the style: one of the library's, a file, or a layer of an open document, each with a thumbnail."""

import os

from krita import Krita
from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImageReader, QPixmap
from PyQt5.QtWidgets import (QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QListView, QListWidget,
                             QListWidgetItem, QPushButton, QStackedWidget, QVBoxLayout, QWidget)

from . import style
from .layer import Target, is_mask, nodes
from .library import FOLDER, Failure

BUILT_IN, FILE, LAYER = "built-in", "file", "layer"
# The sides of the thumbnails of the included styles, and of the picture that was chosen.
_SIDE, _LARGE_SIDE = 72, 216
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.jxl *.kra *.ora *.psd *.exr *.bmp *.gif)"


class StyleChooser(QWidget):
    """The chooser. `changed` tells that another style may be chosen, `typed` that a path is being typed."""

    changed, typed = pyqtSignal(), pyqtSignal()

    def __init__(self, styles):
        super().__init__()
        self._read = None
        self.kind = QComboBox()
        self.kind.setAccessibleName("Style from")
        for kind, title in [(BUILT_IN, "Included styles"), (FILE, "A picture file"), (LAYER, "An open layer")]:
            self.kind.addItem(title, kind)
        self.included = _included(styles)
        self.layers = _Layers()
        self.path = QLineEdit()
        self.path.setPlaceholderText("Any picture that Krita opens")
        self.path.setAccessibleName("Style file")
        browse = QPushButton("Browse…")
        # Enter in the field takes the path.
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        file = QWidget()
        line = QHBoxLayout(file)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.path, 1)
        line.addWidget(browse)
        self._thumbnails = {FILE: _Thumbnail(), LAYER: _Thumbnail()}
        self._stack = QStackedWidget()
        self._stack.addWidget(self.included)
        self._stack.addWidget(_page(file, self._thumbnails[FILE]))
        self._stack.addWidget(_page(self.layers, self._thumbnails[LAYER]))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.kind)
        column.addWidget(self._stack)
        self.kind.currentIndexChanged.connect(self._show)
        self.included.currentRowChanged.connect(lambda _: self.changed.emit())
        self.path.textChanged.connect(lambda _: self.typed.emit())
        self.path.editingFinished.connect(self.changed.emit)
        self.layers.currentIndexChanged.connect(lambda _: self.changed.emit())

    def _show(self, index):
        self._stack.setCurrentIndex(index)
        if self.kind.currentData() == LAYER:
            self.layers.fill()
        self.changed.emit()

    def _browse(self):
        folder = os.path.dirname(self.path.text()) or _folder_of_the_document()
        path, _ = QFileDialog.getOpenFileName(self, "Style picture", folder, f"{_PICTURES};;All files (*)")
        if path:
            self.path.setText(path)
            self.changed.emit()

    def settings(self):
        """What is kept for the next time."""
        item = self.included.currentItem()
        return {"from": self.kind.currentData(), "name": item and item.data(Qt.UserRole), "file": self.path.text()}

    def set_settings(self, settings):
        """Shows what was kept. Layers are not: they may be gone."""
        self.path.setText(settings.get("file") or "")
        for row in range(self.included.count()):
            if self.included.item(row).data(Qt.UserRole) == settings.get("name"):
                self.included.setCurrentRow(row)
        kind = settings.get("from")
        self.kind.setCurrentIndex(max(0, self.kind.findData(kind)) if kind != LAYER else 0)

    def missing(self):
        """Why no style is chosen, or nothing."""
        kind = self.kind.currentData()
        if kind == LAYER and self.layers.currentData() is None:
            return "There is no layer to take the style from. Open a picture, or choose another style."
        return "Choose a style file." if kind == FILE and not self.path.text().strip() else ""

    def read(self):
        """The style picture, or None, and the parameters that name it. Shows a picture; one that was read is kept."""
        kind = self.kind.currentData()
        if kind == BUILT_IN:
            return None, {"style": self.included.currentItem().data(Qt.UserRole)}
        try:
            missing = self.missing()
            if missing:
                raise Failure(missing)
            picture = self._of_layer() if kind == LAYER else self._of_file()
        except Failure:
            self._thumbnails[kind].clear()
            self._read = None
            raise
        return picture, {}

    def _of_layer(self):
        raw = style.of_layer(self.layers.currentData())
        self._thumbnails[LAYER].show_image(raw.image())
        return raw.picture()

    def _of_file(self):
        path = self.path.text().strip()
        key = (path, os.path.getmtime(path) if os.path.isfile(path) else None)
        if self._read is None or self._read[0] != key:
            raw = style.of_file(path)
            self._thumbnails[FILE].show_image(raw.image())
            self._read = (key, raw.picture())
        return self._read[1]


def _folder_of_the_document():
    """Where the document lies that is worked on; the user's own folder where it is not saved."""
    document = Krita.instance().activeDocument()
    return os.path.dirname(document.fileName() if document else "") or os.path.expanduser("~")


def _page(widget, thumbnail):
    """A page with a widget and a thumbnail below it, which do not grow."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(widget)
    column.addWidget(thumbnail)
    column.addStretch(1)
    return page


class _Thumbnail(QLabel):
    """The picture that was chosen, small."""

    def __init__(self):
        super().__init__()
        self.setAccessibleName("Style picture")

    def show_image(self, image):
        """Shows an image, which is never made larger."""
        ratio = self.devicePixelRatioF()
        side = min(round(_LARGE_SIDE * ratio), max(image.width(), image.height()))
        pixmap = QPixmap.fromImage(image.scaled(side, side, Qt.KeepAspectRatio, Qt.SmoothTransformation))
        pixmap.setDevicePixelRatio(ratio)
        self.setPixmap(pixmap)


def _included(styles):
    """The library's styles with their thumbnails."""
    widget = QListWidget()
    widget.setAccessibleName("Included style")
    widget.setViewMode(QListView.IconMode)
    widget.setMovement(QListView.Static)
    widget.setResizeMode(QListView.Adjust)
    widget.setIconSize(QSize(_SIDE, _SIDE))
    widget.setGridSize(QSize(_SIDE + 32, _SIDE + 28))
    widget.setMinimumHeight(2 * (_SIDE + 28) + 6)
    widget.setWordWrap(True)
    for name, title, text in styles:
        item = QListWidgetItem(_thumbnail(name), title)
        item.setData(Qt.UserRole, name)
        item.setToolTip(text)
        item.setSizeHint(widget.gridSize())
        widget.addItem(item)
    widget.setCurrentRow(0)
    return widget


def _thumbnail(name):
    """A style's picture, small, or none where the file is missing."""
    reader = QImageReader(os.path.join(FOLDER, "thumbnails", name + ".jpg"))
    side = 2 * _SIDE
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(side, side, Qt.KeepAspectRatioByExpanding))
    image = reader.read()
    if image.isNull():
        return QIcon()
    left, top = (image.width() - side) // 2, (image.height() - side) // 2
    return QIcon(QPixmap.fromImage(image.copy(left, top, side, side)))


class _Layers(QComboBox):
    """The layers of all open documents, looked up anew when the list is opened."""

    def __init__(self):
        super().__init__()
        self.setAccessibleName("Style layer")
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)

    def fill(self):
        """Lists what is open now; the choice stays where it is still there."""
        chosen = self.currentText()
        self.blockSignals(True)
        self.clear()
        for document in Krita.instance().documents():
            name = os.path.basename(document.fileName()) or document.name() or "Unnamed"
            for node in nodes(document):
                if not is_mask(node):
                    self.addItem(f"{node.name()} – {name}", Target(document, node))
        self.setCurrentIndex(max(0, self.findText(chosen)))
        self.blockSignals(False)

    def showPopup(self):
        """Opens the list."""
        self.fill()
        super().showPopup()
