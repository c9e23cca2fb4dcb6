"""Seconds by the clock of whole commands with the built-in model, from their start to the file that they leave.

    cargo xtask bench presets [--content FILE] [--style FILE] [--presets draft,standard] [--json FILE]

The photograph is resized to one megapixel first; the presets choose the size that is painted.
"""
import argparse
import tempfile
from pathlib import Path

from PIL import Image

import results

sample = Path(__file__).parent.parent / "assets" / "sample"
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--content", default=sample / "coffee.png")
parser.add_argument("--style", default=sample / "whirls.jpg")
parser.add_argument("--presets", default="draft,standard")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()

runs = []
with tempfile.TemporaryDirectory() as folder:
    photograph = f"{folder}/photograph.png"
    picture = Image.open(args.content).convert("RGB")
    scale = (1e6 / (picture.width * picture.height)) ** 0.5
    picture.resize([round(side * scale) for side in picture.size], Image.LANCZOS).save(photograph)
    print("| preset | painted | seconds | outside of ONNX Runtime | peak memory |")
    print("|---|---|---|---|---|")
    for preset in args.presets.split(","):
        seconds, peak, report = results.run([photograph, args.style, "-o", f"{folder}/{preset}.png", "--preset", preset])
        height, width = report["size"]
        outside = 1 - report["seconds"]["evaluating"] / report["seconds"]["optimising"]
        runs.append({"preset": preset, "width": width, "height": height, "seconds": seconds, "outside": outside, "peak": peak})
        print(f"| {preset} | {width}×{height} | {seconds:.1f} | {100 * outside:.1f} % | {peak / 2**20:.0f} MiB |", flush=True)
results.save(args.json, "presets", runs)
