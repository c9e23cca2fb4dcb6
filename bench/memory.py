"""Peak memory per pixel of whole jobs, from the largest resident set that the system saw.

    cargo xtask bench memory [--model NAME|FILE] [--sizes 256,512,1024]

The base is a job of 16 by 16 pixels: program, ONNX Runtime, weights. What a larger job needs beyond it,
by its pixels, is the figure that grows with the picture.
"""
import argparse
import os
import subprocess
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="compact")
parser.add_argument("--sizes", default="256,512,1024")
parser.add_argument("--iterations", default="4")
args = parser.parse_args()
sample = Path(__file__).parent.parent / "assets" / "sample"


def peak(size, folder):
    command = [os.environ["IMPASTO"], sample / "coffee.png", sample / "whirls.jpg", "-o", f"{folder}/out.png"]
    command += ["--model", args.model, "--size", str(size), "--iterations", args.iterations, "--quiet", "--device", "cpu"]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, "the job failed"
    return usage.ru_maxrss * 1024


with tempfile.TemporaryDirectory() as folder:
    base = peak(16, folder)
    print(f"{args.model}: base {base / 2**20:.0f} MiB")
    for size in args.sizes.split(","):
        pixels = int(size) * round(int(size) * 400 / 600)
        used = peak(size, folder)
        print(f"{size:>6}: {used / 2**20:7.0f} MiB, {(used - base) / pixels:6.0f} bytes per pixel beyond the base", flush=True)
