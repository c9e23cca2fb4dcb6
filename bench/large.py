"""Large pictures in a budget: peak memory, time per evaluation, and seams.

    cargo xtask bench large [--content FILE] [--style FILE] [--iterations 5] [--pictures DIR] [--json FILE]

The photograph is resized to 6000×4000 and to 1732×1155 (2 megapixels). The large one is painted with `--max-memory 6G`,
the small one with 1G and with all that is free. The time of an evaluation at 24 megapixels is compared with that at 2
times 12. For the seams, the small one is painted in tiles and as a whole in three evaluations, after which the two have not
gone different ways yet; their difference is amplified 32 times (DIR/seams.png). In the large one, the steps between neighbouring columns and rows are compared at the
borders of tiles and elsewhere.
"""
import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import results

Image.MAX_IMAGE_PIXELS = None
sample = Path(__file__).parent.parent / "assets" / "sample"
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--content", default=sample / "coffee.png")
parser.add_argument("--style", default=sample / "whirls.jpg")
parser.add_argument("--iterations", default="5", help="of the large picture; the small one gets 12")
parser.add_argument("--large", default="6000x4000")
parser.add_argument("--small", default="1732x1155")
parser.add_argument("--budgets", default="6G,1G", help="of the large and the small one")
parser.add_argument("--pictures", help="a folder for the pictures")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()


def steps(picture, axis):
    """The mean step from each row (axis 0) or column (1) to the next."""
    return np.abs(np.diff(picture.astype(np.float32), axis=axis)).mean(axis=(1 - axis, 2))


def at_borders(picture, tile, axis):
    """The steps at the borders of tiles over those a few pixels beside them. Where borders lie is only known to lie at
    multiples of 16, so the largest ratio at any of these is told."""
    mean = steps(picture, axis)
    ratios = [mean[at - 1] / np.mean([mean[at - 1 + d] for d in (-5, -3, 3, 5)]) for at in range(tile // 2 // 16 * 16, len(mean) - 16, 16)]
    return max(ratios)


def main():
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.pictures or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        large, small = args.budgets.split(",")
        print("| picture | budget | tiles | expected | peak memory | seconds per evaluation |")
        print("|---|---|---|---|---|---|")
        for name, size, budget in (("small-whole", args.small, None), ("small-tiles", args.small, small), ("large", args.large, large)):
            shape = [int(side) for side in size.split("x")]
            photograph = folder / f"{name}-photograph.png"
            ImageOps.fit(Image.open(args.content).convert("RGB"), shape, Image.LANCZOS).save(photograph)
            command = [photograph, args.style, "-o", folder / f"{name}.png", "--size", max(shape), "--iterations", args.iterations if name == "large" else 12, "--device", "cpu"]
            _, peak, report = results.run(command + (["--max-memory", budget] if budget else []))
            seconds = results.per_evaluation(report)
            runs.append({"picture": size, "budget": budget, "tile": report["tile"], "expected": report["memory"], "peak": peak, "seconds": seconds})
            print(f"| {size} | {budget or 'all'} | {report['tile'] or 'none'} | {report['memory'] / 2**20:.0f} MiB | {peak / 2**20:.0f} MiB | {seconds:.2f} |", flush=True)
        pixels = lambda size: np.prod([int(side) for side in size.split("x")])
        ratio = runs[2]["seconds"] / (runs[0]["seconds"] * pixels(args.large) / pixels(args.small))
        print(f"\nAn evaluation of the large picture takes {ratio:.2f} times what the small one's takes by its pixels.")
        seams = []
        for tile in (max(int(side) for side in args.small.split("x")), 256):
            out = folder / f"seams-{tile}.png"
            results.run([folder / "small-whole-photograph.png", args.style, "-o", out, "--size", args.small.split("x")[0], "--levels", 1,
                         "--iterations", 3, "--tile-size", tile, "--device", "cpu"])
            seams.append(np.asarray(Image.open(out).convert("RGB")).astype(int))
        whole, tiles = seams
        difference = np.abs(whole - tiles)
        Image.fromarray(np.clip(32 * difference, 0, 255).astype(np.uint8)).save(folder / "seams.png")
        picture = np.asarray(Image.open(folder / "large.png").convert("RGB"))
        borders = [at_borders(picture, runs[2]["tile"] or 1024, axis) for axis in (0, 1)]
        print(f"The small one in tiles and as a whole differ by {difference.mean():.3f} of 255 levels on average.")
        print(f"Steps at possible borders of the large one's tiles are at most {max(borders):.2f} times those beside them.")
        results.save(args.json, "large", runs + [{"ratio": float(ratio), "difference": float(difference.mean()), "borders": float(max(borders))}])


main()
