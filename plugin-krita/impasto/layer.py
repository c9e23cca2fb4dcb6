# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer that is painted: what is read of it, and how the result becomes a new layer above it. Only the thread of
Krita's windows may call this. Nodes are looked up by their number each time and never kept: a node of a document that
is closed takes Krita down when it is touched."""

from krita import Krita
from PyQt5.QtCore import QRect
from PyQt5.QtGui import QImage, QPainter

from . import colours, pixels
from .colours import Raw
from .library import Failure

# Layers with pixels of their own. Of all others, such as groups and vector layers, what is seen is painted.
_OWN = ("paintlayer",)
# Masks that say how much of each pixel counts, and those that do not.
_COVERS = ("transparencymask", "filtermask", "selectionmask")
_MASKS = _COVERS + ("transformmask", "colorizemask")


def nodes(document):
    """All layers of a document and their masks, from the top down."""
    def below(parent):
        for node in reversed(parent.childNodes()):
            yield node
            yield from below(node)

    return list(below(document.rootNode()))


def is_mask(node):
    """Whether a node has no colours of its own."""
    return node.type() in _MASKS


def is_region(node):
    """Whether a node can say where it is painted."""
    return node.type() in _COVERS or not is_mask(node)


def read_node(document, node):
    """All of a layer within the canvas, and the rectangle that it is in. Fails where there is nothing."""
    area = node.bounds().intersected(QRect(0, 0, document.width(), document.height()))
    if area.isEmpty():
        raise Failure(f"The layer “{node.name()}” is empty. Choose a layer with a picture.")
    return _raw(node, area), area


def _raw(node, area):
    read = node.pixelData if node.type() in _OWN else node.projectionPixelData
    size = (area.width(), area.height())
    return Raw(bytes(read(area.x(), area.y(), *size)), *size, colours.space_of(node))


class Target:
    """A layer by its document and its number."""

    def __init__(self, document, node):
        if is_mask(node):
            raise Failure(f"“{node.name()}” is a mask. Choose the layer that it belongs to.")
        self._document, self._number = document, node.uniqueId()

    def document(self):
        """The document, or None when it is closed."""
        is_open = any(document == self._document for document in Krita.instance().documents())
        return self._document if is_open else None

    def find(self, number=None):
        """The document and the node; a failure where they are not there any more."""
        document = self.document()
        wanted = self._number if number is None else number
        node = document and next((n for n in nodes(document) if n.uniqueId() == wanted), None)
        if node is None:
            raise Failure("The layer is not there any more.")
        return document, node

    def read(self, region):
        """What is to be painted. `region` is "selection", "all", or the number of a layer or mask."""
        document, node = self.find()
        raw, area = read_node(document, node)
        return Snapshot(raw, area, *self._cover(document, area, region))

    def _cover(self, document, area, region):
        """How much of each pixel is painted, a byte each, or None for all; and the rectangle outside of which nothing
        is."""
        selection = document.selection() if region == "selection" else None
        if region == "all" or (region == "selection" and selection is None):
            return None, area
        size = (area.x(), area.y(), area.width(), area.height())
        if selection is not None:
            cover = bytes(selection.pixelData(*size))
            bounds = QRect(selection.x(), selection.y(), selection.width(), selection.height())
            empty = "The selection does not touch the layer."
        else:
            _, node = self.find(region)
            if not is_region(node):
                raise Failure(f"“{node.name()}” does not say where it is painted. Choose a layer or another mask.")
            cover = bytes(node.pixelData(*size)) if is_mask(node) else _brightness(node, area)
            bounds = node.bounds()
            empty = f"The region “{node.name()}” is black or transparent where the layer is."
        if not any(cover):
            raise Failure(empty)
        return cover, bounds.intersected(area)

    def put(self, snapshot, result):
        """Puts the result above the layer, one step to undo, and returns the new layer."""
        document, node = self.find()
        own = node.type() in _OWN and not node.animated()
        # A copy has the layer's masks, opacity and blending mode; nobody sees it before it is added.
        new = node.duplicate() if own else document.createNode(node.name(), "paintlayer")
        new.setName(f"{node.name()}, painted")
        new.setLocked(False)
        if own:
            self._clear(new)
        area = snapshot.area
        data = colours.from_srgb(result, colours.space_of(new))
        new.setPixelData(data, area.x(), area.y(), area.width(), area.height())
        node.parentNode().addChildNode(new, node)
        document.refreshProjection()
        return new

    @staticmethod
    def _clear(node):
        """Makes a layer transparent, beyond the canvas too."""
        area = node.bounds()
        pixel = len(node.pixelData(area.x(), area.y(), 1, 1))
        node.setPixelData(bytes(pixel * area.width() * area.height()), area.x(), area.y(), area.width(), area.height())


class Snapshot:
    """What was read of a layer, where it lies, and how much is painted. `seen` is the part of it that is shown, in its own
    pixels."""

    def __init__(self, raw, area, cover, bounds):
        self.raw, self.area, self.cover = raw, area, cover
        self.seen = bounds.translated(-area.topLeft())

    def mask(self):
        """Where it is painted, for libimpasto; None for everywhere."""
        return None if self.cover is None else pixels.mask(self.area.width(), self.area.height(), self.cover)

    def finish(self, result):
        """Makes the result transparent where it is not painted. It needs no Krita, so that a thread can do it."""
        if self.cover is not None:
            pixels.fade(result, self.cover)


def _brightness(node, area):
    """How bright a layer is, and not transparent: a byte a pixel."""
    width, height = area.width(), area.height()
    black = QImage(width, height, QImage.Format_RGB32)
    black.fill(0)
    painter = QPainter(black)
    painter.drawImage(0, 0, _raw(node, area).image())
    painter.end()
    grey = black.convertToFormat(QImage.Format_Grayscale8)
    rows, stride = grey.constBits().asstring(grey.sizeInBytes()), grey.bytesPerLine()
    return b"".join(rows[y * stride:y * stride + width] for y in range(height))
