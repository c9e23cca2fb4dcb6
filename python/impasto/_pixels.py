"""Pictures of Python's as arrays that the library reads and writes where they lie."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Callable, Union

import numpy as np

from . import _abi, _files
from .errors import InvalidArgumentError, PictureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_SAMPLES = {np.dtype(np.uint8): _abi.U8, np.dtype(np.uint16): _abi.U16, np.dtype(np.float32): _abi.F32}


class Pixels:
    """A picture as an array of shape (height, width) or (height, width, channels), with rows that lie as the library needs."""

    def __init__(self, array: Array, restored: Callable[[Array], Any], is_array: bool) -> None:
        self.array = array
        self.restored = restored
        """Makes of such an array a picture of the kind that came in."""
        self.is_array = is_array
        """Whether it came in as an array, whose encoding the caller says."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.array.shape[0], self.array.shape[1]

    def empty(self, height: int, width: int) -> Array:
        """An array for a result of this format."""
        return np.empty((height, width, *self.array.shape[2:]), self.array.dtype)

    def described(self, linear: bool) -> _abi.Picture:
        """What the library is told of it. The array must live as long as that is used."""
        height, width = self.size
        return _abi.Picture(
            data=self.array.ctypes.data,
            stride=self.array.strides[0],
            width=width,
            height=height,
            layout=self.array.shape[2] if self.array.ndim == 3 else _abi.GREY,
            sample=_SAMPLES[self.array.dtype],
            encoding=_abi.LINEAR if linear and self.is_array else _abi.SRGB,
        )


def of(name: str, picture: Any) -> Pixels:
    """A picture that is an array, a Pillow image, or the path of a file."""
    if isinstance(picture, np.ndarray):
        return Pixels(_array(name, picture), lambda result: result, True)
    if isinstance(picture, (str, os.PathLike)):
        picture = _files.read(picture)
    if _files.is_image(picture):
        array = np.asarray(_files.painted(name, picture))
        return Pixels(_array(name, array), _image, False)
    raise InvalidArgumentError(
        f"{name}: expected a NumPy array, a Pillow image or a path, not {type(picture).__module__}.{type(picture).__name__}"
    )


def mask_of(name: str, picture: Any) -> Pixels:
    """A picture whose first channel says how much of each pixel is selected; an array of bool is possible as well."""
    if isinstance(picture, np.ndarray) and picture.dtype == np.bool_:
        picture = picture.astype(np.uint8) * np.uint8(255)
    if isinstance(picture, (str, os.PathLike)):
        picture = _files.read(picture)
    if _files.is_image(picture) and picture.mode == "P":
        picture = picture.convert("L")
    return of(name, picture)


def output(array: Any) -> Pixels:
    """An array of the caller's that receives a result."""
    if not isinstance(array, np.ndarray):
        raise InvalidArgumentError(f"out: expected a NumPy array, not {type(array).__name__}")
    _check_format("out", array)
    if not array.flags.writeable:
        raise InvalidArgumentError("out: the array is read-only")
    if not array.dtype.isnative or not _has_rows(array):
        raise InvalidArgumentError("out: the pixels of a row must lie one after the other, in the machine's byte order")
    return Pixels(array, lambda result: result, True)


def preview(picture: _abi.Picture) -> Array:
    """A copy of a picture that the library shows: (height, width, 3) of uint8."""
    shape, strides = (picture.height, picture.width, 3), (picture.stride, 3, 1)
    length = picture.stride * (picture.height - 1) + 3 * picture.width
    memory = (ctypes.c_uint8 * length).from_address(picture.data)
    return np.ndarray(shape, np.uint8, memory, strides=strides).copy()


def _image(array: Array) -> Any:
    from PIL import Image

    return Image.fromarray(array)


def _array(name: str, array: Array) -> Array:
    """The array itself if the library can read it where it lies, else a copy."""
    _check_format(name, array)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if _has_rows(array) else np.ascontiguousarray(array)


def _check_format(name: str, array: Array) -> None:
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise PictureError(
            f"{name}: an array of shape {array.shape} is not a picture; expected (height, width) or (height, width, 1 to 4), "
            "with grey, grey and alpha, RGB or RGBA"
        )
    if array.dtype.newbyteorder("=") not in _SAMPLES:
        raise PictureError(
            f"{name}: an array of {array.dtype} is not possible; expected uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1)"
        )
    if 0 in array.shape:
        raise PictureError(f"{name}: an array of shape {array.shape} has no pixels")


def _has_rows(array: Array) -> bool:
    """Whether the pixels of a row lie one after the other, and rows one below the other."""
    pixel = array.itemsize * (array.shape[2] if array.ndim == 3 else 1)
    inner = array.ndim == 2 or array.shape[2] == 1 or array.strides[2] == array.itemsize
    beside = array.shape[1] == 1 or array.strides[1] == pixel
    return inner and beside and array.strides[0] >= pixel * array.shape[1]
