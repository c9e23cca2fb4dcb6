"""What is claimed of the program, shown with the real weights of a full-depth network and all five style taps.

    cargo xtask bench depth --weights vgg16.safetensors CONTENT:STYLE

A line for each claim: the gradient is that of PyTorch's autograd; the report's loss is that of the saved picture; tiles give
the loss of the whole picture; regions that are white everywhere change nothing, and a region's style is found there; moments
lower the loss that they are. It fails where one does not hold. Needs torch, onnx and onnxruntime.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import results

parser = argparse.ArgumentParser()
parser.add_argument("pair", help="CONTENT:STYLE")
parser.add_argument("--weights", required=True)
parser.add_argument("--size", default="256")
parser.add_argument("--iterations", default="12")
args = parser.parse_args()
program = os.environ["IMPASTO"]
content, style, _ = results.pair(args.pair)
failed = []


def claim(text, holds):
    print(("holds: " if holds else "FAILS: ") + text, flush=True)
    if not holds:
        failed.append(text)


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)

    def run(name, *more, iterations=args.iterations):
        """Paints a picture at one level; its report."""
        out, report = folder / f"{name}.png", folder / f"{name}.json"
        command = [program, content, style, "-o", out, "--model", args.weights, "--size", args.size, "--levels", "1"]
        command += ["--iterations", iterations, "--report", report, "--quiet", "--device", "cpu", *more]
        subprocess.run([str(c) for c in command], check=True)
        return json.loads(report.read_text())

    def score(name, *more):
        """The loss of a picture that was painted."""
        return results.score(folder / f"{name}.png", content, style, args.weights, args.size, *more)["loss"]

    subprocess.run([program, "model", "export", args.weights, "-o", folder / "graphs"], check=True, stdout=subprocess.DEVNULL)
    script = Path(__file__).parent.parent / "tests" / "python" / "autograd.py"
    compared = subprocess.run([sys.executable, script, folder / "graphs"], capture_output=True, text=True)
    print(compared.stdout + compared.stderr, end="")
    claim("loss and gradient are autograd's to 1e-4 and 1e-3", compared.returncode == 0)

    whole = run("whole")
    terms = [t for t in whole["terms"] if t.startswith("style/")]
    claim(f"five style taps: {', '.join(terms)}", len(terms) == 5)
    saved = score("whole")
    claim(f"the report's loss {whole['loss']:.6e} is the saved picture's {saved:.6e}, to 0.1 %", abs(saved / whole["loss"] - 1) < 1e-3)

    tiled = run("tiled", "--tile-size", "128", iterations="4")
    apart = max(abs(a / b - 1) for a, b in zip(tiled["losses"], whole["losses"][:4]))
    claim(f"tiles of 128 pixels: the losses of four evaluations are apart by {apart:.1e}, at most 1e-3", apart < 1e-3)

    # The first evaluation is at the same picture, whatever comes then.
    size = Image.open(content).size
    Image.fromarray(np.full(size[::-1], 255, np.uint8)).save(folder / "white-mask.png")
    white = run("white", "--region", folder / "white-mask.png", iterations="1")
    apart = abs(white["losses"][0] / whole["losses"][0] - 1)
    claim(f"a region that is white everywhere: the loss is apart by {apart:.1e}, at most 1e-4", apart < 1e-4)

    left = np.zeros(size[::-1], np.uint8)
    left[:, : size[0] // 2] = 255
    Image.fromarray(left).save(folder / "left-mask.png")
    run("regions", "--region", folder / "left-mask.png", "--blend", content)
    halves = {}
    for name in ("whole", "regions"):
        picture = np.asarray(Image.open(folder / f"{name}.png").convert("RGB"), dtype=float)
        source = np.asarray(Image.open(content).convert("RGB").resize(picture.shape[1::-1], Image.Resampling.LANCZOS), dtype=float)
        change, half = np.abs(picture - source).mean(axis=(0, 2)), picture.shape[1] // 2
        halves[name] = change[: half - 16].mean(), change[half + 16 :].mean()
    (_, all_right), (regions_left, regions_right) = halves["whole"], halves["regions"]
    claim(f"the style on the left, the photograph's own on the right: changed by {regions_left:.1f} and {regions_right:.1f} of 255 "
          f"({all_right:.1f} on the right without a region)", regions_right < 0.5 * regions_left and regions_right < 0.5 * all_right)

    moments = run("moments", "--style-loss", "moments")
    saved = score("moments", "--style-loss", "moments")
    falls = saved / moments["first_loss"]
    claim(f"moments: the loss falls to {falls:.2f} of the first, and the report's is the saved picture's, to 0.1 %",
          falls < 0.5 and abs(saved / moments["loss"] - 1) < 1e-3)

sys.exit(1 if failed else 0)
