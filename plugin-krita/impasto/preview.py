# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the layer that is painted, before and after, side by side."""

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPixmap
from PyQt5.QtWidgets import QGridLayout, QLabel, QWidget

from . import abi
from .library import Pictures
from .pixels import Pixels, mask

# The longer side of a draft in pixels, its evaluations, and how often a better picture is shown.
SIDE = 256
_DRAFT = {"iterations": 40, "preview_every": 4}


class Preview(QWidget):
    """The two pictures."""

    def __init__(self):
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self._labels = []
        for column, title in enumerate(["Before", "After (draft)"]):
            caption, picture = QLabel(title), QLabel()
            picture.setFixedWidth(SIDE)
            picture.setAlignment(Qt.AlignTop | Qt.AlignLeft)
            picture.setAccessibleName(title)
            grid.addWidget(caption, 0, column)
            grid.addWidget(picture, 1, column)
            self._labels.append(picture)
        self._size, self._whole = None, None
        self._content, self._mask = None, None

    def set_snapshot(self, snapshot):
        """Shows what is to be painted, and keeps it small for the drafts."""
        whole = snapshot.raw.image().copy(snapshot.seen)
        self._whole = whole.size()
        self._show(0, whole)
        self._show(1, whole)
        small = whole.scaled(SIDE, SIDE, Qt.KeepAspectRatio, Qt.SmoothTransformation) if max(
            whole.width(), whole.height()) > SIDE else whole
        small = small.convertToFormat(QImage.Format_RGBA8888)
        self._size = small.size()
        self._content = Pixels(small.width(), small.height(), abi.RGBA, abi.U8, _rows(small, 4))
        self._mask = None
        if snapshot.cover is not None:
            area = snapshot.area
            cover = QImage(snapshot.cover, area.width(), area.height(), area.width(), QImage.Format_Grayscale8)
            cover = cover.copy(snapshot.seen).scaled(small.size(), Qt.IgnoreAspectRatio, Qt.SmoothTransformation)
            cover = _rows(cover.convertToFormat(QImage.Format_Grayscale8), 1)
            if any(cover):
                self._mask = mask(small.width(), small.height(), cover)

    def size_of_the_whole(self):
        """The width and height of what is to be painted."""
        return self._whole.width(), self._whole.height()

    def draft(self, style, params):
        """The pictures and parameters of a draft."""
        size = max(16, self._size.width(), self._size.height())
        return Pictures(self._content, style, self._mask), {**params, **_DRAFT, "size": size}

    def show_pixels(self, pixels):
        """Shows a picture of the library's, of 8 bits, as the picture after."""
        layout = {abi.RGB: QImage.Format_RGB888, abi.RGBA: QImage.Format_RGBA8888}[pixels.layout]
        image = QImage(bytes(pixels.data), pixels.width, pixels.height, pixels.width * pixels.layout, layout)
        self._show(1, image.copy())

    def _show(self, column, image):
        ratio = self.devicePixelRatioF()
        side = round(SIDE * ratio)
        pixmap = QPixmap.fromImage(image.scaled(side, side, Qt.KeepAspectRatio, Qt.SmoothTransformation))
        pixmap.setDevicePixelRatio(ratio)
        self._labels[column].setPixmap(pixmap)


def _rows(image, pixel):
    """The bytes of a picture without gaps between rows."""
    stride, row = image.bytesPerLine(), image.width() * pixel
    data = image.constBits().asstring(image.sizeInBytes())
    return b"".join(data[y * stride:y * stride + row] for y in range(image.height()))
