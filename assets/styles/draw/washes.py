"""Transparent washes on paper, and the shapes of brush marks with water colour."""

import numpy as np
from scipy import ndimage

from .canvas import blur, noise, paper, smooth


class Sheet:
    """Paper that takes transparent washes; each wash lets less light through."""

    def __init__(self, rng, h, w):
        self.rng, self.h, self.w = rng, h, w
        self.colour = np.ones((h, w, 3), np.float32)
        self.tooth = paper(rng, h, w, 3.2)
        self.cloud = noise(rng, 2 * h, 2 * w, 60, 5, 0.6)
        self.wobble = noise(rng, 2 * h, 2 * w, 26, 4, 0.55)

    def wash(self, shape, pigment, dark=1.0, edge=0.8, bleed=0.0, second=None, lift=0.0):
        """One wash. `shape` is a function of (y, x) that is above 0 inside; bounds come from shape.box.

        dark: how much pigment. edge: how much of it gathers at the rim. bleed: softness of the rim
        in pixels (wet paper). second: a pigment that runs into the first one. lift: how much of the
        older washes is washed away first.
        """
        rng, H, W = self.rng, self.h, self.w
        x0, y0, x1, y1 = (int(v) for v in shape.box)
        x0, y0, x1, y1 = max(0, x0 - 30), max(0, y0 - 30), min(W, x1 + 30), min(H, y1 + 30)
        if x1 - x0 < 4 or y1 - y0 < 4:
            return
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        oy, ox = rng.integers(0, H), rng.integers(0, W)
        cut = np.s_[oy : oy + y1 - y0, ox : ox + x1 - x0]
        depth = shape(y, x) + min(3.2, 0.22 * shape.thick) * self.wobble[cut]
        mask = depth > 0
        if not mask.any():
            return
        d = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1].astype(np.float32)
        tooth = self.tooth[y0:y1, x0:x1]
        pool = 0.62 + 0.3 * self.cloud[cut]
        bloom = np.abs(self.cloud[cut[0], cut[1]] - rng.uniform(-1, 1.5))
        pool = np.clip(pool, 0.12, 1.5) + 0.45 * np.exp(-((bloom / 0.06) ** 2)) * (rng.random() < 0.5)
        rim = edge * (np.exp(-d / 1.6) + 0.35 * np.exp(-d / 6))
        load = dark * (pool + rim) * (0.72 + 0.5 * (1 - tooth))
        cover = blur(mask.astype(np.float32), bleed) if bleed > 0 else np.clip(depth / 1.5, 0, 1)
        cover = cover * smooth(-0.02, 0.1, 1.25 - tooth - rng.uniform(0.1, 0.32))
        ink = np.broadcast_to(-np.log(np.clip(pigment, 0.02, 0.995)), y.shape + (3,))
        if second is not None:
            t = smooth(-0.6, 0.8, self.wobble[cut] + self.cloud[cut] + (y - y.mean()) / (y1 - y0) * rng.normal(0, 3))
            ink = ink * (1 - t[..., None]) - np.log(np.clip(second, 0.02, 0.995)) * t[..., None]
        spot = self.colour[y0:y1, x0:x1]
        spot += (1 - spot) * (lift * cover)[..., None]
        spot *= np.exp(-ink * (load * cover)[..., None])


class Blob:
    """A petal: an egg that points along `a`, with a wavy rim."""

    def __init__(self, rng, cx, cy, long, wide, a, wave=0.12):
        self.c, self.size, self.a = (cx, cy), (long, wide), a
        self.wave, self.phase, self.lobes = wave, rng.uniform(0, 6), rng.integers(3, 7)
        self.thick = min(long, wide)
        r = max(long, wide)
        self.box = cx - r, cy - r, cx + r, cy + r

    def __call__(self, y, x):
        dx, dy = x - self.c[0], y - self.c[1]
        u = (dx * np.cos(self.a) + dy * np.sin(self.a)) / self.size[0]
        v = (-dx * np.sin(self.a) + dy * np.cos(self.a)) / (self.size[1] * (1 + 0.35 * u))
        ring = np.arctan2(v, u)
        return (1 - np.hypot(u, v) + self.wave * np.sin(self.lobes * ring + self.phase)) * min(self.size)


class Leaf:
    """A blade along a bent line, thick in the middle."""

    def __init__(self, x, y, long, wide, a, bend):
        n = int(max(12, long / max(2, wide / 3)))
        t = np.linspace(0, 1, n)
        turn = a + bend * t
        self.px, self.py = x + np.cumsum(np.cos(turn)) * long / n, y + np.cumsum(np.sin(turn)) * long / n
        self.thick, self.r = wide, wide * np.sin(np.pi * np.clip(t * 0.97 + 0.03, 0, 1)) ** 0.8
        self.box = self.px.min() - wide, self.py.min() - wide, self.px.max() + wide, self.py.max() + wide

    def __call__(self, y, x):
        best = np.full(y.shape, -99, np.float32)
        for px, py, r in zip(self.px, self.py, self.r):
            np.maximum(best, r - np.hypot(x - px, y - py), out=best)
        return best
