"""How far pictures made with a model come by the teacher's objective, judged on the saved file.

    cargo xtask bench quality --teacher vgg19.safetensors CONTENT:STYLE... [--model NAME|FILE]

For each pair: the teacher's objective of the content picture itself, of the picture saved after 150
evaluations with the model, and of the one saved after 150 evaluations with the teacher; and by what
factor each is below the content's own. The weights are the defaults.
"""
import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import results

parser = argparse.ArgumentParser()
parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE")
parser.add_argument("--teacher", required=True)
parser.add_argument("--model", action="append", help="compact if left out; may be given again")
parser.add_argument("--size", default="320")
parser.add_argument("--iterations", default="150")
parser.add_argument("--keep", help="a folder for the pictures; what is there already is not painted again")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()
program = os.environ["IMPASTO"]
models = args.model or ["compact"]
runs = []


def stylise(content, style, model, out):
    if Path(out).exists():
        return
    command = [program, content, style, "-o", out, "--model", model, "--size", args.size, "--levels", "1"]
    subprocess.run([*command, "--iterations", args.iterations, "--quiet"], check=True)


def score(picture, content, style):
    """The teacher's objective of a picture and its terms."""
    return results.score(picture, content, style, args.teacher, args.size)


def reduced(path, folder):
    """The picture at the size that is painted, so that the content's own loss is that of the same pixels."""
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((int(args.size),) * 2, Image.LANCZOS)
    out = f"{folder}/{Path(path).stem}-{args.size}.png"
    picture.save(out)
    return out


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(args.keep or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(Path(model).stem for model in models), "teacher"]
    print("| pair | content's own | " + " | ".join(column for name in names for column in (name, "factor")) + " |")
    print("|---" * (2 * len(names) + 2) + "|")
    for pair in args.pairs:
        content, style, name = results.pair(pair)
        content, style = reduced(content, folder), reduced(style, folder)
        made = {"content": score(content, content, style)}
        for label, model in zip(names, [*models, args.teacher]):
            picture = f"{folder}/{name}-{label}.png"
            stylise(content, style, model, picture)
            made[label] = score(picture, content, style)
        first = made["content"]["loss"]
        text = " | ".join(f"{made[n]['loss']:.2e} | {first / made[n]['loss']:.0f}" for n in names)
        print(f"| {name} | {first:.2e} | {text} |", flush=True)
        runs.append({"pair": name} | made)
    print("\n| pair | picture | " + " | ".join(list(runs[0]["content"])[1:]) + " |")
    print("|---" * (len(runs[0]["content"]) + 1) + "|")
    for run in runs:
        for label in ("content", *names):
            print(f"| {run['pair']} | {label} | " + " | ".join(f"{v:.1e}" for t, v in run[label].items() if t != "loss") + " |")
results.save(args.json, "quality", runs)
