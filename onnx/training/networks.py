"""The teacher, the student that imitates it, and the file that the program reads.

Both are chains of 3x3 convolutions with ReLU and 2x2 max pooling, named as torchvision names VGG16. Pictures are
[N, 3, H, W], RGB, 0..1.
"""
import json

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


def layers(counts):
    """The convolutions of a VGG with that many in each block: (name, index in torchvision's features, block from 0). A max
    pooling stands before a new block."""
    out, index = [], 0
    for block, count in enumerate(counts):
        for place in range(count):
            out.append((f"relu{block + 1}_{place + 1}", index, block))
            index += 2
        index += 1
    return out


TEACHER_COUNTS = [2, 2, 3, 3, 1]  # VGG16 up to conv5_1
STYLE_TAPS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
CONTENT_TAP = "relu4_2"
BLOCK = {name: block for name, _, block in layers(TEACHER_COUNTS)}
MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1) / 255
STUDENT_SCALE = 255.0 / 64.0
# The student's channels. Taps are wide, as a tap with few channels cannot span the teacher's; what lies between them is narrow,
# as few channels are enough to compute the next tap (docs/training.md).
WIDTHS = "16,32/48,64/144,64/256,64/96"
PROVENANCE = (
    "Impasto's own network, trained to predict the activations of VGG16 (Simonyan and Zisserman 2014, Oxford VGG "
    "weights) on the Berkeley Segmentation Data Set and on pictures drawn by the scripts in assets"
)


def widths_of(text):
    """A list of channels for each block, from a text like WIDTHS."""
    return [[int(n) for n in block.split(",")] for block in text.split("/")]


class Vgg(torch.nn.Module):
    """Convolutions with the given channels, a list for each block; returns {tap: activations}."""

    def __init__(self, widths, scale):
        super().__init__()
        self.scale, self.layers = scale, layers([len(block) for block in widths])
        self.register_buffer("mean", MEAN.clone(), persistent=False)
        channels = [3, *(n for block in widths for n in block)]
        self.convs = torch.nn.ModuleList(torch.nn.Conv2d(i, o, 3, padding=1) for i, o in zip(channels, channels[1:]))

    def forward(self, x):
        x, taps, last = (x - self.mean) * self.scale, {}, 0
        for (name, _, block), conv in zip(self.layers, self.convs):
            if block != last:
                x, last = F.max_pool2d(x, 2), block
            x = F.relu(conv(x))
            taps[name] = x
        return taps


class Student(torch.nn.Module):
    """A narrow Vgg with a linear head H per layer, which maps its activations to the teacher's."""

    def __init__(self, widths, teacher_widths, deviation):
        super().__init__()
        self.deviation = deviation
        self.body = Vgg(widths, STUDENT_SCALE)
        self.heads = torch.nn.ModuleDict(
            {name: torch.nn.Conv2d(conv.out_channels, teacher_widths[block], 1, bias=False)
             for (name, _, block), conv in zip(self.body.layers, self.body.convs)}
        )
        for conv in self.body.convs:
            torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            torch.nn.init.zeros_(conv.bias)

    def forward(self, x):
        return self.body(x)

    def predict(self, name, activations):
        """The teacher's activations behind a layer, in units of its deviation, from the student's [n, C, h, w]."""
        weight = self.heads[name].weight[:, :, 0, 0].to(activations.dtype)
        return (weight @ activations.flatten(2)).unflatten(2, activations.shape[2:])

    def head(self, name):
        """H of a layer, [teacher channels, student channels]. Its parameters are in units of the teacher's standard
        deviation there, so that one learning rate suits all layers."""
        return self.heads[name].weight[:, :, 0, 0] * self.deviation[name]

    def tap_matrices(self):
        """{tap: S}, the symmetric square roots of H^T H. For every difference D of two Gram matrices
        ||S D S||_F = ||H D H^T||_F: distances are the teacher's, with the student's channels."""
        out = {}
        for name in self.heads:
            h = self.head(name).detach().double().cpu()
            value, vector = torch.linalg.eigh(h.T @ h)
            out[name] = ((vector * value.clamp(min=0).sqrt()) @ vector.T).float()
        return out


def counts_of(weights):
    """The number of convolutions in each block, by the names of a file's tensors."""
    indices, counts, last = sorted(int(n.split(".")[1]) for n in weights if n.endswith(".weight")), [0], 0
    for index in indices:
        if index - last > 2:
            counts.append(0)
        counts[-1], last = counts[-1] + 1, index
    return counts


def vgg_of(weights, counts, scale):
    """A frozen Vgg with these convolutions in each block, from tensors with torchvision's names."""
    widths = [[] for _ in counts]
    for _, index, block in layers(counts):
        widths[block].append(weights[f"features.{index}.weight"].shape[0])
    vgg = Vgg(widths, scale)
    with torch.no_grad():
        for (_, index, _), conv in zip(vgg.layers, vgg.convs):
            conv.weight.copy_(weights[f"features.{index}.weight"])
            conv.bias.copy_(weights[f"features.{index}.bias"])
    return vgg.requires_grad_(False)


def load_teacher(path):
    """VGG16 up to conv5_1 from its file, frozen; and its channels per block, which are the same in all of a block."""
    teacher = vgg_of(load_file(path), TEACHER_COUNTS, 255.0)
    return teacher, [conv.out_channels for (name, _, _), conv in zip(teacher.layers, teacher.convs) if name in STYLE_TAPS]


def load_student(path):
    """The convolutions of a student from its file, frozen."""
    weights = load_file(path)
    return vgg_of(weights, counts_of(weights), STUDENT_SCALE)


def start_from(student, path):
    """Takes over the convolutions of an earlier student that are not wider than this one's: what is added has random filters,
    which nothing reads yet."""
    earlier = load_student(path)
    convs = {name: conv for (name, _, _), conv in zip(student.body.layers, student.body.convs)}
    with torch.no_grad():
        for (name, _, _), begun in zip(earlier.layers, earlier.convs):
            conv, out, into = convs.get(name), begun.out_channels, begun.in_channels
            if conv and out <= conv.out_channels and into <= conv.in_channels:
                conv.weight[:out] = 0
                conv.weight[:out, :into], conv.bias[:out] = begun.weight, begun.bias


def export(student, teacher_widths, path, name, training):
    """Writes the student as float16 safetensors, with the tap heads S and a manifest (onnx/src/manifest.rs)."""
    half = lambda t: t.detach().cpu().half().contiguous()
    tensors, matrices = {}, student.tap_matrices()
    for (tap, index, _), conv in zip(student.body.layers, student.body.convs):
        tensors[f"features.{index}.weight"] = half(conv.weight)
        tensors[f"features.{index}.bias"] = half(conv.bias)
        tensors[f"features.{index}.tap"] = half(matrices[tap])
    manifest = {
        "name": name,
        "mean": [float(v) for v in MEAN.flatten()],
        "std": [1.0, 1.0, 1.0],
        "scale": STUDENT_SCALE,
        "reference_channels": teacher_widths,
        "provenance": PROVENANCE,
        "licence": "CC-BY-4.0",
        "training": training,
    }
    save_file(tensors, path, metadata={"impasto": json.dumps(manifest)})
