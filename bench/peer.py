"""PyTorch as the peer of an exported objective, and the export."""
import json
import os
import subprocess
from pathlib import Path

import onnx
import torch


def export(model, folder, size, style_taps=None, content_taps=None):
    """Writes a model's graphs for pictures of WIDTHxHEIGHT; the folder."""
    taps = ["--style-taps", style_taps] if style_taps else []
    taps += ["--content-taps", content_taps] if content_taps else []
    command = [os.environ["IMPASTO"], "model", "export", model, "-o", folder, "--picture-size", size, *taps]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Path(folder)


class Torch:
    """The exported objective written for PyTorch as its users would at their best: weights frozen, channels-last, and
    compiled if that is asked for."""

    def __init__(self, folder, device="cpu", compiled=False):
        self.device = device
        model = onnx.load(str(folder / "objective.onnx"))
        metadata = {p.key: p.value for p in model.metadata_props}
        self.manifest, self.terms = json.loads(metadata["impasto"]), metadata["terms"].split(",")
        to = lambda a: torch.tensor(a.copy(), device=device)
        self.values_of = torch.compile(self.values) if compiled else self.values
        self.tensors = {t.name: to(onnx.numpy_helper.to_array(t)) for t in model.graph.initializer}
        for name, tensor in self.tensors.items():
            if tensor.dim() == 4:
                self.tensors[name] = tensor.contiguous(memory_format=torch.channels_last)

    def taps(self, picture):
        F = torch.nn.functional
        mean, std = (torch.tensor(self.manifest[k], device=self.device).view(1, 3, 1, 1) for k in ("mean", "std"))
        x, taps = (picture - mean) / std * self.manifest["scale"], {}
        for block, count in enumerate((2, 2, 4, 4, 4), 1):
            # VGG16 has three convolutions where VGG19 has four, and a model may end early.
            for place in range(1, count + 1):
                name = f"conv{block}_{place}"
                if name + ".weight" not in self.tensors:
                    break
                if place == 1 and block > 1:
                    x = F.max_pool2d(x, 2)
                x = F.relu(F.conv2d(x, self.tensors[name + ".weight"], self.tensors[name + ".bias"], padding=1))
                taps[f"relu{block}_{place}"] = x
        return taps

    def values(self, picture):
        taps, out = self.taps(picture), {}
        for term in self.terms:
            kind, tap = term.split("/")
            f = taps[tap].flatten(2)[0]
            head = self.tensors.get(f"head/{tap}.weight")
            headed = taps[tap] if head is None else torch.nn.functional.conv2d(taps[tap], head)
            out[term] = f @ f.T / f.shape[1] if kind == "style" else headed
        return out

    def difference(self, term, value):
        """A value less its target, in the metric of the model that is imitated."""
        d = value - self.targets[term]
        head = self.tensors.get(f"head/{term.removeprefix('style/')}.matrix")
        return d if head is None else head @ d @ head

    def prepare(self, target, picture):
        layout = dict(memory_format=torch.channels_last)
        with torch.no_grad():
            self.targets = self.values(torch.tensor(target, device=self.device).contiguous(**layout))
        self.picture = torch.tensor(picture, device=self.device).contiguous(**layout).requires_grad_()

    def evaluate(self):
        self.picture.grad = None
        values = self.values_of(self.picture)
        loss = sum((self.difference(t, values[t]) ** 2).mean() for t in self.terms)
        loss.backward()
        return loss.item(), self.picture.grad

    def operations(self, height, width):
        """Floating point operations of convolutions and Gram matrices in an evaluation: forwards, and the gradient with
        respect to activations, which takes as many."""
        count = 0
        for name, tensor in self.tensors.items():
            if name.startswith("conv") and name.endswith(".weight"):
                halvings = int(name[4]) - 1
                count += tensor.numel() * (height >> halvings) * (width >> halvings)
        for term in self.terms:
            kind, tap = term.split("/")
            if kind == "style":
                halvings = int(tap[4]) - 1
                channels = self.targets[term].shape[0]
                count += channels**2 * (height >> halvings) * (width >> halvings)
        return 2 * 2 * count
