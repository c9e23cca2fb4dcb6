# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels in memory, and how libimpasto and Krita order them. Krita's Python has no NumPy, so whole channels are moved
by slices."""

import ctypes as c
from array import array

from . import abi

# How Krita orders the channels of RGB in 8 and 16 bits: blue, green, red, alpha. As floating point it is red first.
_TYPES = {abi.U8: "B", abi.U16: "H", abi.F32: "f"}


class Pixels:
    """A picture in sRGB: width, height, and samples in rows without gaps, as libimpasto takes them."""

    def __init__(self, width, height, layout, sample, data=None):
        self.width, self.height, self.layout, self.sample = width, height, layout, sample
        size = width * height * layout * sample
        self.data = bytearray(size) if data is None else bytearray(data)
        if len(self.data) != size:
            raise ValueError(f"{len(self.data)} bytes for {width}×{height} pixels of {layout * sample} bytes")

    def same_format(self):
        """An empty picture of the same size and format."""
        return Pixels(self.width, self.height, self.layout, self.sample)

    def descriptor(self):
        """What libimpasto takes; it holds as long as this picture lives and its length does not change."""
        address = c.addressof(c.c_char.from_buffer(self.data))
        stride = self.width * self.layout * self.sample
        return abi.Picture(data=address, stride=stride, width=self.width, height=self.height, layout=self.layout,
                           sample=self.sample)

    def swapped(self):
        """The bytes with red and blue exchanged where Krita has blue first; the other way is the same."""
        if self.layout != abi.RGBA or self.sample == abi.F32:
            return self.data
        samples = array(_TYPES[self.sample])
        samples.frombytes(bytes(self.data))
        samples[0::4], samples[2::4] = samples[2::4], samples[0::4]
        return bytearray(samples.tobytes())


def from_krita(width, height, layout, sample, data):
    """Krita's bytes, which are in sRGB already, as a picture."""
    pixels = Pixels(width, height, layout, sample, data)
    pixels.data = pixels.swapped()
    return pixels


def fade(pixels, cover):
    """Multiplies the alpha of a picture by a cover: one byte a pixel, 255 for all of it."""
    channels = pixels.layout
    samples = array(_TYPES[pixels.sample])
    samples.frombytes(bytes(pixels.data))
    alpha = samples[channels - 1::channels]
    if pixels.sample == abi.F32:
        samples[channels - 1::channels] = array("f", (a * s / 255 for a, s in zip(alpha, cover)))
    else:
        rounded = ((a * s + 127) // 255 for a, s in zip(alpha, cover))
        samples[channels - 1::channels] = array(samples.typecode, rounded)
    pixels.data[:] = samples.tobytes()


def mask(width, height, cover):
    """A cover as libimpasto takes a mask: all of the result wherever something is covered."""
    return Pixels(width, height, abi.GREY, abi.U8, bytes(cover).translate(b"\0" + b"\xff" * 255))
