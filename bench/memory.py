"""Peak memory of whole jobs, from the largest resident set that the system saw, against what was expected of them.

    cargo xtask bench memory [--model NAME|FILE] [--sizes 256,512,1024] [--tiles 384] [--json FILE]

Each job is one level of so many evaluations that L-BFGS remembers all the pairs that it may. The base is a job of 24 by 16
pixels: program, ONNX Runtime, weights. What a larger job needs beyond it, by its pixels, is the figure that grows with the
picture.
"""
import argparse
import tempfile
from pathlib import Path

import results

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="compact")
parser.add_argument("--sizes", default="256,512,1024")
parser.add_argument("--tiles", default="", help="each size in tiles of at most these many pixels, too, with commas between")
parser.add_argument("--iterations", default="14")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()
sample = Path(__file__).parent.parent / "assets" / "sample"


def run(size, folder, *options):
    """The peak, and the report."""
    command = [sample / "coffee.png", sample / "whirls.jpg", "-o", f"{folder}/out.png", "--model", args.model]
    command += ["--size", size, "--levels", 1, "--iterations", args.iterations, "--device", "cpu"]
    return results.run([*command, *options])[1:]


with tempfile.TemporaryDirectory() as folder:
    base, _ = run(24, folder)
    print(f"{args.model}: base {base / 2**20:.0f} MiB")
    runs = [{"model": args.model, "base": base}]
    print("| size | tiles | peak memory | expected | peak of expected | bytes per pixel beyond the base |")
    print("|---|---|---|---|---|---|")
    for size in map(int, args.sizes.split(",")):
        for tile in [None, *(int(tile) for tile in args.tiles.split(",") if tile)]:
            if tile and tile >= size:
                continue
            peak, report = run(size, folder, *(["--tile-size", tile] if tile else []))
            height, width = report["size"]
            expected, by_pixel = report["memory"], (peak - base) / (height * width)
            runs.append({"size": size, "pixels": height * width, "tile": tile, "peak": peak, "expected": expected})
            print(f"| {width}×{height} | {tile or 'none'} | {peak / 2**20:.0f} MiB | {expected / 2**20:.0f} MiB | "
                  f"{100 * peak / expected:.0f} % | {by_pixel:.0f} |", flush=True)
    results.save(args.json, "memory", runs)
