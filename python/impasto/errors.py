"""What can go wrong: a class for each status of the C library."""

from __future__ import annotations

from typing import Dict, Type

from . import _abi


class ImpastoError(Exception):
    """Any failure of Impasto. The text says what is wrong and what to do."""

    status: int = _abi.INTERNAL
    """The status of the C library (IMPASTO_… in its header)."""


class InvalidArgumentError(ImpastoError, ValueError):
    """An argument is malformed, or pictures overlap in memory."""

    status = _abi.INVALID_ARGUMENT


class ParametersError(ImpastoError, ValueError):
    """A parameter or an option is unknown or out of its range."""

    status = _abi.PARAMETERS


class PictureError(ImpastoError, ValueError):
    """A picture is too small or too large, its format is unknown, or it cannot be read."""

    status = _abi.PICTURE


class ModelError(ImpastoError):
    """The model is missing, damaged, or does not have what was asked for."""

    status = _abi.MODEL


class OnnxRuntimeError(ImpastoError, RuntimeError):
    """ONNX Runtime is missing or failed, or the device cannot be used."""

    status = _abi.RUNTIME


class OutOfMemoryError(ImpastoError, MemoryError):
    """The job would need more memory than it may use."""

    status = _abi.MEMORY


class Cancelled(ImpastoError):
    """The job was cancelled, and there is no picture."""

    status = _abi.CANCELLED


class InternalError(ImpastoError):
    """A fault in Impasto; please report it. The process can go on."""

    status = _abi.INTERNAL


BY_STATUS: Dict[int, Type[ImpastoError]] = {
    kind.status: kind
    for kind in (
        InvalidArgumentError,
        ParametersError,
        PictureError,
        ModelError,
        OnnxRuntimeError,
        OutOfMemoryError,
        Cancelled,
        InternalError,
    )
}
"""The class for each status that is a failure."""
