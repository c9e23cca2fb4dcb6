"""The time of an evaluation against the size of the picture and against the number of threads.

    PYTHON=python-with-matplotlib cargo xtask bench scaling [--megapixels 0.1,0.5,2,8,24] [--threads 1,2] [--plot FILE] [--json FILE]

Each is the mean of the 3 to 12 evaluations of one job with the built-in model, the first of which finds no memory yet. The largest sizes run with `--max-memory`.
"""
import argparse
import os
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

import results

Image.MAX_IMAGE_PIXELS = None
sample = Path(__file__).parent.parent / "assets" / "sample"
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--content", default=sample / "coffee.png")
parser.add_argument("--style", default=sample / "whirls.jpg")
parser.add_argument("--megapixels", default="0.1,0.25,0.5,1,2,4,8,16,24")
parser.add_argument("--threads", default=",".join(str(n) for n in (1, 2, 4, 8, 16, 32) if n <= os.cpu_count()))
parser.add_argument("--size-of-threads", default="0.5", help="megapixels of the pictures by which threads are compared")
parser.add_argument("--max-memory", default="6G")
parser.add_argument("--plot", help="draw the curves into this .svg or .png file")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()


def measure(megapixels, threads, folder):
    width = round((megapixels * 1e6 * 1.5) ** 0.5)
    photograph = f"{folder}/photograph.png"
    ImageOps.fit(Image.open(args.content).convert("RGB"), (width, round(width / 1.5)), Image.LANCZOS).save(photograph)
    _, peak, report = results.run([photograph, args.style, "-o", f"{folder}/out.png", "--size", width, "--levels", 1, "--iterations",
                                   round(min(12, max(3, 12 / megapixels))), "--threads", threads, "--device", "cpu", "--max-memory", args.max_memory])
    run = {"megapixels": megapixels, "threads": threads, "seconds": results.per_evaluation(report), "peak": peak, "tile": report["tile"]}
    print(f"| {megapixels} | {threads} | {run['tile'] or 'none'} | {run['seconds']:.3f} | {run['seconds'] / megapixels:.3f} | {peak / 2**20:.0f} MiB |", flush=True)
    return run


def plot(sizes, threads, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for tiled, marker, label in ((False, "o", "whole picture"), (True, "s", "tiles")):
        chosen = [run for run in sizes if bool(run["tile"]) == tiled]
        left.loglog([r["megapixels"] for r in chosen], [r["seconds"] for r in chosen], marker, label=label)
    x = [r["megapixels"] for r in sizes]
    left.loglog(x, [sizes[0]["seconds"] / x[0] * v for v in x], "--", color="grey", label="linear from the smallest")
    left.set(xlabel="megapixels", ylabel="seconds per evaluation", title=f"{sizes[0]['threads']} threads, --max-memory {args.max_memory}")
    left.legend()
    right.plot([r["threads"] for r in threads], [threads[0]["seconds"] / r["seconds"] for r in threads], "o-", label="measured")
    right.plot([r["threads"] for r in threads], [r["threads"] / threads[0]["threads"] for r in threads], "--", color="grey", label="ideal")
    right.set(xlabel="threads", ylabel="times as fast as one", title=f"{args.size_of_threads} megapixels", xticks=[r["threads"] for r in threads])
    right.legend()
    for axes in (left, right):
        axes.grid(True, which="both", alpha=0.3)
    figure.savefig(path)


print("| megapixels | threads | tiles | seconds per evaluation | per megapixel | peak memory |")
print("|---|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder:
    counts = [int(n) for n in args.threads.split(",")]
    threads = [measure(float(args.size_of_threads), n, folder) for n in counts]
    sizes = [measure(float(size), max(counts), folder) for size in args.megapixels.split(",")]
if args.plot:
    plot(sizes, threads, args.plot)
results.save(args.json, "scaling", threads + sizes)
