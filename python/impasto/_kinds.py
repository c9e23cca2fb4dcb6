"""The types of pictures that are passed in and of what is known of devices and models, for editors and type checkers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional, TypedDict, TypeVar, Union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Path = Union[str, os.PathLike[str]]
    PictureLike = Union[NDArray[Any], Image, Path]
    Sample = TypeVar("Sample", np.uint8, np.uint16, np.float32)


class DeviceInfo(TypedDict):
    """A device, and whether it works."""

    device: str
    works: bool
    problem: Optional[str]


class ModelInfo(TypedDict):
    """A model that can be named; ``path`` is None for one inside Impasto."""

    name: str
    path: Optional[str]
    default: bool
