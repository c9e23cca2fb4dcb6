"""Results of style transfers with the student itself.

An optimiser finds just where an imitation is wrong, so its results are what the student must get right next. The program
makes them, one after the other beside the training, with the student as it was last saved.
"""
import pathlib
import subprocess
import tempfile
import threading
import time

import numpy as np
import torch
from PIL import Image


def save(picture, path):
    """Writes a picture [3, H, W], 0..1."""
    Image.fromarray((picture.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)).save(path)


class Transfers:
    """Pairs of a result and its style picture, each [3, size, size] in 0..255; the oldest leave when there are `most`."""

    def __init__(self, program, model, photos, paintings, size, most, seed):
        self.program, self.model, self.photos, self.paintings = program, model, photos, paintings
        self.size, self.most, self.seed = size, most, seed
        self.pairs, self.error, self.lock = [], None, threading.Lock()

    def start(self, workers):
        """Starts to make results, some at a time, and waits for the first."""
        threads = [threading.Thread(target=self.make_all, args=(self.seed + k, workers), daemon=True) for k in range(workers)]
        for thread in threads:
            thread.start()
        while not self.pairs and threads[0].is_alive():
            threads[0].join(0.1)

    def make_all(self, seed, workers):
        random = np.random.default_rng([seed, len(self.pairs)])
        while not self.error:
            begun = time.monotonic()
            try:
                made = self.make(random)
            except subprocess.CalledProcessError as error:
                self.error = error
                return
            with self.lock:
                self.pairs = [*self.pairs, made][-self.most :]
            # One that shares the processor with the training leaves it three quarters of the time, once there are some.
            if workers == 1 and len(self.pairs) > 40:
                time.sleep(3 * (time.monotonic() - begun))

    def make(self, random):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            content, style, out = (folder / f"{name}.png" for name in ("content", "style", "out"))
            source = self.paintings if random.random() < 0.6 else self.photos
            save(self.photos.take(1, self.size, random)[0], content)
            save(source.take(1, self.size, random)[0], style)
            command = [self.program, content, style, "-o", out, "--model", self.model, "--size", self.size, "--levels", 1,
                       "--iterations", random.choice([12, 40, 120], p=[0.25, 0.25, 0.5]),
                       "--strength", round(random.uniform(70, 97), 1), "--init", random.choice(["content", "recoloured"]),
                       "--device", "cpu", "--threads", 1, "--quiet"]
            subprocess.run([str(c) for c in command], check=True)
            pair = [np.asarray(Image.open(f).convert("RGB")) for f in (out, style)]
        return torch.from_numpy(np.stack(pair)).permute(0, 3, 1, 2)

    def take(self, n, device, random):
        """Results and styles of n pairs, each [n, 3, size, size], 0..1, turned and mirrored alike."""
        if self.error:
            raise self.error
        pairs = self.pairs
        # The newest third as often as all others.
        newest = random.integers(len(pairs) * 2 // 3, len(pairs), n)
        chosen = np.where(random.random(n) < 0.5, newest, random.integers(0, len(pairs), n))
        taken = torch.stack([pairs[k] for k in chosen]).to(device).float() / 255
        taken = torch.rot90(taken, int(random.integers(4)), (3, 4))
        if random.random() < 0.5:
            taken = taken.flip(4)
        if random.random() < 0.3:
            taken = taken[:, :, torch.from_numpy(random.permutation(3)).to(device)]
        return taken[:, 0], taken[:, 1]
