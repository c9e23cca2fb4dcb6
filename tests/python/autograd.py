"""Compares loss and gradient of the exported objective of a full-depth VGG (16 or 19) with PyTorch's autograd on the same
weights: the relative error (in the 2-norm) must be at most 1e-4 for the loss and 1e-3 for the gradient.

    impasto model export vgg19-random -o FOLDER       # or vgg16.safetensors
    python3 tests/python/autograd.py FOLDER

Needs torch, numpy, onnx and onnxruntime. The network and the losses are written here again, from the
numeric contract (docs/graph.md), and share nothing with the program but the weights and the manifest.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper

folder = Path(sys.argv[1])
model = onnx.load(str(folder / "objective.onnx"))
manifest = json.loads({p.key: p.value for p in model.metadata_props}["impasto"])
tensors = {t.name: torch.tensor(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
CONTENT = "relu4_2"
WEIGHTS = {tap: 1000.0 / n**2 for tap, n in zip(STYLE, (64, 128, 256, 512, 512))}


def activations(picture):
    mean, std = (torch.tensor(manifest[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    x = (picture - mean) / std * manifest["scale"]
    taps = {}
    for block in range(1, 6):
        if block > 1:
            x = F.max_pool2d(x, 2)
        place = 1
        while (name := f"conv{block}_{place}") + ".weight" in tensors:
            x = F.relu(F.conv2d(x, tensors[name + ".weight"], tensors[name + ".bias"], padding=1))
            taps[f"relu{block}_{place}"] = x
            place += 1
    return taps


def gram(x):
    f = x.flatten(2)[0]
    return f @ f.T / f.shape[1]


worst_loss = worst_gradient = 0.0
session = onnxruntime.InferenceSession(str(folder / "objective.onnx"), providers=["CPUExecutionProvider"])
for seed, (height, width) in enumerate([(96, 128), (81, 67), (33, 50)]):
    rng = np.random.default_rng(seed)
    content, style, start = (torch.tensor(rng.random((1, 3, height, width), dtype=np.float32)) for _ in range(3))
    with torch.no_grad():
        targets = {tap: gram(activations(style)[tap]) for tap in STYLE}
        wanted = activations(content)[CONTENT]
    picture = start.clone().requires_grad_()
    taps = activations(picture)
    loss = sum(WEIGHTS[t] * ((gram(taps[t]) - targets[t]) ** 2).mean() for t in STYLE)
    loss = loss + ((taps[CONTENT] - wanted) ** 2).mean()
    loss.backward()

    inputs = {"picture": start.numpy(), f"content/{CONTENT}/features": wanted.numpy()}
    inputs[f"content/{CONTENT}/weight"] = np.array(1, dtype=np.float32)
    for tap in STYLE:
        inputs[f"style/{tap}/gram"] = targets[tap].numpy()
        inputs[f"style/{tap}/weight"] = np.array(WEIGHTS[tap], dtype=np.float32)
    got, gradient = session.run(["loss", "gradient"], inputs)
    exact = picture.grad.numpy()
    loss_error = abs(float(got) - loss.item()) / abs(loss.item())
    gradient_error = np.linalg.norm(gradient - exact) / np.linalg.norm(exact)
    print(f"{width}x{height}: relative error of the loss {loss_error:.1e}, of the gradient {gradient_error:.1e}")
    worst_loss, worst_gradient = max(worst_loss, loss_error), max(worst_gradient, gradient_error)
assert worst_loss <= 1e-4 and worst_gradient <= 1e-3, "the gradient graph disagrees with autograd"
