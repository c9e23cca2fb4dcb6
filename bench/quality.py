"""How far pictures made with a model come by the teacher's objective, judged on the saved file.

    cargo xtask bench quality --teacher vgg19.safetensors CONTENT:STYLE... [--model NAME|FILE]

For each pair: the teacher's objective of the content picture itself, of the picture saved after 150
evaluations with the model, and of the one saved after 150 evaluations with the teacher; and by what
factor each is below the content's own. The weights are the defaults.
"""
import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import results

parser = argparse.ArgumentParser()
parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE")
parser.add_argument("--teacher", required=True)
parser.add_argument("--model", action="append", help="compact if left out; may be given again")
parser.add_argument("--size", default="320")
parser.add_argument("--iterations", default="150")
parser.add_argument("--keep", help="a folder for the pictures")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()
program = os.environ["IMPASTO"]
models = args.model or ["compact"]
runs = []


def stylise(content, style, model, iterations, out):
    report = f"{out}.json"
    command = [program, content, style, "-o", out, "--model", model, "--size", args.size]
    subprocess.run([*command, "--iterations", iterations, "--report", report, "--quiet"], check=True)
    return json.loads(Path(report).read_text())


def score(picture, content, style):
    command = [program, "score", picture, "--content", content, "--style", style, "--model", args.teacher]
    text = subprocess.run([*command, "--size", args.size], check=True, capture_output=True, text=True).stdout
    return float(text.split()[1])


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(args.keep or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    columns = [column for model in models for column in (Path(model).stem, "factor")]
    print("| pair | content's own | " + " | ".join(columns) + " | teacher | factor |")
    print("|---" * (len(columns) + 4) + "|")
    for pair in args.pairs:
        content, style = pair.split(":")
        name = f"{Path(content).stem}-{Path(style).stem}"
        first = stylise(content, style, args.teacher, "1", f"{folder}/{name}-first.png")["first_loss"]
        cells = []
        for model in models:
            picture = f"{folder}/{name}-{Path(model).stem}.png"
            stylise(content, style, model, args.iterations, picture)
            cells.append(score(picture, content, style))
        cells.append(stylise(content, style, args.teacher, args.iterations, f"{folder}/{name}-teacher.png")["loss"])
        text = " | ".join(f"{loss:.2e} | {first / loss:.0f}" for loss in cells)
        print(f"| {name} | {first:.2e} | {text} |", flush=True)
        runs.append({"pair": name, "content": first} | dict(zip([Path(model).stem for model in models] + ["teacher"], cells)))
results.save(args.json, "quality", runs)
