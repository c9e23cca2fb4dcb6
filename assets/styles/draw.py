#!/usr/bin/env python3
"""Draws the style pictures of this folder.

    python3 assets/styles/draw.py [ID ...] -o FOLDER

Without an ID it draws all of them. It needs numpy, Pillow and SciPy. The same versions of these give
the same pictures, byte by byte.
"""

import argparse
import importlib
import json
import pathlib
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent


def draw(name):
    """The picture of one style, as a Pillow image."""
    module = importlib.import_module("draw." + name.replace("-", "_"))
    colour = module.draw(np.random.default_rng(module.SEED))
    return Image.fromarray((np.clip(colour, 0, 1) * 255 + 0.5).astype(np.uint8))


def save(picture, path, quality, limit=330_000):
    """Writes a JPEG file; lowers the quality step by step until the file is small enough."""
    while True:
        picture.save(path, quality=quality, subsampling="4:2:0", optimize=True)
        if path.stat().st_size <= limit or quality <= 60:
            return
        quality -= 2


def main():
    names = [style["id"] for style in json.loads((HERE / "styles.json").read_text())]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="ID", help="styles to draw (all when there is none)")
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--quality", type=int, default=88, help="JPEG quality to begin with")
    args = parser.parse_args()
    unknown = sorted(set(args.ids) - set(names))
    if unknown:
        parser.error(f"no such style: {', '.join(unknown)} (there are {', '.join(names)})")
    args.output.mkdir(parents=True, exist_ok=True)
    for name in args.ids or names:
        start = time.time()
        path = args.output / f"{name}.jpg"
        save(draw(name), path, args.quality)
        print(f"{path}  {path.stat().st_size / 1024:.0f} KB  {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
