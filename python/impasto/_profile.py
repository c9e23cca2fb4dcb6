"""Colours of a Pillow image: from its own ICC profile to sRGB, in which Impasto works."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}


def to_srgb(image: Image) -> Image:
    """The image in sRGB, if it has another profile. A profile that is damaged or of another kind of picture is left out of
    account."""
    data = image.info.get("icc_profile")
    colours = {"RGBA": "RGB", "LA": "L"}.get(image.mode, image.mode)
    if not data or colours not in _SPACES:
        return image
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        if profile.profile.xcolor_space != _SPACES[colours] or ImageCms.getProfileDescription(profile).startswith("sRGB"):
            return image
        painted = ImageCms.profileToProfile(
            image.convert(colours), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (OSError, ImageCms.PyCMSError):
        return image
    if painted is None:
        return image
    if colours == "L":
        painted = painted.convert("L")
    if image.mode in ("RGBA", "LA"):
        painted.putalpha(image.getchannel("A"))
    return painted
