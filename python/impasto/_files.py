"""Pillow images, and picture files through Pillow."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Union

from ._profile import to_srgb
from .errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

_AS_THEY_ARE = ("L", "LA", "RGB", "RGBA", "I;16")
_SIMPLE = {"1": "L", "CMYK": "RGB", "YCbCr": "RGB", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}


def is_image(picture: object) -> bool:
    """Whether it is a Pillow image. Pillow is not loaded for the answer."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(picture, pillow.Image)


def read(path: Union[str, os.PathLike[str]]) -> Image:
    """Reads a file, upright as its EXIF orientation says."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            file.load()
            image: Image.Image = ImageOps.exif_transpose(file)
            return image
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise PictureError(f"{os.fspath(path)}: Pillow cannot read it: {problem}") from problem


def painted(name: str, image: Image) -> Image:
    """An image in a mode that Impasto paints, in sRGB."""
    if image.mode in ("P", "PA"):
        opaque = image.mode == "P" and "transparency" not in image.info
        image = image.convert("RGB" if opaque else "RGBA")
    image = to_srgb(image)
    if image.mode in _AS_THEY_ARE:
        return image
    if image.mode in _SIMPLE:
        return image.convert(_SIMPLE[image.mode])
    raise PictureError(
        f"{name}: an image of mode {image.mode!r} is not possible; convert it to 'L', 'LA', 'RGB' or 'RGBA', or pass an array"
    )

