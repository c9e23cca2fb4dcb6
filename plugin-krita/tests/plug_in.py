# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import the plug-in's modules that need no Krita: its package without its `__init__`, which would ask for
Krita."""

import os
import sys
import types
from array import array

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "impasto")

if "impasto" not in sys.modules:
    package = types.ModuleType("impasto")
    package.__path__ = [FOLDER]
    sys.modules["impasto"] = package

from impasto import abi, estimate, library, parameters, pixels, progress, worker  # noqa: E402

__all__ = ["abi", "estimate", "library", "parameters", "pixels", "progress", "worker"]

QUICK = {"size": 64, "iterations": 4, "levels": 1}
OPTIONS = {"device": "cpu"}


def picture(width=48, height=36, layout=abi.RGBA, sample=abi.U8):
    """A picture with some colours; opaque if it has alpha."""
    most = {abi.U8: 255, abi.U16: 65535, abi.F32: 1.0}[sample]
    values = []
    for y in range(height):
        for x in range(width):
            for channel in range(layout):
                alpha = layout in (abi.GREY_ALPHA, abi.RGBA) and channel == layout - 1
                value = 255 if alpha else (x * (3 + channel) + y * y * (2 - channel) + x * y) % 256
                values.append(value * most / 255 if sample == abi.F32 else value * most // 255)
    return pixels.Pixels(width, height, layout, sample,
                         array({abi.U8: "B", abi.U16: "H", abi.F32: "f"}[sample], values).tobytes())
