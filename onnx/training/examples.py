"""Examples that a student learns from, with what the teacher says of them.

An optimiser finds just where an imitation is wrong, so the pictures are results of style transfers with the student itself,
made by the program with the student as it was last saved. Beside each stands a picture that the *teacher* prefers: a few
steps further down the teacher's own objective. Their difference tells the student where the teacher's gradient points, in the
place where the student saw nothing left to do.

An example is four pictures of one size: the result, the better one, the style, and an unrelated crop. The teacher's pass costs
more than all of the student's, so its Gram matrices and a part of its activations are kept in a file beside the pictures.
Processes of their own make the files; training only reads them.
"""
import multiprocessing
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from networks import BLOCK, STYLE_TAPS, load_teacher

PICTURES = 4
RESULT, BETTER, STYLE, OTHER = range(PICTURES)
# Every so many positions in both directions are kept of the activations of each block.
STEP = (8, 4, 2, 1, 1)


def gram(f):
    """Gram matrices [n, C, C] of activations [n, C, h, w], over their positions."""
    n, c, h, w = f.shape
    f = f.reshape(n, c, h * w).float()
    return f @ f.transpose(1, 2) / (h * w)


def thin(f, block):
    """A part of the positions of activations [n, C, h, w]."""
    step = STEP[block]
    return f[:, :, step // 2 :: step, step // 2 :: step]


def packed(matrices):
    """The upper triangles [n, C (C + 1) / 2] of symmetric matrices [n, C, C]."""
    rows, columns = torch.triu_indices(*matrices.shape[1:])
    return matrices[:, rows, columns]


def unpacked(triangles):
    """The symmetric matrices [n, C, C] of their upper triangles."""
    size = int((2 * triangles.shape[1]) ** 0.5)
    rows, columns = torch.triu_indices(size, size)
    matrices = triangles.new_empty(len(triangles), size, size)
    matrices[:, rows, columns] = triangles
    matrices[:, columns, rows] = triangles
    return matrices


def style_loss(taps, wanted):
    """The paper's style loss of activations against Gram matrices {tap: [1, C, C]}."""
    return sum((gram(taps[tap]) - g).pow(2).sum() / (4 * g.shape[1] ** 2) for tap, g in wanted.items()) / len(wanted)


def improve(teacher, picture, style, evaluations):
    """A picture [1, 3, S, S] some evaluations of L-BFGS further down the teacher's style loss."""
    with torch.no_grad():
        taps = teacher(style)
        wanted = {tap: gram(taps[tap]) for tap in STYLE_TAPS}
        first = style_loss(teacher(picture), wanted)
    # The scale makes L-BFGS's first step, which has the length of a gradient of size 1, a visible one.
    x = picture.clone(memory_format=torch.contiguous_format).requires_grad_()
    optimiser = torch.optim.LBFGS([x], max_iter=evaluations, max_eval=evaluations, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = style_loss(teacher(x), wanted) / first * 10
        loss.backward()
        return loss

    optimiser.step(closure)
    return x.detach().clamp(0, 1)


def write(picture, path):
    """Writes a picture [3, S, S], 0..1."""
    Image.fromarray((picture.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)).save(path)


def turned(pictures, random):
    """All of some pictures turned, mirrored and with exchanged colours alike."""
    pictures = torch.rot90(pictures, int(random.integers(4)), (2, 3))
    if random.random() < 0.5:
        pictures = pictures.flip(3)
    if random.random() < 0.3:
        pictures = pictures[:, torch.from_numpy(random.permutation(3)).to(pictures.device)]
    return pictures


class Maker:
    """Makes examples, one after the other."""

    def __init__(self, args, photos, paintings, seed):
        self.args, self.photos, self.paintings = args, photos, paintings
        self.random = np.random.default_rng(seed)
        self.teacher, _ = load_teacher(args.teacher)
        self.teacher = self.teacher.to(args.device, memory_format=torch.channels_last)
        self.model = pathlib.Path(args.out) / f"{args.name}.safetensors"
        self.folder = pathlib.Path(args.out) / "examples"

    def transfer(self, content, style):
        """The program's result for two pictures [3, S, S], as [3, S, S]."""
        random = self.random
        with tempfile.TemporaryDirectory() as temporary:
            files = [pathlib.Path(temporary) / f"{name}.png" for name in ("content", "style", "out")]
            write(content, files[0])
            write(style, files[1])
            command = [self.args.program, files[0], files[1], "-o", files[2], "--model", self.model,
                       "--size", content.shape[1], "--levels", 1,
                       "--iterations", random.choice([12, 40, 120], p=[0.2, 0.3, 0.5]),
                       "--strength", round(random.uniform(70, 97), 1), "--init", random.choice(["content", "recoloured"]),
                       "--device", "cpu", "--threads", 1, "--quiet"]
            subprocess.run([str(c) for c in command], check=True)
            return torch.from_numpy(np.asarray(Image.open(files[2]).convert("RGB")).copy()).permute(2, 0, 1).float() / 255

    def statistics(self, pictures):
        """What the teacher says of pictures [n, 3, S, S], as tensors that a file holds."""
        with torch.no_grad():
            taps = self.teacher(pictures)
        out = {"pictures": (pictures * 255).round().to(torch.uint8)}
        out |= {f"gram.{tap}": packed(gram(taps[tap])) for tap in STYLE_TAPS}
        out |= {f"activations.{name}": thin(f, BLOCK[name]).half() for name, f in taps.items()}
        return {name: t.cpu().contiguous() for name, t in out.items()}

    def make(self):
        """Writes an example, and two more of the same pictures turned."""
        random, size, device = self.random, self.args.size, self.args.device
        source = self.paintings if random.random() < 0.6 else self.photos
        content, style = self.photos.take(1, size, random), source.take(1, size, random)
        other = (self.photos if random.random() < 0.6 else self.paintings).take(1, size, random)
        result = self.transfer(content[0], style[0]).to(device)[None]
        better = improve(self.teacher, result, style, int(random.integers(4, 11)))
        pictures = (torch.cat([result, better, style, other]) * 255).round() / 255
        for each in (pictures, turned(pictures, random), turned(pictures, random)):
            each = each.contiguous(memory_format=torch.channels_last)
            name = f"{random.integers(1 << 62):016x}.safetensors"
            temporary = self.folder / f".{name}"
            save_file(self.statistics(each), temporary)
            temporary.rename(self.folder / name)


def make_examples(args, photos, paintings, seed):
    """What a process does: examples as long as the training lives."""
    torch.set_num_threads(1)
    os.nice(5)
    parent = os.getppid()
    maker = Maker(args, photos, paintings, seed)
    while os.getppid() == parent:
        maker.make()


class Examples:
    """The newest examples of a folder, at most `most`; older files are removed."""

    def __init__(self, args):
        self.folder, self.most = pathlib.Path(args.out) / "examples", args.most
        self.folder.mkdir(parents=True, exist_ok=True)
        self.read, self.processes = {}, []

    def start(self, args, photos, paintings):
        """Starts the processes that make examples, and waits for the first few."""
        context = multiprocessing.get_context("spawn")
        seed = np.random.SeedSequence().entropy
        for k in range(args.workers):
            self.processes.append(context.Process(target=make_examples, args=(args, photos, paintings, [seed, k]), daemon=True))
            self.processes[-1].start()
        self.look()
        while len(self.read) < args.first:
            time.sleep(1)
            self.look()

    def look(self):
        """Reads new files."""
        if not all(p.is_alive() for p in self.processes):
            raise SystemExit("A process that makes examples has ended; its error stands above.")
        files = sorted((f for f in self.folder.glob("[!.]*.safetensors")), key=lambda f: f.stat().st_mtime_ns)
        for file in files[: -self.most]:
            file.unlink()
            self.read.pop(file.name, None)
        for file in files[-self.most :]:
            if file.name not in self.read:
                self.read[file.name] = load_file(file)

    def take(self, n, device, random):
        """n of them as one: every tensor [PICTURES * n, ...], the results first, then the better ones, and so on. The newest
        third is taken nearly as often as all others."""
        examples = list(self.read.values())
        newest = random.integers(len(examples) * 2 // 3, len(examples), n)
        chosen = np.where(random.random(n) < 0.4, newest, random.integers(0, len(examples), n))
        taken = [examples[k] for k in chosen]
        batch = {name: torch.stack([e[name] for e in taken], 1).flatten(0, 1).to(device) for name in taken[0]}
        batch["pictures"] = batch["pictures"].float() / 255
        return {name: unpacked(t) if name.startswith("gram.") else t for name, t in batch.items()}
