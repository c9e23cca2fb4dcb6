#!/usr/bin/env python3
"""Shows which layers of a student need channels: style transfers with the teacher in which one thing is narrowed.

    python3 onnx/training/channels.py --teacher vgg16.safetensors --photos BSDS500.tar --content CONTENT --style STYLE \\
        --student compact.safetensors relu1_2:16 relu1_2:32 relu3_1/176 relu1_2 relu2_1

Each narrowing is one of
  TAP:N   what the next convolution reads of a layer's activations is projected to the N directions that it reads most of;
  TAP/N   the layer's Gram matrix is seen in its N main directions only;
  TAP     the student's layers up to this one, with linear heads to the teacher's channels, and the teacher's behind it.
Printed is the teacher's objective of the 8-bit picture, in all and by tap, as train.py's model is judged.
"""
import argparse

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import lbfgs
from networks import CONTENT_TAP, STYLE_TAPS, load_student, load_teacher
from objective import gram, latents, picture, rounded, teachers_style_losses
from pictures import Pictures, read
from train import HELD_OUT


def flat(f):
    """Activations [n, C, h, w] as [C, positions], a third of them."""
    return f.permute(1, 0, 2, 3).flatten(1)[:, ::3].double()


def map_channels(matrix, f):
    return torch.einsum("oi,niyx->noyx", matrix, f)


class Narrowed:
    """The teacher with one thing narrowed; called with pictures it returns {tap: activations}, as a network does."""

    def __init__(self, teacher, student, pictures, what):
        self.teacher, self.student, self.what = teacher, student, what
        self.names = [name for name, _, _ in teacher.layers]
        self.tap = what.split(":")[0].split("/")[0]
        f = teacher(pictures)[self.tap]
        if ":" in what:
            self.mean = f.mean((0, 2, 3), keepdim=True)
            weight = teacher.convs[self.names.index(self.tap) + 1].weight.double()
            # Distances in the root of this matrix are what the convolution makes of them.
            value, vector = torch.linalg.eigh(torch.einsum("oiyx,ojyx->ij", weight, weight))
            root = value.clamp(min=1e-9).sqrt()
            to, back = (vector * root) @ vector.T, (vector / root) @ vector.T
            centred = flat(f - self.mean)
            kept = torch.linalg.eigh(to @ (centred @ centred.T) @ to)[1][:, -int(what.split(":")[1]) :]
            self.projection = (back @ kept @ kept.T @ to).float()
        elif "/" in what:
            kept = torch.linalg.eigh(flat(f) @ flat(f).T)[1][:, -int(what.split("/")[1]) :]
            self.projection = (kept @ kept.T).float()
        else:
            x = student(pictures)
            self.heads = {n: least_squares(x[n], t) for n, t in teacher(pictures).items() if n in x}

    def behind(self, activations, taps):
        """Adds the teacher's layers from the narrowed one's activations on to taps."""
        start = self.names.index(self.tap)
        x, last = activations, self.teacher.layers[start][2]
        for (name, _, block), conv in list(zip(self.teacher.layers, self.teacher.convs))[start + 1 :]:
            if block != last:
                x, last = F.max_pool2d(x, 2), block
            x = F.relu(conv(x))
            taps[name] = x
        return taps

    def __call__(self, pictures):
        before = self.names[: self.names.index(self.tap) + 1]
        if ":" in self.what:
            taps = self.teacher(pictures)
            code = map_channels(self.projection, taps[self.tap] - self.mean) + self.mean
            return self.behind(code, {name: taps[name] for name in before})
        if "/" in self.what:
            taps = self.teacher(pictures)
            return taps | {self.tap: map_channels(self.projection, taps[self.tap])}
        own = self.student(pictures)
        taps = {name: map_channels(self.heads[name][:, :-1], own[name]) + self.heads[name][:, -1:, None] for name in before}
        return self.behind(F.relu(taps[self.tap]), taps)


def least_squares(x, wanted):
    """The map [O, C + 1], with a constant behind, from activations to wanted ones."""
    x = torch.cat([flat(x), torch.ones(1, flat(x).shape[1])])
    square = x @ x.T
    square += 1e-6 * square.diagonal().mean() * torch.eye(len(square))
    return torch.linalg.solve(square, x @ flat(wanted).T).T.float()


def transfer(network, content, style, evaluations):
    """The picture of a style transfer, as it would be saved."""
    with torch.no_grad():
        of_style, wanted = network(style), network(content)[CONTENT_TAP]
    grams, shape = {tap: gram(of_style[tap]) for tap in STYLE_TAPS}, tuple(content.shape[1:])

    def evaluate(z):
        z = z.detach().requires_grad_()
        taps = network(picture(z, shape))
        loss = sum(teachers_style_losses(taps, grams).values()) + (taps[CONTENT_TAP] - wanted).pow(2).mean((1, 2, 3))
        return loss.detach(), torch.autograd.grad(loss.sum(), z)[0]

    memory = lbfgs.Memory(1, shape, content.device)
    return rounded(picture(lbfgs.minimise(evaluate, latents(content), memory, torch.tensor([0]), evaluations), shape))


def load(path, size):
    """A picture of at most this size, whose sides 32 divides."""
    image = Image.open(path).convert("RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    height, width = (side // 32 * 32 for side in (image.height, image.width))
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None, :, :height, :width].contiguous().float() / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, help="safetensors with VGG16's conv1_1 to conv5_1")
    parser.add_argument("--student", required=True, help="a model that train.py wrote")
    parser.add_argument("--photos", required=True, help="a folder or .tar of photographs")
    parser.add_argument("--content", required=True)
    parser.add_argument("--style", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("narrowed", nargs="+")
    args = parser.parse_args()

    teacher, _ = load_teacher(args.teacher)
    student = load_student(args.student)
    photos = Pictures(read(args.photos)[HELD_OUT:], torch.device("cpu")).take(14, 192, np.random.default_rng(5))
    content, style = load(args.content, args.size), load(args.style, args.size)
    with torch.no_grad():
        of_style, of_content = teacher(style), teacher(content)[CONTENT_TAP]
        grams = {tap: gram(of_style[tap]) for tap in STYLE_TAPS}
    print("| narrowed | objective | " + " | ".join((*STYLE_TAPS, CONTENT_TAP)) + " |")
    print("|---" * (len(STYLE_TAPS) + 3) + "|")
    for what in ("nothing", *args.narrowed):
        with torch.no_grad():
            network = teacher if what == "nothing" else Narrowed(teacher, student, photos, what)
        result = transfer(network, content, style, args.evaluations)
        with torch.no_grad():
            taps = teacher(result)
            terms = [loss.item() for loss in teachers_style_losses(taps, grams).values()]
            terms.append((taps[CONTENT_TAP] - of_content).pow(2).mean().item())
        print(f"| {what} | {sum(terms):.2e} | " + " | ".join(f"{term:.1e}" for term in terms) + " |", flush=True)


if __name__ == "__main__":
    main()
