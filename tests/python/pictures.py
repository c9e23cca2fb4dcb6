"""Makes pictures of many kinds, and of each what Pillow reads: `python pictures.py FOLDER`.

FOLDER/list has a line for each: its name, and the worst and the mean difference that are allowed, of 255.
`NAME.rgb` has the wanted RGB bytes.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

try:
    import tifffile
except ImportError:
    tifffile = None

folder = Path(sys.argv[1])
y, x = np.mgrid[0:97, 0:131]
rgb = np.stack([200 * x / 131 + 30 + 20 * np.sin(y / 5), 180 * y / 97 + 40, 120 + 90 * np.sin((x + y) / 17)], -1)
rgb = rgb.clip(0, 255).astype("u1")
rgb[32:64, 48:96] = [230, 40, 40]
picture = Image.fromarray(rgb)
lines = []


def wanted(name, pixels, worst=0.6, mean=0.3):
    (folder / f"{name}.rgb").write_bytes(np.ascontiguousarray(pixels).tobytes())
    lines.append(f"{name} {worst} {mean}\n")


def as_pillow_reads(name, worst=0.6, mean=0.3):
    with Image.open(folder / name) as seen:
        wanted(name, np.asarray(ImageOps.exif_transpose(seen).convert("RGB")), worst, mean)


def saved(image, name, *, worst=0.6, mean=0.3, **options):
    image.save(folder / name, **options)
    as_pillow_reads(name, worst, mean)


modes = {"rgb": picture, "grey": picture.convert("L"), "bits": picture.convert("1"), "palette": picture.quantize(64)}
for mode, image in modes.items():
    for ending in ("png", "tif", "bmp", "gif"):
        saved(image, f"{mode}.{ending}")
saved(picture, "plain.ppm")
saved(modes["grey"], "grey.pgm")
saved(modes["bits"], "bits.pbm")
for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
    saved(picture, f"{compression}.tif", compression=compression)
saved(modes["bits"], "fax.tif", compression="group4")
saved(picture, "jpeg.tif", worst=12, mean=1, compression="jpeg")
for sampling in ("4:4:4", "4:2:2", "4:2:0"):
    for progressive in (False, True):
        name = f"{sampling.replace(':', '')}-{progressive}.jpg"
        saved(picture, name, worst=4, mean=0.5, quality=88, subsampling=sampling, progressive=progressive)
saved(picture, "lossy.webp", worst=6, mean=1, quality=80)
saved(picture, "lossless.webp", lossless=True)

# Turned files: all show the same picture.
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x112] = orientation
    saved(picture, f"turned{orientation}.png", exif=exif)
    saved(picture, f"turned{orientation}.webp", exif=exif, lossless=True)
    saved(picture, f"turned{orientation}.jpg", worst=4, mean=0.5, exif=exif, quality=92)
    saved(picture, f"turned{orientation}.tif", tiffinfo={0x112: orientation})

# Profiles, by LittleCMS.
for path in sorted(Path("/usr/share/color/icc").rglob("*.ic[cm]")):
    data = path.read_bytes()
    mode = {b"RGB ": "RGB", b"CMYK": "CMYK"}.get(data[16:20])
    if mode is None or data[12:16] not in (b"mntr", b"prtr", b"scnr", b"spac"):
        continue
    source = picture.convert(mode)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", intent)
        seen = np.asarray(ImageCms.applyTransform(source, transform))
    except ImageCms.PyCMSError:
        continue
    name = f"icc-{len(lines)}.tif"
    source.save(folder / name, icc_profile=data)
    wanted(name, seen, 12, 2)

if tifffile is not None:

    def tiff(name, pixels, wanted_pixels=rgb, worst=0.6, mean=0.3, **options):
        try:
            tifffile.imwrite(folder / f"{name}.tif", pixels, **options)
        except (ValueError, KeyError, ImportError):
            return  # a compression that this Python does not have
        wanted(f"{name}.tif", wanted_pixels, worst, mean)

    deep = rgb.astype("u2") * 257
    tiff("big", rgb, photometric="rgb", bigtiff=True)
    tiff("planes", np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate")
    tiff("half", (rgb / 255).astype("f2"), photometric="rgb")
    tiff("double", (rgb / 255).astype("f8"), photometric="rgb")
    tiff("grey-float", (rgb[..., 0] / 255).astype("f4"), np.repeat(rgb[..., :1], 3, -1), photometric="minisblack")
    tiff("long", rgb.astype("u4") * 0x01010101, photometric="rgb")
    for order in "<>":
        for compression in ("lzw", "deflate", "zstd"):
            options = dict(photometric="rgb", compression=compression, predictor=True, byteorder=order)
            for kind, pixels in (("8", rgb), ("16", deep), ("f", (rgb / 255).astype("f4"))):
                name = f"{compression}-{kind}-{'little' if order == '<' else 'big'}"
                tiff(name, pixels, **options, rowsperstrip=10)
                tiff(f"{name}-tiles", pixels, **options, tile=(48, 64))
    planes = np.moveaxis(deep, -1, 0)
    tiff("planes-lzw", planes, photometric="rgb", planarconfig="separate", compression="lzw", predictor=True)

(folder / "list").write_text("".join(lines))
