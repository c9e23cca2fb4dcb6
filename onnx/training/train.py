#!/usr/bin/env python3
"""Trains a small student that imitates VGG16 up to relu5_1, for style transfer.

The student learns to predict, through one linear head H per layer, what an optimiser sees of the teacher:
  activations   of every layer, at a part of the positions;
  Gram          matrices of the style taps;
  differences   of the Gram matrices of a transfer's result and of its style, relative to what is left of them. They count
                most: they are what a transfer minimises, and in them errors that result and style share do not count.
Results are made with the student itself while it is trained (transfers.py).

    python3 onnx/training/train.py --teacher vgg16.safetensors --photos FOLDER --paintings FOLDER \\
        --program target/release/impasto --start compact.safetensors --out runs/a --minutes 60

It can be ended and called again: it goes on from its last checkpoint in --out. It uses a CUDA card where there is one, which
is kept busy with --pairs 24 --fresh 8 --size 192 and as many --workers as there are cores (a step with few pictures spends its
time on launching kernels: on an H100 24 crops of 256 pixels took 54 ms, most of it the processor's). Networks compute in
bfloat16, which processors with AMX do several times as fast as float32. Needs torch, numpy, Pillow and safetensors.
docs/model-card.md says what was made with it.
"""
import argparse
import math
import pathlib
import time

import numpy as np
import torch

from networks import CONTENT_TAP, STYLE_TAPS, Student, export, load_teacher, start_from
from pictures import Pictures, read
from transfers import Transfers

HELD_OUT = 8
# How much each style tap counts in the losses of Gram matrices: by what is left of it in results.
TAP_SHARE = dict(zip(STYLE_TAPS, (0.4, 1.0, 1.6, 1.4, 0.6)))


def gram(f):
    """Gram matrices [n, C, C] of activations [n, C, h, w], over their positions."""
    n, c, h, w = f.shape
    f = f.reshape(n, c, h * w).float()
    return f @ f.transpose(1, 2) / (h * w)


def thin(f, block, phase):
    """Every eighth position of block 1 in both directions, every fourth of block 2, every second of block 3."""
    step = (8, 4, 2, 1, 1)[block]
    return f[:, :, phase[0] % step :: step, phase[1] % step :: step]


def activation_loss(student, taps, target, phase):
    """The mean over the layers of the mean squared error in units of the layer's deviation."""
    losses = []
    for name, _, block in student.body.layers:
        wanted = thin(target[name], block, phase).float() / student.deviation[name]
        losses.append((student.heads[name](thin(taps[name], block, phase)) - wanted).pow(2).mean())
    return sum(losses) / len(losses)


def relative(error, wanted, floor=0.0):
    """Squared error by squared size, by picture; large ones count by their logarithm, so that none rules a batch."""
    return torch.log1p(error.pow(2).sum((1, 2)) / (wanted.pow(2).sum((1, 2)) + floor)).mean()


def style_losses(student, taps, target, n):
    """How wrong Gram matrices are, and their differences between the first n pictures and the n after them."""
    of_gram = of_differences = 0
    for tap in STYLE_TAPS:
        h = student.head(tap)
        got, wanted = h @ gram(taps[tap]) @ h.T, gram(target[tap])
        of_gram = of_gram + TAP_SHARE[tap] * relative(got - wanted, wanted)
        d = wanted[:n] - wanted[n : 2 * n]
        floor = 1e-4 * wanted[n : 2 * n].pow(2).sum((1, 2))
        of_differences = of_differences + TAP_SHARE[tap] * relative(got[:n] - got[n : 2 * n] - d, d, floor)
    return of_gram / len(STYLE_TAPS), of_differences / len(STYLE_TAPS)


def fit_heads(student, teacher, batch):
    """Heads by least squares, which is what they would be if the rest did not change."""
    with torch.no_grad():
        taps, target = student.body(batch), teacher(batch)
        for name, _, block in student.body.layers:
            flat = lambda f: thin(f, block, (0, 0)).permute(1, 0, 2, 3).flatten(1).double()
            x, y = flat(taps[name]), flat(target[name]) / student.deviation[name].double()
            square = x @ x.T
            square += 1e-4 * square.diagonal().mean() * torch.eye(len(square), device=square.device)
            head = torch.linalg.solve(square, x @ y.T).T
            student.heads[name].weight.copy_(head.float()[:, :, None, None])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, help="safetensors with VGG16's conv1_1 to conv5_1")
    parser.add_argument("--photos", required=True, help="a folder or .tar of photographs")
    parser.add_argument("--paintings", required=True, help="a folder of painted pictures")
    parser.add_argument("--program", required=True, help="the command `impasto`")
    parser.add_argument("--start", help="an earlier student's safetensors, of the same or narrower layers")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="compact")
    parser.add_argument("--widths", default="16,64,128,192,192", help="channels of the five blocks")
    parser.add_argument("--counts", default="2,2,2,2,1", help="convolutions in each")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--pairs", type=int, default=3, help="results and their styles in a step")
    parser.add_argument("--fresh", type=int, default=1, help="other crops in a step")
    parser.add_argument("--size", type=int, default=128, help="of all crops, in pixels")
    parser.add_argument("--workers", type=int, default=1, help="results that are made at a time, each on one core")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    args = parser.parse_args()

    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    random = np.random.default_rng(args.seed)
    device, layout = torch.device(args.device), torch.channels_last
    half = torch.autocast(args.device, torch.bfloat16)

    teacher, teacher_widths = load_teacher(args.teacher)
    teacher = teacher.to(device, memory_format=layout)
    pictures = read(args.photos)
    held_out, photos = Pictures(pictures[:HELD_OUT], device), Pictures(pictures[HELD_OUT:], device)
    paintings = Pictures(read(args.paintings), device)
    print(f"{photos.count} pieces of photographs, {paintings.count} of paintings, {args.device}", flush=True)

    test = held_out.take(8, 224, np.random.default_rng(0))
    with torch.no_grad():
        first = torch.cat([photos.take(12, 192, random), paintings.take(8, 192, random)])
        deviation = {name: t.std() for name, t in teacher(first).items()}
        wanted = teacher(test)
    widths, counts = ([int(c) for c in text.split(",")] for text in (args.widths, args.counts))
    student = Student(widths, counts, teacher_widths, deviation)
    if args.start:
        start_from(student, args.start)
    student = student.to(device, memory_format=layout)
    fit_heads(student, teacher, first)
    fast = teacher.to(torch.bfloat16)
    optimiser = torch.optim.Adam(student.parameters(), lr=args.lr, betas=(0.9, 0.99))
    step, spent = 0, 0.0
    model, memory, file = out / "model.pt", out / "optimiser.pt", out / f"{args.name}.safetensors"
    transfers = Transfers(args.program, file, photos, paintings, args.size, 800, args.seed)
    if model.exists():
        state = torch.load(model, map_location=device, weights_only=False)
        student.load_state_dict(state["model"])
        student.deviation, transfers.pairs = state["deviation"], state["pairs"]
        step, spent = state["step"], state["spent"]
        if memory.exists():
            optimiser.load_state_dict(torch.load(memory, map_location=device, weights_only=False))
        print(f"going on from step {step}, {spent / 60:.1f} min", flush=True)

    def save():
        where = torch.cuda.get_device_name() if device.type == "cuda" else "two cores"
        training = f"{step} steps in {spent / 60:.0f} min on {where}, seed {args.seed}"
        training += f", from {pathlib.Path(args.start).name}" if args.start else ""
        export(student, teacher_widths, file.with_suffix(".tmp"), args.name, training)
        file.with_suffix(".tmp").rename(file)
        for path, state in ((memory, optimiser.state_dict()), (model, {"model": student.state_dict(), "step": step,
                            "spent": spent, "deviation": student.deviation, "pairs": transfers.pairs})):
            torch.save(state, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").rename(path)

    def evaluate():
        """The held-out error by layer."""
        with torch.no_grad():
            taps = student.body(test)
            errors = {n: (student.heads[n](taps[n]) - wanted[n] / student.deviation[n]).pow(2).mean().item() for n, _, _ in student.body.layers}
        return "  ".join(f"{tap[4:]} {errors[tap]:.4f}" for tap in (*STYLE_TAPS, CONTENT_TAP))

    print(f"held-out {evaluate()}", flush=True)
    save()
    transfers.start(args.workers)
    sums, counted = torch.zeros(3, device=device), 0
    last = time.perf_counter()
    last_save = last_print = spent
    while spent < args.minutes * 60:
        fraction = min(1.0, spent / (args.minutes * 60))
        rate = args.lr * min(1.0, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * fraction)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate

        result, style = transfers.take(args.pairs, device, random)
        fresh = (photos if random.random() < 0.6 else paintings).take(args.fresh, args.size, random)
        batch = torch.cat([result, style, fresh]).contiguous(memory_format=layout)
        with torch.no_grad():
            target = fast(batch.bfloat16())
        with half:
            taps = student.body(batch)
        taps = {tap: f.float() for tap, f in taps.items()}
        of_activations = activation_loss(student, taps, target, random.integers(0, 8, 2))
        of_gram, of_differences = style_losses(student, taps, target, args.pairs)
        (0.5 * of_activations + 0.25 * of_gram + 2.0 * of_differences).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

        sums += torch.stack([of_activations, of_gram, of_differences]).detach()
        step, counted = step + 1, counted + 1
        now = time.perf_counter()
        spent, last = spent + now - last, now
        if spent - last_print > 60 or step in (10, 100):
            parts = "  ".join(f"{n} {v:.4f}" for n, v in zip(("activations", "Gram", "differences"), (sums / counted).tolist()))
            print(f"step {step}  {spent / 60:.1f} min  lr {rate:.1e}  {parts}  held-out {evaluate()}  {len(transfers.pairs)} results", flush=True)
            sums.zero_()
            counted, last_print = 0, spent
        if spent - last_save > args.save_every:
            save()
            last_save = spent
    save()


if __name__ == "__main__":
    main()
