#!/usr/bin/env python3
"""Many pictures in one command against a command for each: seconds and their ratio, and where the time goes.

    python3 bench/batch.py --program target/release/impasto [--count 100] [--size 256] [-- more options of impasto]

Pictures are crops of the sample photographs. Both ways paint the same pictures, one after the other in one run; the files
are compared at the end. Needs Pillow.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from PIL import Image

SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "assets" / "sample"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("more", nargs="*", help="more options of impasto, behind --")
    args = parser.parse_args()
    style = SAMPLES / "whirls.jpg"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        photos = folder / "photos"
        photos.mkdir()
        for i in range(args.count):
            with Image.open(SAMPLES / ("cat.png", "coffee.png", "dusk.jpg")[i % 3]) as photo:
                x, y = 3 * (i // 3) % 60, 2 * (i // 3) % 40
                photo.convert("RGB").crop((x, y, x + 300, y + 220)).save(photos / f"{i:04}.png")
        options = ["--size", str(args.size), "--quiet", *args.more]

        def timed(commands):
            begun = time.perf_counter()
            for command in commands:
                subprocess.check_call([args.program, *map(str, command), *options])
            return time.perf_counter() - begun

        (folder / "each").mkdir()
        each = timed([photo, style, "-o", folder / "each" / photo.name] for photo in sorted(photos.iterdir()))
        report = folder / "report.jsonl"
        one = timed([[photos, style, "-o", f"{folder}/one/", "--report", report]])
        same = all((folder / "one" / p.name).read_bytes() == p.read_bytes() for p in (folder / "each").iterdir())
        reports = [json.loads(line)["seconds"] for line in report.read_text().splitlines()]
        preparing, optimising, evaluating = (sum(r[k] for r in reports) for k in ("preparing", "optimising", "evaluating"))
    print(f"{args.count} pictures at {args.size} pixels, the same bytes: {'yes' if same else 'NO'}")
    print(f"a command for each   {each:7.1f} s")
    print(f"one command          {one:7.1f} s   {each / one:.2f} times as fast")
    print(f"  of that: evaluations {evaluating:.1f} s, the rest of the optimiser {optimising - evaluating:.1f} s, "
          f"graphs and targets {preparing:.1f} s, files and start {one - preparing - optimising:.1f} s")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
