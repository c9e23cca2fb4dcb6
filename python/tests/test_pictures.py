"""Pictures of all kinds go in, and the same kind comes out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Dict

import impasto
import numpy as np
import pytest
from PIL import Image, ImageCms

MOST = {"uint8": 255, "uint16": 65535, "float32": 1.0}


def with_channels(photo: Any, channels: int) -> Any:
    grey = photo[:, :, :1]
    opaque = np.full_like(grey, 255)
    return {1: grey, 2: np.dstack([grey, opaque]), 3: photo, 4: np.dstack([photo, opaque])}[channels]


def as_type(picture: Any, sample: str) -> Any:
    if sample == "uint8":
        return picture
    return (picture.astype(np.float64) / 255 * MOST[sample]).astype(sample)


@pytest.mark.parametrize("sample", MOST)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_array_comes_out_as_it_went_in(
    engine: Any, photo: Any, painting: Any, quick: Dict[str, Any], sample: str, channels: int
) -> None:
    content = as_type(with_channels(photo, channels), sample)
    before = content.copy()
    result = engine.stylise(content, painting, **quick)
    assert (result.dtype, result.shape) == (content.dtype, content.shape)
    assert (content == before).all()
    most = MOST[sample]
    assert float(result.max()) <= most
    assert np.mean(np.abs(result[..., 0] / most - content[..., 0] / most)) > 0.01
    if channels in (2, 4):
        assert (result[..., -1] == most).all()


def test_types_make_the_same_picture(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    eight, sixteen, floats = (engine.stylise(as_type(photo, sample), painting, **quick) / most for sample, most in MOST.items())
    # A picture of 8 bits is rounded before its loss is computed for the last time, and not otherwise.
    assert np.abs(eight - sixteen).max() < 0.02
    assert np.abs(sixteen - floats).max() < 0.02


def test_grey_without_an_axis_of_channels(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    flat = engine.stylise(photo[:, :, 0].copy(), painting, **quick)
    assert flat.shape == (48, 64)
    assert (flat == engine.stylise(photo[:, :, :1], painting, **quick)[:, :, 0]).all()


def test_arrays_that_lie_otherwise(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    expected = engine.stylise(photo, painting, **quick)
    padded = np.zeros((48, 70, 3), np.uint8)
    padded[:, :64] = photo
    planes = np.ascontiguousarray(photo.transpose(2, 0, 1)).transpose(1, 2, 0)
    upside_down = photo[::-1].copy()[::-1]
    swapped = photo.astype(">u2") * 257
    for content in padded[:, :64], planes, upside_down, np.asfortranarray(photo):
        assert (engine.stylise(content, painting, **quick) == expected).all()
    native = engine.stylise(swapped.astype(np.uint16), painting, **quick)
    assert (engine.stylise(swapped, painting, **quick) == native).all()


def test_rows_in_one_piece_are_not_copied(photo: Any) -> None:
    from impasto import _pixels

    padded = np.zeros((48, 70, 3), np.uint8)
    for array in photo, padded[:, :64], padded[::2, :64], photo[:, :, 0].copy():
        assert _pixels.of("content", array).array is array
    assert _pixels.of("content", photo[:, ::2]).array.base is not photo


def test_out_receives_the_result_in_its_size(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    expected = engine.stylise(photo, painting, **quick)
    own = photo.copy()
    assert engine.stylise(own, painting, out=own, **quick) is own
    assert (own == expected).all()
    larger = np.zeros((96, 128, 4), np.float32)
    assert engine.stylise(photo, painting, out=larger, **quick) is larger
    assert (larger[:, :, 3] == 1).all() and larger[:, :, :3].std() > 0.05
    locked = photo.copy()
    locked.flags.writeable = False
    for wrong in locked, larger[:, ::2], [1, 2], larger.astype(">f4"):
        with pytest.raises(impasto.InvalidArgumentError, match="out"):
            engine.stylise(photo, painting, out=wrong, **quick)
    with pytest.raises(impasto.InvalidArgumentError, match="overlaps"):
        engine.stylise(own[:, :60], painting, out=own[:, 4:], **quick)


def test_sizes(engine: Any, painting: Any, photo: Any) -> None:
    small = {"size": 32, "iterations": 2, "levels": 1}
    assert engine.stylise(photo, painting, **small).shape == (24, 32, 3)
    assert engine.stylise(photo, painting, content_size=True, **small).shape == photo.shape
    assert engine.plan(photo, painting, **small)["size"] == [24, 32]


def test_a_mask_leaves_the_rest_as_it_is(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    selected = np.zeros((48, 64), bool)
    selected[8:40, 10:50] = True
    result = engine.stylise(photo, painting, mask=selected, **quick)
    assert (result[~selected] == photo[~selected]).all()
    assert (result[selected] != photo[selected]).mean() > 0.5
    image = Image.fromarray(selected)
    for mask in selected.astype(np.float32), selected.astype(np.uint8) * 255, image, image.convert("P"):
        assert (engine.stylise(photo, painting, mask=mask, **quick) == result).all()
    with pytest.raises(impasto.PictureError, match="mask"):
        engine.stylise(photo, painting, mask=selected[:-1], **quick)


def test_light_and_srgb_are_told_apart(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    encoded = as_type(photo, "float32")
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
    expected = engine.stylise(encoded, Image.fromarray(painting), **quick)
    result = engine.stylise(light, Image.fromarray(painting), linear=True, **quick)
    again = np.where(result <= 0.0031308, result * 12.92, 1.055 * np.maximum(result, 0) ** (1 / 2.4) - 0.055)
    assert np.abs(again - expected).max() < 0.02


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_an_image_comes_out_in_its_mode(
    engine: Any, photo: Any, painting: Any, quick: Dict[str, Any], mode: str
) -> None:
    image = Image.fromarray(photo).convert(mode)
    result = engine.stylise(image, Image.fromarray(painting), **quick)
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == (mode, image.size)
    assert (np.asarray(result) == engine.stylise(np.asarray(image), painting, **quick)).all()


def test_images_of_other_modes(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    image = Image.fromarray(photo)
    for mode, comes in {"P": "RGB", "CMYK": "RGB", "1": "L", "YCbCr": "RGB"}.items():
        assert engine.stylise(image.convert(mode), painting, **quick).mode == comes
    grey = Image.fromarray(photo[:, :, 0].astype(np.uint16) * 257)
    assert engine.stylise(grey, painting, **quick).mode == "I;16"
    with pytest.raises(impasto.PictureError, match="'F'"):
        engine.stylise(image.convert("F"), painting, **quick)


def test_a_file_is_read_upright_and_in_srgb(
    engine: Any, photo: Any, painting: Any, quick: Dict[str, Any], tmp_path: Path
) -> None:
    expected = engine.stylise(photo, painting, **quick)
    plain, turned, style = tmp_path / "plain.png", tmp_path / "turned ü.png", tmp_path / "style.png"
    Image.fromarray(photo).save(plain)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(np.rot90(photo)).save(turned, exif=exif)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.fromarray(painting).save(style, icc_profile=srgb.tobytes())
    for path in plain, str(plain), turned:
        assert (np.asarray(engine.stylise(path, style, **quick)) == expected).all()


def test_another_profile_is_converted(photo: Any) -> None:
    from impasto import _profile

    image = Image.fromarray(photo)
    image.info["icc_profile"] = b"no profile"
    assert _profile.to_srgb(image) is image
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    image.info["icc_profile"] = xyz.tobytes()
    assert _profile.to_srgb(image) is image, "it is not one of an RGB picture"
    # sRGB with red and blue exchanged, under another name.
    told = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = told.index(b"rXYZ"), told.index(b"bXYZ")
    told[red], told[blue] = told[blue], told[red]
    named = bytes(told).replace("sRGB".encode("utf-16-be"), "BGR ".encode("utf-16-be"))
    if ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(named))).startswith("sRGB"):
        pytest.fail("the profile still has sRGB's name")
    for mode in "RGB", "RGBA":
        image = Image.fromarray(photo).convert(mode)
        image.info["icc_profile"] = named
        converted = np.asarray(_profile.to_srgb(image))
        assert converted.shape[2] == len(mode)
        assert np.abs(converted[:, :, :3].astype(int) - photo[:, :, ::-1]).max() <= 3


def test_a_file_that_is_no_picture(engine: Any, photo: Any, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(impasto.PictureError, match="text.jpg"):
        engine.stylise(photo, text)
    with pytest.raises(FileNotFoundError):
        engine.stylise(tmp_path / "nonesuch.png", "mosaic")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((48, 64, 3), np.float64), "float32"),
        (np.zeros((48, 64, 3), np.int32), "uint8"),
        (np.zeros((48, 64, 5), np.uint8), "shape"),
        (np.zeros(64, np.uint8), "shape"),
        (np.zeros((0, 64, 3), np.uint8), "no pixels"),
        (np.zeros((1, 1, 3), np.uint8), "content"),
        ([[1, 2], [3, 4]], "NumPy array"),
    ],
)
def test_what_is_no_picture_is_refused(engine: Any, content: Any, said: str) -> None:
    with pytest.raises((impasto.PictureError, impasto.InvalidArgumentError), match=said):
        engine.stylise(content, "mosaic")
