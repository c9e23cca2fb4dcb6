"""What more evaluations bring: why a preset stops where it does.

    cargo xtask bench evaluations --teacher vgg16.safetensors CONTENT:STYLE... [--presets draft,standard] [--counts 10,20,40]

For each preset and number of evaluations at the full size: seconds of the whole command, and the model's and the teacher's
objective of the saved picture.
"""
import argparse
import tempfile
from pathlib import Path

import results

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE")
parser.add_argument("--teacher", required=True)
parser.add_argument("--model", default="compact")
parser.add_argument("--presets", default="draft,standard")
parser.add_argument("--counts", default="10,20,36,50,80")
parser.add_argument("--size", help="in the place of the preset's")
parser.add_argument("--keep", help="a folder for the pictures")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()

runs = []
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(args.keep or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    print("| pair | preset | evaluations | seconds | model's objective | teacher's objective |")
    print("|---|---|---|---|---|---|")
    for text in args.pairs:
        content, style, name = results.pair(text)
        for preset in args.presets.split(","):
            for count in map(int, args.counts.split(",")):
                out = f"{folder}/{name}-{preset}-{count}.png"
                command = [content, style, "-o", out, "--preset", preset, "--iterations", count, "--model", args.model]
                seconds, _, report = results.run([*command, *(["--size", args.size] if args.size else [])])
                size = max(report["levels"][-1]["size"])
                score = results.score(out, content, style, args.teacher, size)["loss"]
                runs.append({"pair": name, "preset": preset, "evaluations": count, "seconds": seconds,
                             "loss": report["loss"], "teacher": score})
                print(f"| {name} | {preset} | {count} | {seconds:.1f} | {report['loss']:.3g} | {score:.3g} |", flush=True)
results.save(args.json, "evaluations", runs)
