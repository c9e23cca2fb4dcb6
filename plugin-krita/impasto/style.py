# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a style from a file that Krita opens, or from a layer. Only the thread of Krita's windows may call this."""

import os

from krita import Krita

from .colours import Raw, space_of
from .layer import Target, read_node
from .library import Failure


def of_layer(target: Target):
    """A layer of any open document."""
    return read_node(*target.find())[0]


def of_file(path):
    """A picture file, with all its layers."""
    if not os.path.isfile(path):
        raise Failure(f"The style “{path}” is not there." if path else "Choose a style file.")
    application = Krita.instance()
    batch = application.batchmode()
    # Krita tells nothing in windows of its own then.
    application.setBatchmode(True)
    try:
        document = application.openDocument(path)
    finally:
        application.setBatchmode(batch)
    if document is None:
        raise Failure(f"The style “{path}” cannot be opened. Choose a picture file that Krita opens.")
    try:
        document.waitForDone()
        width, height = document.width(), document.height()
        if width < 1 or height < 1:
            raise Failure(f"The style “{path}” has no pixels. Choose another picture.")
        return Raw(bytes(document.pixelData(0, 0, width, height)), width, height, space_of(document))
    finally:
        document.setModified(False)
        document.close()
