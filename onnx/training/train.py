#!/usr/bin/env python3
"""Trains compact students that imitate the early layers of VGG19.

A student is a narrower VGG19 with the same layer names and the same max pooling. It is trained to
predict the teacher's post-ReLU activations through one 1x1 linear head H per layer. For style transfer
a tap's features f are replaced by S f with S = (H^T H)^(1/2): then ||S D S||_F = ||H D H^T||_F for every
difference D of two Gram matrices, so that distances are measured in the teacher's metric. S is what the
exported file keeps as `features.N.tap`.

    python3 onnx/training/train.py --teacher vgg19.safetensors --photos FOLDER --out runs/a \
        --widths 8,16,32 16,32,64 16,48,96 --minutes 60

One forward pass of the teacher trains all widths. Training stops after --minutes of its own time or
--steps, whichever is first, writes a checkpoint every few minutes, and goes on from it when it is called again with the
same --out. Needs torch, numpy, Pillow and safetensors. docs/model-card.md says what was made with it.
"""
import argparse
import io
import json
import math
import pathlib
import sys
import tarfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "assets" / "sample"))
import paint  # noqa: E402

# name, index in torchvision's vgg19().features, block (0-based); a max pooling stands before a new block.
LAYERS = [
    ("relu1_1", 0, 0), ("relu1_2", 2, 0),
    ("relu2_1", 5, 1), ("relu2_2", 7, 1),
    ("relu3_1", 10, 2), ("relu3_2", 12, 2), ("relu3_3", 14, 2), ("relu3_4", 16, 2),
]
STYLE_TAPS = ["relu1_1", "relu2_1", "relu3_1"]
MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1) / 255
STUDENT_SCALE = 255.0 / 64.0
PROVENANCE = (
    "Impasto's own network, trained to predict the activations of VGG19 (Simonyan and Zisserman 2014, Oxford VGG "
    "weights) on the Berkeley Segmentation Data Set and on paintings drawn by assets/sample/paint.py"
)


class Vgg(torch.nn.Module):
    """The convolutions of LAYERS with the given block widths; forward returns {tap: activations}."""

    def __init__(self, widths, scale):
        super().__init__()
        self.scale = scale
        channels, convs = 3, []
        for _, _, block in LAYERS:
            convs.append(torch.nn.Conv2d(channels, widths[block], 3, padding=1))
            channels = widths[block]
        self.convs = torch.nn.ModuleList(convs)

    def forward(self, x):
        x, taps, last = (x - MEAN) * self.scale, {}, 0
        for (name, _, block), conv in zip(LAYERS, self.convs):
            if block != last:
                x, last = F.max_pool2d(x, 2), block
            x = F.relu(conv(x))
            taps[name] = x
        return taps


class Student(torch.nn.Module):
    """A narrow Vgg and its heads."""

    def __init__(self, widths, teacher_widths, deviation):
        super().__init__()
        self.deviation = deviation
        self.body = Vgg(widths, STUDENT_SCALE)
        self.heads = torch.nn.ModuleDict(
            {n: torch.nn.Conv2d(widths[b], teacher_widths[b], 1, bias=False) for n, _, b in LAYERS}
        )
        for conv in self.body.convs:
            torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            torch.nn.init.zeros_(conv.bias)

    def head(self, name):
        """H of a layer, [teacher channels, student channels]. The weights are kept in units of the
        teacher's standard deviation there, so that one learning rate suits them all."""
        return self.heads[name].weight[:, :, 0, 0] * self.deviation[name]

    def tap_matrices(self):
        """{tap: S}, the symmetric square roots of H^T H."""
        out = {}
        for name in self.heads:
            h = self.head(name).detach().double()
            value, vector = torch.linalg.eigh(h.T @ h)
            out[name] = ((vector * value.clamp(min=0).sqrt()) @ vector.T).float()
        return out


def load_teacher(path):
    weights = load_file(path)
    widths = [weights[f"features.{i}.weight"].shape[0] for i in (0, 5, 10)]
    teacher = Vgg(widths, 255.0)
    with torch.no_grad():
        for (_, index, _), conv in zip(LAYERS, teacher.convs):
            conv.weight.copy_(weights[f"features.{index}.weight"])
            conv.bias.copy_(weights[f"features.{index}.bias"])
    return teacher.requires_grad_(False).to(memory_format=torch.channels_last), widths


def load_photos(path):
    """Every JPEG or PNG in a folder or a tar file, sorted by name, as uint8 arrays [H, W, 3]."""
    path = pathlib.Path(path)
    if path.suffix == ".tar":
        with tarfile.open(path) as tar:
            files = sorted((m.name, tar.extractfile(m).read()) for m in tar if m.name.lower().endswith((".jpg", ".jpeg", ".png")))
        images = [Image.open(io.BytesIO(data)) for _, data in files]
    else:
        images = [Image.open(f) for f in sorted(path.rglob("*")) if f.suffix.lower() in (".jpg", ".jpeg", ".png")]
    return [np.asarray(i.convert("RGB")) for i in images]


class Data:
    """Random crops of photographs, of painted pictures, and of pictures that optimisation visited."""

    def __init__(self, photos, paintings, crop, rng):
        self.photos, self.paintings, self.crop, self.rng = photos, paintings, crop, rng
        self.visited = []

    def take(self, source):
        rng, crop = self.rng, self.crop
        picture = source[rng.integers(len(source))]
        height, width = picture.shape[:2]
        factor = min(1.0, max(rng.uniform(0.35, 1.3), (crop + 2) / min(height, width)))
        size = int(math.ceil(crop / factor))
        size = min(size, height, width)
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
        patch = Image.fromarray(picture[y : y + size, x : x + size])
        if size != crop:
            patch = patch.resize((crop, crop), Image.Resampling.BICUBIC)
        a = np.asarray(patch, dtype=np.float32) / 255
        if rng.random() < 0.5:
            a = a[:, ::-1]
        a = np.rot90(a, rng.integers(4))
        if rng.random() < 0.5:
            a = a[..., rng.permutation(3)]
        if rng.random() < 0.5:
            a = np.clip((a - 0.5) * rng.uniform(0.6, 1.5) + 0.5 + rng.uniform(-0.15, 0.15, 3), 0, 1)
        if rng.random() < 0.4:
            a = a + rng.normal(0, 1, a.shape) * 10 ** rng.uniform(-2.2, -0.8)
        return torch.from_numpy(np.clip(a, 0, 1).astype(np.float32).transpose(2, 0, 1).copy())

    def batch(self, n):
        out = []
        for _ in range(n):
            u = self.rng.random()
            if self.visited and u < 0.5:
                out.append(self.visited[self.rng.integers(len(self.visited))].float() / 255)
            else:
                out.append(self.take(self.paintings if u > 0.8 else self.photos))
        return torch.stack(out).contiguous(memory_format=torch.channels_last)

    def visit(self, student, count, limit):
        """Stylises `count` crops with the student itself and keeps pictures from along the way: what
        an optimiser finds is just where an imitation is wrong."""
        style = torch.stack([self.take(self.paintings if self.rng.random() < 0.6 else self.photos) for _ in range(count)])
        x = torch.stack([self.take(self.photos) for _ in range(count)])
        matrices = student.tap_matrices()

        def grams(picture):
            taps = student.body(picture)
            return {t: gram(torch.einsum("ij,njhw->nihw", matrices[t], taps[t])) for t in STYLE_TAPS}

        with torch.no_grad():
            target = grams(style)
        x = torch.logit(x.clamp(0.02, 0.98)).requires_grad_(True)
        optimiser = torch.optim.Adam([x], lr=10 ** self.rng.uniform(-1.3, -0.3))
        keep = {8, 25, 60}
        for step in range(61):
            picture = torch.sigmoid(x)
            if step in keep:
                for p in picture.detach():
                    self.visited.append((p * 255).round().to(torch.uint8))
            now = grams(picture)
            loss = sum(((now[t] - target[t]) ** 2).sum() / (target[t] ** 2).sum() for t in STYLE_TAPS)
            (grad,) = torch.autograd.grad(loss, x)
            x.grad = grad
            optimiser.step()
        del self.visited[: max(0, len(self.visited) - limit)]


def gram(f):
    n, c, h, w = f.shape
    f = f.reshape(n, c, h * w)
    return f @ f.transpose(1, 2) / (h * w)


def head_gram(head, f):
    """The Gram matrix of head·f, without computing head·f."""
    return head @ gram(f) @ head.T


def thin(f, block, phase):
    """Every fourth position of block 1 in both directions, every second of block 2, all of block 3."""
    step = (4, 2, 1)[block]
    return f[:, :, phase[0] % step :: step, phase[1] % step :: step]


def export(student, teacher_widths, path, card):
    tensors = {}
    matrices = student.tap_matrices()
    for (name, index, _), conv in zip(LAYERS, student.body.convs):
        tensors[f"features.{index}.weight"] = conv.weight.detach().half().contiguous()
        tensors[f"features.{index}.bias"] = conv.bias.detach().half().contiguous()
        tensors[f"features.{index}.tap"] = matrices[name].half().contiguous()
    meta = {
        "impasto": json.dumps({
            "name": "compact",
            "mean": [float(v) for v in MEAN.flatten()],
            "std": [1.0, 1.0, 1.0],
            "scale": STUDENT_SCALE,
            "reference_channels": teacher_widths,
            "provenance": PROVENANCE,
            "licence": "CC-BY-4.0",
            **card,
        }),
    }
    save_file(tensors, path, metadata=meta)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", required=True, help="safetensors with VGG19's conv1_1 to conv3_4")
    parser.add_argument("--photos", required=True, help="a folder or .tar of photographs")
    parser.add_argument("--out", required=True)
    parser.add_argument("--widths", nargs="+", default=["16,48,96"], help="channels of blocks 1,2,3")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    teacher, teacher_widths = load_teacher(args.teacher)
    photos = load_photos(args.photos)
    paintings = [np.asarray(paint.paint(1000 + i, 320, 256)) for i in range(60)]
    held_out, photos = photos[:8], photos[8:]
    data = Data(photos, paintings, args.crop, rng)
    print(f"{len(photos)} photographs, {len(paintings)} paintings", flush=True)

    deviation = {n: t.std() for n, t in teacher(data.batch(24)).items()}
    students = [
        Student([int(c) for c in w.split(",")], teacher_widths, deviation).to(memory_format=torch.channels_last)
        for w in args.widths
    ]
    optimisers = [torch.optim.Adam(s.parameters(), lr=args.lr) for s in students]

    step, spent = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        for s, o, d in zip(students, optimisers, state["students"]):
            s.load_state_dict(d["model"])
            o.load_state_dict(d["optimiser"])
        step, spent, data.visited = state["step"], state["spent"], state["visited"]
        rng.bit_generator.state = state["rng"]
        print(f"going on from step {step}, {spent / 60:.1f} min", flush=True)

    test = Data(held_out, paintings, args.crop, np.random.default_rng(0))
    test_batch = torch.stack([test.take(held_out) for _ in range(8)])

    def save():
        temporary = checkpoint.with_suffix(".tmp")
        torch.save({
            "students": [{"model": s.state_dict(), "optimiser": o.state_dict()} for s, o in zip(students, optimisers)],
            "step": step, "spent": spent, "visited": data.visited, "rng": rng.bit_generator.state,
        }, temporary)
        temporary.rename(checkpoint)
        for s, w in zip(students, args.widths):
            export(s, teacher_widths, out / f"compact-{w.replace(',', '-')}.safetensors",
                   {"training": f"{step} steps, {spent / 60:.0f} min of two cores, seed {args.seed}"})

    last, last_save, sums, counted = time.perf_counter(), spent, [0.0] * len(students), 0
    while spent < args.minutes * 60 and step < args.steps:
        fraction = max(spent / (args.minutes * 60), step / args.steps)
        rate = args.lr * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, fraction))) + 1e-6
        if step % 150 == 149:
            data.visit(students[(step // 150) % len(students)], 8, 480)
        batch = data.batch(args.batch)
        with torch.no_grad():
            target = teacher(batch)
            target_gram = {t: gram(target[t]) for t in STYLE_TAPS}
        phase = rng.integers(0, 4, 2)
        for k, (s, o) in enumerate(zip(students, optimisers)):
            taps = s.body(batch)
            # A part of the positions is plenty of samples for a 1x1 head.
            loss = sum(
                ((s.heads[n](thin(taps[n], b, phase)) - thin(target[n], b, phase) / deviation[n]) ** 2).mean()
                for n, _, b in LAYERS
            ) / len(LAYERS)
            style = sum(
                (((head_gram(s.head(t), taps[t]) - target_gram[t]) ** 2).sum((1, 2)) / (target_gram[t] ** 2).sum((1, 2))).mean()
                for t in STYLE_TAPS
            )
            (loss + 0.5 * style).backward()
            torch.nn.utils.clip_grad_norm_(s.parameters(), 1.0)
            for group in o.param_groups:
                group["lr"] = rate
            o.step()
            o.zero_grad()
            sums[k] += loss.item()
        step, counted = step + 1, counted + 1
        now = time.perf_counter()
        spent, last = spent + now - last, now
        if step % 200 == 0:
            with torch.no_grad():
                want = teacher(test_batch)
                got = [{n: s.heads[n](f) for n, f in s.body(test_batch).items()} for s in students]
                held = [sum(((g[n] - want[n] / deviation[n]) ** 2).mean().item() for n, _, _ in LAYERS) / len(LAYERS) for g in got]
            row = "  ".join(f"{w}: {v / counted:.4f}/{h:.4f}" for w, v, h in zip(args.widths, sums, held))
            print(f"step {step}  {spent / 60:.1f} min  lr {rate:.1e}  train/held-out {row}", flush=True)
            sums, counted = [0.0] * len(students), 0
        if spent - last_save > 240:
            save()
            last_save = spent
    save()


if __name__ == "__main__":
    main()
