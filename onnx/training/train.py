#!/usr/bin/env python3
"""Trains a small student that imitates VGG16 up to relu5_1, for style transfer.

The student learns to predict, through one linear head H per layer, what an optimiser sees of the teacher:
  activations   of every layer, at a part of the positions;
  Gram          matrices of the style taps;
  differences   of the Gram matrices of a transfer's picture, of a picture that the teacher likes better, and of the style,
                relative to what is left of them. They count most: they are what a transfer minimises, and in them errors that
                both pictures share do not count.
The pictures are those of style transfers with the student itself, which go on while it learns (transfers.py).

    python3 onnx/training/train.py --teacher vgg16.safetensors --photos BSDS500.tar --paintings FOLDER \\
        --start compact.safetensors --out runs/a --minutes 60

It can be ended and called again: it goes on from its last checkpoint in --out. It uses a CUDA card where there is one. Networks
compute in bfloat16 there, and on processors with AVX512-BF16 or AMX. Needs torch, numpy, Pillow and safetensors.
docs/training.md says what was made with it.
"""
import argparse
import collections
import copy
import math
import pathlib
import time

import numpy as np
import torch

from muon import Muon
from networks import BLOCK, CONTENT_TAP, STYLE_TAPS, WIDTHS, Student, export, load_teacher, start_from, widths_of
from pictures import Pictures, read
from objective import gram
from transfers import BETTER, PICTURES, RESULT, STYLE, Transfers, thin

HELD_OUT = 8
# How much each style tap counts in the losses of Gram matrices: by what is left of it in results.
TAP_SHARE = dict(zip(STYLE_TAPS, (0.2, 1.0, 3.0, 5.0, 0.2)))


def activation_loss(student, taps, batch):
    """The mean over the layers of the mean squared error in units of the layer's deviation."""
    losses = []
    for name in student.heads:
        wanted = batch[f"activations.{name}"].float() / student.deviation[name]
        losses.append((student.predict(name, thin(taps[name], BLOCK[name])).float() - wanted).pow(2).mean())
    return sum(losses) / len(losses)


def relative(error, wanted, floor=0.0):
    """Squared error by squared size, by picture; large ones count by their logarithm, so that none rules a batch."""
    return torch.log1p(error.pow(2).sum((1, 2)) / (wanted.pow(2).sum((1, 2)) + floor)).mean()


def style_losses(student, taps, batch, half):
    """How wrong the styles' Gram matrices are, and the differences of those of results, better pictures and styles."""
    of_gram = of_differences = 0
    for tap in STYLE_TAPS:
        h = student.head(tap)

        def differences(matrices):
            # They are taken before anything is rounded to bfloat16.
            of = matrices.chunk(PICTURES)
            return torch.cat([of[RESULT] - of[STYLE], of[BETTER] - of[STYLE], of[STYLE]])

        mine, wanted = differences(gram(taps[tap])), differences(batch[f"gram.{tap}"])
        with half:
            predicted = h.expand(len(mine), -1, -1) @ mine @ h.T.expand(len(mine), -1, -1)
        errors, wanted = (predicted.float() - wanted).chunk(PICTURES), wanted.chunk(PICTURES)
        floor = 5e-5 * wanted[STYLE].pow(2).sum((1, 2))
        pairs = [(errors[k], wanted[k]) for k in (RESULT, BETTER)]
        pairs.append(tuple(of[RESULT] - of[BETTER] for of in (errors, wanted)))
        of_differences = of_differences + TAP_SHARE[tap] * sum(relative(*pair, floor) for pair in pairs) / len(pairs)
        of_gram = of_gram + TAP_SHARE[tap] * relative(errors[STYLE], wanted[STYLE])
    return of_gram / len(STYLE_TAPS), of_differences / len(STYLE_TAPS)


def together(examples):
    """Examples as one batch: every tensor [PICTURES * n, ...], the results first, then the better ones, and so on."""
    parts = [example[part] for part in range(PICTURES) for example in examples]
    batch = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
    return batch | {"pictures": batch["pictures"].float() / 255}


def fit_heads(student, teacher, batch):
    """Heads by least squares, which is what they would be if the rest did not change."""
    with torch.no_grad():
        taps, target = student(batch), teacher(batch)
        for name in student.heads:
            flat = lambda f: thin(f, BLOCK[name]).permute(1, 0, 2, 3).flatten(1).double()
            x, y = flat(taps[name]), flat(target[name]) / student.deviation[name].double()
            square = x @ x.T
            square += 1e-4 * square.diagonal().mean() * torch.eye(len(square), device=square.device)
            head = torch.linalg.solve(square, x @ y.T).T
            student.heads[name].weight.copy_(head.float()[:, :, None, None])


def held_out_errors(student, test, wanted):
    """{layer: mean squared error in units of the teacher's deviation}, of pictures whose teacher's activations are `wanted`."""
    with torch.no_grad():
        taps = student(test)
        return {n: (student.predict(n, taps[n]) - wanted[n] / student.deviation[n]).pow(2).mean().item() for n in student.heads}


def bfloat16_is_fast(device):
    """Processors without AVX512-BF16 and AMX do bfloat16 many times slower than float32."""
    return device.type == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, help="safetensors with VGG16's conv1_1 to conv5_1")
    parser.add_argument("--photos", required=True, help="a folder or .tar of photographs")
    parser.add_argument("--paintings", required=True, help="a folder of painted pictures")
    parser.add_argument("--start", help="an earlier student's safetensors, of the same or narrower layers")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="compact")
    parser.add_argument("--widths", default=WIDTHS, help="channels of the convolutions, a / between blocks")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=4, help="transfers in a step, and as many examples from before")
    parser.add_argument("--size", type=int, default=128, help="of all pictures, in pixels")
    parser.add_argument("--pool", type=int, default=32, help="transfers that go on at the same time")
    parser.add_argument("--evaluations", type=int, default=8, help="that a transfer makes when it is its turn")
    parser.add_argument("--kept", type=int, default=1000, help="examples that are kept, 9 MB each at 128 pixels")
    parser.add_argument("--threads", type=int, help="of the processor, for training itself")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    args = parser.parse_args()

    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    random = np.random.default_rng(args.seed)
    device = torch.device(args.device)
    fast = bfloat16_is_fast(device)
    half = torch.autocast(args.device, torch.bfloat16, enabled=fast)
    layout = torch.channels_last if fast else torch.contiguous_format  # what is faster there

    pictures = read(args.photos)
    held_out, photos = Pictures(pictures[:HELD_OUT], device), Pictures(pictures[HELD_OUT:], device)
    paintings = Pictures(read(args.paintings), device)
    print(f"{photos.count} pieces of photographs, {paintings.count} of paintings, {args.device}", flush=True)

    teacher, teacher_widths = load_teacher(args.teacher)
    teacher = teacher.to(device, memory_format=layout)
    test = held_out.take(8, 224, np.random.default_rng(0))
    with torch.no_grad():
        first = torch.cat([photos.take(12, 192, random), paintings.take(12, 192, random)])
        deviation = {name: t.std() for name, t in teacher(first).items()}
        wanted = teacher(test)
    student = Student(widths_of(args.widths), teacher_widths, deviation)
    if args.start:
        start_from(student, args.start)
    student = student.to(device, memory_format=layout)
    fit_heads(student, teacher, first)
    # What is saved is the mean of the last few hundred steps' weights.
    average = copy.deepcopy(student).requires_grad_(False)
    matrices = [p for p in student.parameters() if p.dim() > 1]
    optimisers = [Muon(matrices, args.lr), torch.optim.Adam([p for p in student.parameters() if p.dim() == 1], args.lr, (0.9, 0.99))]
    step, spent = 0, 0.0
    checkpoint, file = out / "checkpoint.pt", out / f"{args.name}.safetensors"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=False)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        student.deviation = average.deviation = state["deviation"]
        for optimiser, memory in zip(optimisers, state["optimisers"]):
            optimiser.load_state_dict(memory)
        step, spent = state["step"], state["spent"]
        print(f"going on from step {step}, {spent / 60:.1f} min", flush=True)

    def save():
        where = torch.cuda.get_device_name() if device.type == "cuda" else "a processor"
        training = f"{step} steps in {spent / 60:.0f} min on {where}, seed {args.seed}"
        training += f", from {pathlib.Path(args.start).name}" if args.start else ""
        export(average, teacher_widths, file.with_suffix(".tmp"), args.name, training)
        file.with_suffix(".tmp").rename(file)
        state = {"student": student.state_dict(), "average": average.state_dict(), "deviation": student.deviation,
                 "optimisers": [o.state_dict() for o in optimisers], "step": step, "spent": spent}
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").rename(checkpoint)

    def evaluate():
        """The held-out error by layer."""
        errors = held_out_errors(average, test, wanted)
        return "  ".join(f"{tap[4:]} {errors[tap]:.4f}" for tap in (*STYLE_TAPS, CONTENT_TAP))

    print(f"held-out {evaluate()}", flush=True)
    save()
    transfers = Transfers(args, photos, paintings, teacher, student, random, half)
    kept, left = collections.deque(maxlen=args.kept), collections.deque(maxlen=200)
    sums, counted = torch.zeros(3, device=device), 0
    last = time.perf_counter()
    last_save = last_print = spent
    while spent < args.minutes * 60:
        fraction = spent / (args.minutes * 60)
        rate = args.lr * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * fraction)) + 1e-6
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate

        examples, measured = transfers.take(args.batch)
        kept.extend(examples)
        left.extend(measured)
        earlier = [kept[k] for k in random.integers(0, len(kept), args.batch)]
        for chosen in (examples, earlier):
            batch = together(chosen)
            with half:
                taps = student(batch["pictures"].contiguous(memory_format=layout))
            of_activations = activation_loss(student, taps, batch)
            of_gram, of_differences = style_losses(student, taps, batch, half)
            (0.5 * of_activations + 0.25 * of_gram + 2.0 * of_differences).backward()
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            with torch.no_grad():
                keep = min(0.998, (step + 1) / (step + 10))
                for mean, now in zip(average.parameters(), student.parameters()):
                    mean.lerp_(now, 1 - keep)
            step += 1
            if chosen is examples:
                sums += torch.stack([of_activations, of_gram, of_differences]).detach()
                counted += 1

        now = time.perf_counter()
        spent, last = spent + now - last, now
        if spent - last_print > 60 or step in (10, 100):
            parts = "  ".join(f"{n} {v:.4f}" for n, v in zip(("activations", "Gram", "differences"), (sums / counted).tolist()))
            print(f"step {step}  {spent / 60:.1f} min  lr {rate:.1e}  {parts}  held-out {evaluate()}", flush=True)
            if left:
                parts = np.exp(np.mean(np.log(np.array(left) + 1e-12), 0))
                print("  left of the teacher's loss: " + "  ".join(f"{v:.1e}" for v in parts) + f"  ({len(left)})", flush=True)
            sums.zero_()
            counted, last_print = 0, spent
        if spent - last_save > args.save_every:
            save()
            last_save = spent
    save()


if __name__ == "__main__":
    main()
