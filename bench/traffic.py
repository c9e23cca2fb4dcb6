"""What an evaluation asks of a CUDA card, counted on the fake one of `cargo xtask test-card`, so for machines that have none.

    cargo xtask bench traffic [--model NAME|FILE] [--size 160] [--kernels] [--tf32 EVALUATIONS] [--json FILE]

A job's long run minus its short one, by their evaluations: the bytes of the card's memory that kernels read and write (each
operand once) by pixel, kernels that are launched, copies to and from the computer, waits, allocations. `--kernels` tells the
bytes by pixel of each kernel. `--tf32` paints with so many evaluations with TF32, whose rounding of factors the fake card
does as well, and without, and tells the loss of both saved pictures by an objective on the CPU. No seconds: the fake card has none.
"""
import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import results

sample = Path(__file__).parent.parent / "assets" / "sample"
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="compact")
parser.add_argument("--size", type=int, default=160)
parser.add_argument("--content", default=sample / "coffee.png")
parser.add_argument("--style", default=sample / "whirls.jpg")
parser.add_argument("--kernels", action="store_true")
parser.add_argument("--tf32", type=int, default=0, metavar="EVALUATIONS")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()


def job(folder, evaluations, *options):
    """The report and what the card counted; the picture is out.png."""
    os.environ["FAKE_CARD_COUNTS"] = str(folder / "counts.json")
    command = [args.content, args.style, "-o", folder / "out.png", "--size", args.size, "--levels", 1, "--iterations", evaluations]
    _, _, report = results.run(command + ["--model", args.model, "--device", "cuda", *options])
    return report, json.loads((folder / "counts.json").read_text())


def score(picture):
    """The loss of a saved picture."""
    command = [os.environ["IMPASTO"], "score", picture, "--content", args.content, "--style", args.style, "--size", args.size]
    command += ["--model", args.model, "--device", "cpu"]
    text = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    return float(text.split()[1])


def readable(names):
    """Mangled names as in C++, without arguments."""
    try:
        text = subprocess.run(["c++filt", *names], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return names
    return [line.split(">(")[0].replace("void ", "").replace("onnxruntime::cuda::", "") for line in text.splitlines()]


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # L-BFGS has all its pairs by then.
        (first, few), (second, more) = job(folder, 15, "--no-tf32"), job(folder, 25, "--no-tf32")
        evaluations = len(second["losses"]) - len(first["losses"])
        width, height = second["size"]
        per = {what: (more[what] - few[what]) / evaluations for what in few if what not in ("by_name", "live", "peak")}
        run = {"model": args.model, "size": second["size"], "touched_per_pixel": per["touched"] / width / height, **per}
        print("| model | pixels | bytes touched by pixel | operations by pixel | kernels | copies | bytes to and fro | waits | allocations |")
        print("|---|---|---|---|---|---|---|---|---|")
        print(f"| {args.model} | {width}×{height} | {run['touched_per_pixel']:.0f} | {per['operations'] / width / height:.3g} | {per['kernels']:.0f} | "
              f"{per['copies']:.0f} | {per['to_card'] + per['from_card']:.0f} | {per['waits']:.0f} | {per['allocations']:.0f} |")
        if args.kernels:
            rows = [(of[1] - few["by_name"].get(name, [0, 0])[1], name) for name, of in more["by_name"].items()]
            rows = sorted((row for row in rows if row[0] > 0), reverse=True)
            for (touched, _), name in zip(rows, readable([name for _, name in rows])):
                print(f"{touched / evaluations / width / height:9.1f}  {name}")
        if args.tf32:
            run["tf32"] = {}
            for name, options in (("with", []), ("without", ["--no-tf32"])):
                job(folder, args.tf32, *options)
                run["tf32"][name] = score(folder / "out.png")
            print(f"loss of the saved picture after {args.tf32} evaluations with TF32: {run['tf32']['with']:.4g}, without: {run['tf32']['without']:.4g}")
    results.save(args.json, "traffic", [run])


main()
