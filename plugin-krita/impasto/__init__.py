# SPDX-License-Identifier: GPL-3.0-or-later
"""Impasto, neural style transfer, as a plug-in for Krita 5."""

import os

# ONNX Runtime reads this when it is opened. It would leave a number for this device in the user's cache folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import krita  # noqa: E402

from .extension import NeuralStyleTransfer  # noqa: E402
from .script import stylise  # noqa: E402

__all__ = ["stylise"]

_application = krita.Krita.instance()
_application.addExtension(NeuralStyleTransfer(_application))
