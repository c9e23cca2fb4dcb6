"""Milliseconds per evaluation (loss and gradient with respect to the picture) of the exported objective in
ONNX Runtime against PyTorch's autograd on the same weights, sizes and threads, in one run.

    PYTHON=python-with-torch cargo xtask bench speed [--model NAME|FILE] [--against NAME|FILE]

PyTorch runs at its best: weights frozen, channels-last. The two take turns, round by round, so that a
machine that slows down slows both; the ratio is that of the medians. With --against, the other model's
graph takes PyTorch's place.
"""
import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import peer
import results as records

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="vgg19-random")
parser.add_argument("--against", help="a model; PyTorch on the same weights if left out")
parser.add_argument("--sizes", default="320x240,1024x768", help="WIDTHxHEIGHT with commas between")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--style-taps", help="left out, the reference taps that the model has")
parser.add_argument("--content-taps")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()


class Graph:
    """The exported objective in ONNX Runtime."""

    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        load = lambda name: onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        self.features, self.objective = load("features.onnx"), load("objective.onnx")

    def prepare(self, target, picture):
        names = [o.name for o in self.features.get_outputs()]
        self.inputs = dict(zip(names, self.features.run(None, {"picture": target})))
        for i in self.objective.get_inputs():
            if i.name.endswith("/weight"):
                self.inputs[i.name] = np.array(1.0, dtype=np.float32)
        self.inputs["picture"] = picture

    def evaluate(self):
        loss, gradient = self.objective.run(["loss", "gradient"], self.inputs)
        return float(loss), gradient


torch.set_num_threads(args.threads)
other_name, runs = args.against or "PyTorch", []
print(f"{args.model} against {other_name}, {args.threads} threads, ONNX Runtime {onnxruntime.__version__}")
for size in args.sizes.split(","):
    width, height = (int(v) for v in size.split("x"))
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        write = lambda model, folder: peer.export(model, folder, size, args.style_taps, args.content_taps)
        a = Graph(write(args.model, ours))
        b = Graph(write(args.against, theirs)) if args.against else peer.Torch(Path(ours))
    rng = np.random.default_rng(0)
    target, picture = (rng.random((1, 3, height, width), dtype=np.float32) for _ in range(2))
    times = {a: [], b: []}
    results = {}
    for runner in (a, b):
        runner.prepare(target, picture)
        for _ in range(2):
            results[runner] = runner.evaluate()
    if not args.against:
        (la, ga), (lb, gb) = results[a], results[b]
        assert abs(la - lb) <= 1e-3 * lb, "the two do not compute the same"
        assert np.linalg.norm(ga - np.asarray(gb)) <= 1e-2 * np.linalg.norm(gb), "the two do not compute the same"
    for _ in range(args.rounds):
        for runner in (a, b):
            begun = time.perf_counter()
            runner.evaluate()
            times[runner].append(time.perf_counter() - begun)
    own, other = (1000 * statistics.median(times[r]) for r in (a, b))
    print(f"{size:>10}: {own:8.1f} ms, {other_name} {other:8.1f} ms: {other / own:.2f} times as fast", flush=True)
    runs.append({"model": args.model, "against": other_name, "size": size, "threads": args.threads, "milliseconds": own, "peer": other})
records.save(args.json, "speed", runs)
