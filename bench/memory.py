"""Peak memory per pixel of whole jobs, from the largest resident set that the system saw.

    cargo xtask bench memory [--model NAME|FILE] [--sizes 256,512,1024]

The base is a job of 16 by 16 pixels: program, ONNX Runtime, weights. What a larger job needs beyond it,
by its pixels, is the figure that grows with the picture.
"""
import argparse
import tempfile
from pathlib import Path

import results

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="compact")
parser.add_argument("--sizes", default="256,512,1024")
parser.add_argument("--iterations", default="4")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()
sample = Path(__file__).parent.parent / "assets" / "sample"


def peak(size, folder):
    command = [sample / "coffee.png", sample / "whirls.jpg", "-o", f"{folder}/out.png", "--model", args.model]
    return results.run([*command, "--size", size, "--iterations", args.iterations, "--device", "cpu"])[1]


with tempfile.TemporaryDirectory() as folder:
    base = peak(16, folder)
    print(f"{args.model}: base {base / 2**20:.0f} MiB")
    runs = [{"model": args.model, "base": base}]
    for size in args.sizes.split(","):
        pixels = int(size) * round(int(size) * 400 / 600)
        used = peak(size, folder)
        print(f"{size:>6}: {used / 2**20:7.0f} MiB, {(used - base) / pixels:6.0f} bytes per pixel beyond the base", flush=True)
        runs.append({"size": int(size), "pixels": pixels, "peak": used})
    results.save(args.json, "memory", runs)
