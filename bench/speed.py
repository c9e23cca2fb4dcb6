"""Milliseconds per evaluation (loss and gradient with respect to the picture) of the exported objective in
ONNX Runtime against PyTorch's autograd on the same weights, sizes and threads, in one run.

    PYTHON=python-with-torch cargo xtask bench speed [--model NAME|FILE] [--against NAME|FILE]

PyTorch runs at its best: weights frozen, channels-last. The two take turns, round by round, so that a
machine that slows down slows both; the ratio is that of the medians. With --against, the other model's
graph takes PyTorch's place.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

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


def export(model, folder, size):
    taps = ["--style-taps", args.style_taps] if args.style_taps else []
    taps += ["--content-taps", args.content_taps] if args.content_taps else []
    command = [os.environ["IMPASTO"], "model", "export", model, "-o", folder, "--picture-size", size, *taps]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Path(folder)


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


class Torch:
    """The same objective written for PyTorch as its users would at their best."""

    def __init__(self, folder):
        import torch

        self.torch = torch
        torch.set_num_threads(args.threads)
        model = onnx.load(str(folder / "objective.onnx"))
        metadata = {p.key: p.value for p in model.metadata_props}
        self.manifest, self.terms = json.loads(metadata["impasto"]), metadata["terms"].split(",")
        to = lambda a: torch.tensor(a.copy())
        self.tensors = {t.name: to(onnx.numpy_helper.to_array(t)) for t in model.graph.initializer}
        for name, tensor in self.tensors.items():
            if tensor.dim() == 4:
                self.tensors[name] = tensor.contiguous(memory_format=torch.channels_last)

    def taps(self, picture):
        F = self.torch.nn.functional
        mean, std = (self.torch.tensor(self.manifest[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
        x, taps = (picture - mean) / std * self.manifest["scale"], {}
        for block, count in enumerate((2, 2, 4, 4, 4), 1):
            for place in range(1, count + 1):
                name = f"conv{block}_{place}"
                if name + ".weight" not in self.tensors:
                    return taps
                if place == 1 and block > 1:
                    x = F.max_pool2d(x, 2)
                x = F.relu(F.conv2d(x, self.tensors[name + ".weight"], self.tensors[name + ".bias"], padding=1))
                head = self.tensors.get(f"head/relu{block}_{place}.weight")
                taps[f"relu{block}_{place}"] = x if head is None else F.conv2d(x, head)
        return taps

    def values(self, picture):
        taps, out = self.taps(picture), {}
        for term in self.terms:
            kind, tap = term.split("/")
            f = taps[tap].flatten(2)[0]
            out[term] = f @ f.T / f.shape[1] if kind == "style" else taps[tap]
        return out

    def prepare(self, target, picture):
        layout = dict(memory_format=self.torch.channels_last)
        with self.torch.no_grad():
            self.targets = self.values(self.torch.tensor(target).contiguous(**layout))
        self.picture = self.torch.tensor(picture).contiguous(**layout).requires_grad_()

    def evaluate(self):
        self.picture.grad = None
        values = self.values(self.picture)
        loss = sum(((values[t] - self.targets[t]) ** 2).mean() for t in self.terms)
        loss.backward()
        return loss.item(), self.picture.grad.numpy()


peer, runs = args.against or "PyTorch", []
print(f"{args.model} against {peer}, {args.threads} threads, ONNX Runtime {onnxruntime.__version__}")
for size in args.sizes.split(","):
    width, height = (int(v) for v in size.split("x"))
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        a = Graph(export(args.model, ours, size))
        b = Graph(export(args.against, theirs, size)) if args.against else Torch(Path(ours))
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
        assert np.linalg.norm(ga - gb) <= 1e-2 * np.linalg.norm(gb), "the two do not compute the same"
    for _ in range(args.rounds):
        for runner in (a, b):
            begun = time.perf_counter()
            runner.evaluate()
            times[runner].append(time.perf_counter() - begun)
    own, other = (1000 * statistics.median(times[r]) for r in (a, b))
    print(f"{size:>10}: {own:8.1f} ms, {peer} {other:8.1f} ms: {other / own:.2f} times as fast", flush=True)
    runs.append({"model": args.model, "against": peer, "size": size, "threads": args.threads, "milliseconds": own, "peer": other})
records.save(args.json, "speed", runs)
