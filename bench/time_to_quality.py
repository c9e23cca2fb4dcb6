"""Time to quality: how long until a saved picture is as good as the usual PyTorch script's.

    PYTHON=python-with-torch cargo xtask bench time --weights VGG.safetensors CONTENT:STYLE [--sizes 512,1024]

The weights are VGG16's or VGG19's. With all layers up to conv5_1 the loss is that of the paper: style taps relu1_1 to
relu5_1, content tap relu4_2. With fewer layers there are fewer style taps, and the content tap is relu3_3.

Three ways to paint the same pixels with the same weights, taps and loss, one after the other in one run:

* tutorial: what the tutorials do. torch's L-BFGS with strong-Wolfe line search (its default has none) on the pixels,
  500 evaluations, weights not frozen, a clamp to the box at the end.
* good: PyTorch at its best. Weights frozen, channels-last, pixels as a smooth function of free variables so that
  they stay in the box, the loss scaled.
* impasto: the command, from its start to the file that it leaves, with its levels.

What counts is the objective of the picture as it is saved in 8 bits, computed by one function of this script. For each
of the others the time is told until that is at or below what the tutorial's picture has at its end: for PyTorch without
the time that the look at it takes, for impasto of the shortest of a row of whole runs that gets there.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import results

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE")
parser.add_argument("--weights", required=True, help="VGG's convolutions in torchvision's layout, Caffe's preprocessing")
parser.add_argument("--sizes", default="512,1024", help="longer sides in pixels")
parser.add_argument("--evaluations", type=int, default=500)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--iterations", default="4,6,8,10,13,16,20,25,32,40,50,64,80,100", help="those that impasto tries")
parser.add_argument("--json", help="also write the results into this file")
parser.add_argument("--pause", help="while this file exists, wait before the next evaluation; the waiting is not counted")
args = parser.parse_args()
torch.set_num_threads(args.threads)


class Clock:
    """Seconds, without those in which `--pause` made it wait."""
    waited = 0.0

    @classmethod
    def now(cls):
        return time.time() - cls.waited

    @classmethod
    def wait(cls):
        if args.pause and os.path.exists(args.pause):
            begun = time.time()
            print("paused", file=sys.stderr, flush=True)
            while os.path.exists(args.pause):
                time.sleep(0.2)
            print("going on", file=sys.stderr, flush=True)
            cls.waited += time.time() - begun


# The content taps, the deepest first: a tap's weight, and the --content-weight that stands for it.
CONTENT = {"relu4_2": (1.0, "1"), "relu3_3": (0.05, "0.5")}
# Pictures are RGB, 0..255, minus this mean.
MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
FACTOR = 255.0


def layers(tensors):
    """{layer: index in torchvision's features} of a file of weights."""
    indices = sorted(int(name.split(".")[1]) for name in tensors if name.endswith(".weight"))
    found, block, place, last = {}, 1, 0, 0
    for index in indices:
        # A pooling stands between two blocks.
        block, place = (block + 1, 1) if index - last > 2 else (block, place + 1)
        found[f"relu{block}_{place}"], last = index, index
    return found


class Network:
    """VGG up to its last tap."""

    def __init__(self, frozen):
        tensors = load_file(args.weights)
        indices = layers(tensors)
        self.style = [name for name in indices if name.endswith("_1")]
        self.content = next(name for name in CONTENT if name in indices)
        last = max(indices[name] for name in (*self.style, self.content))
        self.layers = []
        for name, index in indices.items():
            if index > last:
                break
            weight, bias = tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"]
            if frozen:
                weight = weight.contiguous(memory_format=torch.channels_last)
            weight, bias = (t.clone().requires_grad_(not frozen) for t in (weight, bias))
            self.layers.append((name, weight, bias, name in self.style and name != "relu1_1"))

    def taps(self, picture):
        """`picture`: RGB, 0..1."""
        x, taps = picture * FACTOR - MEAN, {}
        for name, weight, bias, pooled in self.layers:
            if pooled:
                x = torch.nn.functional.max_pool2d(x, 2)
            x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, padding=1))
            taps[name] = x
        return taps


def gram(f):
    f = f.flatten(2)[0]
    return f @ f.T / f.shape[1]


class Objective:
    def __init__(self, network, content, style):
        self.network = network
        with torch.no_grad():
            taps = network.taps(style)
            self.grams = {name: gram(taps[name]) for name in network.style}
            self.content = network.taps(content)[network.content]

    def __call__(self, picture):
        taps = self.network.taps(picture)
        tap = self.network.content
        loss = CONTENT[tap][0] * (taps[tap] - self.content).square().mean()
        for name, target in self.grams.items():
            loss = loss + 1000.0 / target.shape[0] ** 2 * (gram(taps[name]) - target).square().mean()
        return loss


def tensor(path):
    return torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].contiguous().float() / 255


def saved(picture):
    """The picture as 8 bits hold it."""
    return (picture.detach().clamp(0, 1) * 255).round().byte()


def tutorial(content, style):
    """The saved picture and the seconds it took."""
    begun = Clock.now()
    objective = Objective(Network(frozen=False), content, style)
    x = content.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([x], max_iter=args.evaluations, max_eval=args.evaluations,
                                  tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure():
        Clock.wait()
        optimiser.zero_grad()
        loss = objective(x)
        loss.backward()
        return loss

    optimiser.step(closure)
    return saved(x), Clock.now() - begun


class Reached(Exception):
    """The picture is good enough."""


def good(content, style, target, measure):
    """Seconds until the best picture so far, saved, is at or below the target; None if it never is."""
    begun, looked = Clock.now(), 0.0
    layout = dict(memory_format=torch.channels_last)
    objective = Objective(Network(frozen=True), content.contiguous(**layout), style.contiguous(**layout))
    z = torch.asin(2 * content.clamp(1 / 768, 1 - 1 / 768) - 1).requires_grad_()
    optimiser = torch.optim.LBFGS([z], max_iter=args.evaluations, max_eval=args.evaluations, history_size=20,
                                  tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe")
    scale, best = None, float("inf")

    def closure():
        nonlocal scale, best, looked
        Clock.wait()
        optimiser.zero_grad()
        x = (0.5 + 0.5 * torch.sin(z)).contiguous(**layout)
        loss = objective(x)
        if scale is None:
            (gradient,) = torch.autograd.grad(loss, z, retain_graph=True)
            scale = 0.025 * z.numel() ** 0.5 / gradient.norm().item()
        (loss * scale).backward()
        at = Clock.now()
        # Rounding to 8 bits makes it worse, so there is nothing to see before.
        if loss.item() < min(best, target):
            best = loss.item()
            if measure(saved(x)) <= target:
                raise Reached(at - begun - looked)
        looked += Clock.now() - at
        return (loss * scale).detach()

    try:
        optimiser.step(closure)
    except Reached as reached:
        return reached.args[0]
    return None


def impasto(content, style, size, iterations, out, content_tap):
    """The seconds of the whole command."""
    command = [os.environ["IMPASTO"], content, style, "-o", out, "--model", args.weights, "--size", str(size),
               "--iterations", iterations, "--content-taps", content_tap, "--content-weight", CONTENT[content_tap][1],
               "--device", "cpu", "--threads", str(args.threads), "--quiet"]
    Clock.wait()
    begun = Clock.now()
    subprocess.run(command, check=True)
    return Clock.now() - begun


def prepared(path, size, to):
    """The picture with `size` as its longer side, so that nobody resizes any more."""
    picture = Image.open(path).convert("RGB")
    scale = size / max(picture.size)
    picture.resize([round(side * scale) for side in picture.size], Image.LANCZOS).save(to)


def compare(content, style, size, folder):
    paths = [f"{folder}/content.png", f"{folder}/style.png", f"{folder}/out.png"]
    prepared(content, size, paths[0])
    prepared(style, size, paths[1])
    pictures = [tensor(path) for path in paths[:2]]
    objective = Objective(Network(frozen=True), *pictures)

    def measure(picture):
        with torch.no_grad():
            return objective(picture.float() / 255).item()

    picture, seconds = tutorial(*pictures)
    target = measure(picture)
    result = {"size": size, "content": Path(content).name, "style": Path(style).name, "start": measure(saved(pictures[0])),
              "target": target, "tutorial": seconds, "good": good(*pictures, target, measure), "impasto": None}
    for iterations in args.iterations.split(","):
        seconds = impasto(*paths[:2], size, iterations, paths[2], objective.network.content)
        reached = measure((tensor(paths[2]) * 255).round().byte())
        print(f"  impasto, {iterations} iterations: {seconds:.1f} s, {reached:.4g}", file=sys.stderr, flush=True)
        if reached <= target:
            result |= {"impasto": seconds, "iterations": int(iterations), "reached": reached}
            break
    return result


def main():
    runs = []
    print(f"{args.threads} threads, torch {torch.__version__}")
    print("| pair | size | objective at the start | tutorial's at its end | tutorial | good PyTorch | Impasto | ratios |")
    print("|---|---|---|---|---|---|---|---|")
    for pair in args.pairs:
        content, style = pair.split(":")
        for size in map(int, args.sizes.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                r = compare(content, style, size, folder)
            runs.append(r | {"evaluations": args.evaluations, "threads": args.threads})
            seconds = lambda name: "never" if r[name] is None else f"{r[name]:.1f} s"
            ratio = lambda name: "" if None in (r[name], r["impasto"]) else f"{r[name] / r['impasto']:.1f}"
            print(f"| {r['content']} × {r['style']} | {size} | {r['start']:.4g} | {r['target']:.4g} | {seconds('tutorial')} "
                  f"| {seconds('good')} | {seconds('impasto')} | {ratio('tutorial')}, {ratio('good')} |", flush=True)
    results.save(args.json, "time", runs)


main()
