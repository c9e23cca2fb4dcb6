"""What it does to a picture at which size it begins.

    cargo xtask bench levels CONTENT:STYLE... [--sizes 256,512] [--levels 1,2,3,4] [--keep FOLDER]

For each size and number of levels (the smallest has the size divided by 2 for each level above the first): the loss of the saved
picture, its content loss, seconds of evaluations, and single coloured dots: pixels whose colour, not lightness, is farther than
28 units of CIE Lab from that of each of their eight neighbours, in 10,000.
"""
import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import results

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE")
parser.add_argument("--sizes", default="256,512")
parser.add_argument("--levels", default="1,2,3,4")
parser.add_argument("--keep", help="a folder for the pictures")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def colour(path):
    """CIE Lab's a and b of a picture, [H, W, 2]."""
    rgb = np.asarray(Image.open(path).convert("RGB")) / 255
    xyz = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92) @ TO_XYZ.T / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def dots(path):
    """Single coloured dots in 10,000 pixels."""
    ab = colour(path)
    h, w = ab.shape[:2]
    inner = ab[1:-1, 1:-1]
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    apart = [np.linalg.norm(inner - ab[1 + y : h - 1 + y, 1 + x : w - 1 + x], axis=-1) for y, x in steps]
    return 1e4 * float((np.min(apart, axis=0) > 28).mean())


runs = []
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(args.keep or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    print("| pair | size | levels | smallest | loss | content loss | seconds | dots |")
    print("|---" * 8 + "|")
    for pair in args.pairs:
        content, style, name = results.pair(pair)
        for size in map(int, args.sizes.split(",")):
            for levels in map(int, args.levels.split(",")):
                out = folder / f"{name}-{size}-{levels}.png"
                _, _, report = results.run([content, style, "-o", out, "--size", size, "--levels", levels])
                terms = dict(zip(report["terms"], report["term_losses"][int(np.argmin(report["losses"]))]))
                run = {"pair": name, "size": size, "levels": levels, "loss": report["loss"], "dots": dots(out)}
                run["content"] = sum(value for term, value in terms.items() if term.startswith("content/"))
                run["seconds"] = report["seconds"]["evaluating"]
                runs.append(run)
                print(f"| {name} | {size} | {levels} | {size >> levels - 1} | {run['loss']:.2e} | {run['content']:.2e} | "
                      f"{run['seconds']:.1f} | {run['dots']:.1f} |", flush=True)
results.save(args.json, "levels", runs)
