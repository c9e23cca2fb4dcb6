# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour spaces. Krita itself converts, in a document that nobody sees, so that every model, depth and profile that Krita
knows is painted. Only the thread of Krita's windows may call this."""

from krita import Krita
from PyQt5.QtGui import QImage

from . import abi
from .library import Failure
from .pixels import from_krita

_SRGB = "sRGB-elle-V2-srgbtrc.icc"
_GREY = "Gray-D50-elle-V2-srgbtrc.icc"
_SAMPLES = {"U8": abi.U8, "U16": abi.U16, "F16": abi.F32, "F32": abi.F32}


class Space:
    """A colour model, the kind of its samples, and a profile, by Krita's names."""

    def __init__(self, model, depth, profile):
        self.model, self.depth, self.profile = model, depth, profile

    def __eq__(self, other):
        return (self.model, self.depth, self.profile) == (other.model, other.depth, other.profile)

    def working(self):
        """The space in sRGB that is worked in, and libimpasto's names for its layout and sample. Grey stays grey."""
        if self.depth not in _SAMPLES:
            raise Failure(f"Colours of the kind {self.model} {self.depth} cannot be painted. Convert the layer to RGB.")
        if self.model in ("RGBA", "GRAYA"):
            depth = "F32" if self.depth == "F16" else self.depth
            sample = _SAMPLES[depth]
        else:
            # More than 8 bits, so that the way to another model and back loses nothing.
            depth, sample = "F32", abi.F32
        if self.model == "GRAYA":
            return Space("GRAYA", depth, _GREY), abi.GREY_ALPHA, sample
        return Space("RGBA", depth, _SRGB), abi.RGBA, sample


def space_of(thing):
    """The space of a node or a document."""
    return Space(thing.colorModel(), thing.colorDepth(), thing.colorProfile())


def convert(data, width, height, source, target):
    """Krita's bytes in one space as Krita's bytes in another."""
    if source == target:
        return bytes(data)
    document = Krita.instance().createDocument(
        width, height, "Impasto", source.model, source.depth, source.profile, 72.0)
    if document is None:
        raise Failure(f"Krita cannot convert from {source.model} {source.depth} {source.profile}.")
    try:
        node = document.topLevelNodes()[0]
        node.setPixelData(bytes(data), 0, 0, width, height)
        document.setColorSpace(target.model, target.depth, target.profile)
        document.waitForDone()
        if space_of(node) != target:
            raise Failure(f"Krita cannot convert to {target.model} {target.depth} {target.profile}.")
        return bytes(node.pixelData(0, 0, width, height))
    finally:
        # Else Krita asks whether it is to be saved.
        document.setModified(False)
        document.close()


class Raw:
    """A picture as Krita's bytes in a space."""

    def __init__(self, data, width, height, space):
        self.data, self.width, self.height, self.space = data, width, height, space

    def picture(self):
        """The picture for libimpasto."""
        working, layout, sample = self.space.working()
        data = convert(self.data, self.width, self.height, self.space, working)
        return from_krita(self.width, self.height, layout, sample, data)

    def image(self):
        """The picture for a window."""
        data = convert(self.data, self.width, self.height, self.space, Space("RGBA", "U8", _SRGB))
        return QImage(data, self.width, self.height, 4 * self.width, QImage.Format_ARGB32).copy()


def from_srgb(pixels, space):
    """A picture as Krita's bytes in a space whose working format it has, or in any other."""
    depth = {abi.U8: "U8", abi.U16: "U16", abi.F32: "F32"}[pixels.sample]
    grey = pixels.layout == abi.GREY_ALPHA
    working = Space("GRAYA" if grey else "RGBA", depth, _GREY if grey else _SRGB)
    return convert(pixels.swapped(), pixels.width, pixels.height, working, space)
