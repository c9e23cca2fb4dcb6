#!/usr/bin/env python3
"""Writes a start for train.py: a student whose channels stand for some of a wider network's.

First each layer in turn: it takes those of the wider network's channels behind the layer of the same name from which the others follow
best by a linear map, and its convolution is fitted to them by least squares, from what the layers before it give. The wider network is
the first of the earlier students in which the layer has at least as many channels, or else the teacher. The first layers stay as they
are in the first student, as far as they have the same channels. Then all layers together learn the teacher's activations on
photographs and paintings for some minutes, which is several times faster than train.py's steps.

    python3 onnx/training/begin.py --teacher vgg16.safetensors --photos BSDS500.tar --paintings FOLDER \\
        --earlier compact.safetensors --out start.safetensors --minutes 15
"""
import argparse
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F

from muon import Muon
from networks import BLOCK, STYLE_TAPS, WIDTHS, Student, export, load_student, load_teacher, widths_of
from objective import gram
from pictures import Pictures, read
from train import HELD_OUT, activation_loss, bfloat16_is_fast, fit_heads, held_out_errors, relative
from transfers import thin

ROUNDS = 3  # of a fit through ReLU


def chosen(activations, count):
    """The channels [count] of [C, positions] from which the rest follow best: Cholesky's decomposition of the second moments,
    which takes the channel of which most is left next."""
    left = (activations @ activations.T / activations.shape[1]).double()
    out = []
    for _ in range(count):
        # What a channel would explain of all that is left.
        gain = left.pow(2).sum(0) / left.diagonal().clamp(min=1e-9)
        gain[left.diagonal() < 1e-6] = 0
        gain[out] = -1
        k = int(gain.argmax())
        out.append(k)
        column = left[:, k]
        left = left - column[:, None] @ column[None] / column[k].clamp(min=1e-9)
    return out


def fit(conv, inputs, wanted):
    """Least squares for a convolution, so that its outputs behind ReLU are those of `wanted` [n, C, h, w], given before ReLU: where
    both are negative nothing is wrong."""
    rows = []
    for part in inputs.split(8):
        rows.append(F.unfold(part, 3, padding=1).permute(1, 0, 2).flatten(1))
    x = torch.cat(rows, 1)
    x = torch.cat([x, torch.ones_like(x[:1])])
    y = wanted.permute(1, 0, 2, 3).flatten(1)
    square = (x @ x.T).double()
    square += 1e-5 * square.diagonal().mean() * torch.eye(len(square))
    factor = torch.linalg.cholesky(square)
    aim = y
    for _ in range(ROUNDS):
        solution = torch.cholesky_solve((x @ aim.T).double(), factor).float()
        got = solution.T @ x
        aim = torch.where(y > 0, y, torch.minimum(got, torch.zeros_like(got)))
    conv.weight.copy_(solution[:-1].T.reshape(conv.weight.shape))
    conv.bias.copy_(solution[-1])


def taps_and_before(network, pictures):
    """{layer: activations} and {layer: the same before ReLU}."""
    before = {}
    hooks = [conv.register_forward_hook(lambda _, __, out, name=name: before.update({name: out}))
             for (name, _, _), conv in zip(network.layers, network.convs)]
    taps = network(pictures)
    for hook in hooks:
        hook.remove()
    return taps, before


def build(student, earlier, teacher, pictures):
    """One layer after the other: the first ones are the first earlier student's, and the others are fitted."""
    theirs = {name: conv for (name, _, _), conv in zip(earlier[0].layers, earlier[0].convs)}
    given = [taps_and_before(network, pictures) for network in (*earlier, teacher)]
    x, last, same = (pictures - student.body.mean) * student.body.scale, 0, True
    for (name, _, block), conv in zip(student.body.layers, student.body.convs):
        if block != last:
            x, last = F.max_pool2d(x, 2), block
        of = next(k for k, (taps, _) in enumerate(given) if name in taps and taps[name].shape[1] >= conv.out_channels)
        taps, before = (of_layer[name] for of_layer in given[of])
        same = same and of == 0 and taps.shape[1] == conv.out_channels
        if same:
            conv.load_state_dict(theirs[name].state_dict())
        else:
            flat = taps.permute(1, 0, 2, 3).flatten(1)
            channels = chosen(flat[:, :: max(1, flat.shape[1] // 20000)], conv.out_channels)
            # The largest of all maps would fill the memory; a quarter of the pictures is enough there.
            part = slice(None) if x.shape[2] < 90 else slice(None, None, 4)
            # The teacher's activations are large.
            size = 1.0 if of < len(earlier) else taps.std()
            fit(conv, x[part], before[part, channels] / size)
        x = F.relu(conv(x))
        origin = f"earlier student {of + 1}" if of < len(earlier) else "the teacher"
        print(f"{name}: {conv.out_channels} channels of {origin}{', unchanged' * same}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, help="safetensors with VGG16's conv1_1 to conv5_1")
    parser.add_argument("--photos", required=True, help="a folder or .tar of photographs")
    parser.add_argument("--paintings", required=True, help="a folder of painted pictures")
    parser.add_argument("--earlier", required=True, nargs="+", help="earlier students' safetensors")
    parser.add_argument("--out", required=True)
    parser.add_argument("--widths", default=WIDTHS, help="channels of the convolutions, a / between blocks")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--kept", type=int, default=1500, help="crops that are kept with the teacher's activations, 4 MB each")
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()

    torch.manual_seed(1)
    random = np.random.default_rng(1)
    cpu = torch.device("cpu")
    pictures = read(args.photos)
    photos, paintings = Pictures(pictures[HELD_OUT:], cpu), Pictures(read(args.paintings), cpu)
    test = Pictures(pictures[:HELD_OUT], cpu).take(8, 224, np.random.default_rng(0))
    teacher, teacher_widths = load_teacher(args.teacher)
    crops = lambda n, size: torch.cat([photos.take(n * 2 // 3, size, random), paintings.take(n - n * 2 // 3, size, random)])
    first = crops(48, 192)
    with torch.no_grad():
        deviation = {name: t.std() for name, t in teacher(first[::4]).items()}
        wanted = teacher(test)
        student = Student(widths_of(args.widths), teacher_widths, deviation)
        build(student, [load_student(file) for file in args.earlier], teacher, first)
        fit_heads(student, teacher, first[::3])
    layout = torch.channels_last
    teacher, student = teacher.to(memory_format=layout), student.to(memory_format=layout)
    half = torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_is_fast(cpu))

    def report(step):
        errors = held_out_errors(student, test, wanted)
        print(f"step {step}  {spent / 60:.1f} min  held-out " + "  ".join(f"{n[4:]} {e:.4f}" for n, e in errors.items()), flush=True)

    def example():
        batch = crops(12, 128)
        with torch.no_grad(), half:
            taps = teacher(batch.contiguous(memory_format=layout))
        said = {f"activations.{n}": thin(t, BLOCK[n]).half() for n, t in taps.items() if n in student.heads}
        return {"pictures": batch, **said, **{f"gram.{t}": gram(taps[t]) for t in STYLE_TAPS}}

    matrices = [p for p in student.parameters() if p.dim() > 1]
    optimisers = [Muon(matrices, args.lr), torch.optim.Adam([p for p in student.parameters() if p.dim() == 1], args.lr, (0.9, 0.99))]
    kept, step, spent, last, printed = [], 0, 0.0, time.perf_counter(), -60.0
    while spent < args.minutes * 60:
        rate = args.lr * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * spent / (args.minutes * 60))) + 1e-6
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate
        # A new example for every fourth step.
        if step % 4 == 0:
            kept.append(example())
            kept = kept[-args.kept // 12 :]
        batch = kept[-1] if step % 4 == 0 else kept[random.integers(len(kept))]
        with half:
            taps = student(batch["pictures"].contiguous(memory_format=layout))
        loss = activation_loss(student, taps, batch)
        for tap in STYLE_TAPS:
            h, wanted_gram = student.head(tap), batch[f"gram.{tap}"]
            loss = loss + 0.1 * relative(h @ gram(taps[tap]) @ h.T - wanted_gram, wanted_gram)
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step += 1
        now = time.perf_counter()
        spent, last = spent + now - last, now
        if spent - printed >= 60 or step == 1:
            report(step)
            printed = spent
            export(student, teacher_widths, pathlib.Path(args.out), "start", f"{step} steps of imitation")
    report(step)
    export(student, teacher_widths, pathlib.Path(args.out), "start", f"{step} steps of imitation")


if __name__ == "__main__":
    main()
