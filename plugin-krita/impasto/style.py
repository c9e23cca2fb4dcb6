# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a style comes from: one of the library's own, a file that Krita opens, or a layer. Only the thread of Krita's
windows may call this."""

import os

from krita import Krita
from PyQt5.QtCore import QMimeDatabase

from . import colours
from .layer import Target, style_pixels
from .library import Failure


def built_in(name):
    """A style of the library's: no picture, and its parameter."""
    return None, {"style": name}


def of_layer(target: Target):
    """A layer of any open document: its picture, and no parameter."""
    return style_pixels(*target.find()), {}


def _may_be_a_picture(path):
    """Whether a file is worth Krita's trouble. Krita has died after it was asked to open a text."""
    kind = QMimeDatabase().mimeTypeForFile(path)
    is_text = kind.inherits("text/plain") and not kind.name().startswith("image/")
    return not is_text and kind.name() != "application/x-zerosize"


def of_file(path):
    """A picture file, with all its layers: its picture, and no parameter."""
    if not os.path.isfile(path):
        raise Failure(f"The style “{path}” is not there." if path else "Choose a style file.")
    application = Krita.instance()
    batch = application.batchmode()
    # Krita tells nothing in windows of its own then.
    application.setBatchmode(True)
    try:
        document = application.openDocument(path) if _may_be_a_picture(path) else None
    finally:
        application.setBatchmode(batch)
    if document is None:
        raise Failure(f"The style “{path}” cannot be opened. Choose a picture file that Krita opens.")
    try:
        document.waitForDone()
        width, height = document.width(), document.height()
        if width < 1 or height < 1:
            raise Failure(f"The style “{path}” has no pixels. Choose another picture.")
        data = bytes(document.pixelData(0, 0, width, height))
        return colours.to_srgb(data, width, height, colours.space_of(document)), {}
    finally:
        document.setModified(False)
        document.close()
