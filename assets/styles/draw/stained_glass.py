"""Stained glass: lilies before a rising sun; uneven glass in lead cames."""

import numpy as np
from scipy import ndimage

from .canvas import blur, even, light, mesh, mix, noise, ramp, rgb, smooth

SEED = 4
H, W = 1024, 768


class Window:
    """Every piece of glass has a number; each has a glass colour."""

    def __init__(self, rng):
        self.rng = rng
        self.y, self.x = mesh(H, W)
        self.piece = np.zeros((H, W), np.int32)
        self.colours = [rgb("#000000")]

    def add(self, mask, colours):
        """Lays one shape over the others; a shape takes one colour of the list."""
        self.colours.append(rgb(colours[self.rng.integers(len(colours))]))
        self.piece[mask] = len(self.colours) - 1

    def cut(self, mask, field, colours):
        """Cuts a shape into pieces where the whole-number `field` changes."""
        values = np.unique(field[mask])
        for v in values:
            self.add(mask & (field == v), colours)

    def petal(self, cx, cy, a, long, wide, colours, split=True):
        """A leaf from (cx, cy) along the angle a, cut along its middle rib."""
        dx, dy = self.x - cx, self.y - cy
        u = (dx * np.cos(a) + dy * np.sin(a)) / long
        v = (-dx * np.sin(a) + dy * np.cos(a)) / wide
        v = v - 0.35 * np.sin(np.pi * np.clip(u, 0, 1))
        mask = (u > 0) & (u < 1) & (np.abs(v) < np.sin(np.pi * np.clip(u, 0, 1) ** 0.8) ** 0.9)
        if split:
            self.cut(mask, (v > 0).astype(int), colours)
        else:
            self.add(mask, colours)


def draw(rng):
    window = Window(rng)
    x, y = window.x, window.y
    cx, cy = 400.0, 330.0
    dx, dy = x - cx, y - cy
    d, a = np.hypot(dx, dy), np.arctan2(dy, dx)
    bend = a + 0.0009 * d
    rays = np.floor((bend + np.pi) / (2 * np.pi) * 22)
    ring = np.floor((d - 95) / 88 + 0.42 * ((rays % 2) - 0.5) * 2)
    blues = ["#123f9a", "#1d5fc4", "#2f86d8", "#6ab8e6", "#1c2f86", "#4a5fd0", "#2a9ab0", "#7f6ad0"]
    window.cut(d >= 0, (rays * 40 + ring + 8).astype(int), blues)
    for r, n, tones in (
        (190, 22, ["#f08a1f", "#f5a52a", "#e8641f"]),
        (128, 16, ["#fbc52f", "#f9d85a"]),
        (70, 8, ["#fff0a0", "#ffe060"]),
    ):
        window.cut(d < r + 14 * np.cos(bend * n), np.floor((bend + np.pi) / (2 * np.pi) * n).astype(int), tones)
    window.add(d < 34, ["#fff6c8"])
    for k, (top, tones) in enumerate(
        (
            (560, ["#5a3f9a", "#7a5fb8", "#3f3a8a"]),
            (640, ["#0f6a5a", "#1f8a6a", "#2fa88a"]),
            (730, ["#1f6a9a", "#2f8ab8", "#1a4f86", "#5ab0c8"]),
        )
    ):
        line = top + 34 * np.sin(x / 105 + 2.1 * k) + 16 * np.sin(x / 41 + k)
        depth = y - line
        stripe = np.floor(depth / 62 + 0.3 * np.sin(x / 60 + k)) * 40 + np.floor(
            (x + 45 * np.floor(depth / 62)) / (100 + 14 * k)
        )
        window.cut(depth > 0, stripe.astype(int), tones)
    greens = ["#0f5a2a", "#1f7a34", "#4fa03a", "#8fc43f", "#0d4a3f"]
    for i in range(15):
        foot = rng.uniform(-20, W + 20)
        window.petal(foot, H + 20, -np.pi / 2 + rng.normal(0, 0.28), rng.uniform(240, 480), rng.uniform(22, 36), greens)
    lilies = [
        (120, 700, 105),
        (620, 640, 118),
        (390, 800, 128),
        (210, 905, 92),
        (665, 880, 105),
        (490, 575, 92),
        (90, 500, 88),
        (690, 460, 86),
    ]
    tones = [
        ["#c4122f", "#e0303f", "#9a0f3a"],
        ["#f3e6d0", "#fbd9d0", "#f7c0c0"],
        ["#d02f86", "#e86aa8", "#a01f7a"],
        ["#f3e6d0", "#e8d0f0"],
    ]
    for i, (lx, ly, r) in enumerate(lilies):
        turn = rng.uniform(0, 1)
        window.petal(lx, ly, np.pi / 2 + 0.2, 260, 8, greens[:3], split=False)
        for n, reach, wide in ((6, 1.0, 0.3), (6, 0.62, 0.2)):
            for k in range(n):
                window.petal(
                    lx,
                    ly,
                    turn + (k + (reach < 1) * 0.5) * 2 * np.pi / n,
                    r * reach,
                    r * wide,
                    tones[i % 4] if reach == 1 else tones[(i + 1) % 4],
                )
        window.add(np.hypot(x - lx, y - ly) < r * 0.15, ["#fbc52f", "#f5a52a"])
    frame = np.minimum(np.minimum(x, W - 1 - x), np.minimum(y, H - 1 - y))
    side = np.where(np.minimum(x, W - 1 - x) < np.minimum(y, H - 1 - y), np.floor(y / 64) + 100, np.floor(x / 64))
    window.cut(
        frame < 34,
        side.astype(int) * 4 + (x > W / 2) * 2 + (y > H / 2),
        ["#8a0f2a", "#b81f34", "#123f9a", "#e8a52a", "#0f5a2a"],
    )
    return lead(rng, window)


def lead(rng, window):
    """The glass with light behind it, and the lead between the pieces."""
    x, y = window.x, window.y
    shift = (noise(rng, H, W, 70, 2) * 1.6, noise(rng, H, W, 70, 2) * 1.6)
    yi, xi = np.clip(y + shift[0], 0, H - 1).astype(int), np.clip(x + shift[1], 0, W - 1).astype(int)
    piece = window.piece[yi, xi]
    edge = np.zeros((H, W), bool)
    edge[:, 1:] |= piece[:, 1:] != piece[:, :-1]
    edge[1:] |= piece[1:] != piece[:-1]
    gap = ndimage.distance_transform_edt(~edge).astype(np.float32)
    count = len(window.colours)
    table = np.array(window.colours) + rng.normal(0, 0.03, (count, 1)) + rng.normal(0, 0.02, (count, 3))
    glass = np.clip(table, 0.01, 1)[piece].astype(np.float32)
    tilt = rng.uniform(0, 2 * np.pi, count)[piece]
    area = np.bincount(piece.ravel(), minlength=count).clip(1)
    middle = np.stack([np.bincount(piece.ravel(), v.ravel(), count) / area for v in (y, x)], 1)
    along = ((y - middle[piece, 0]) * np.sin(tilt) + (x - middle[piece, 1]) * np.cos(tilt)) / 60
    swirl = np.zeros((H, W), np.float32)
    for turn in range(4):
        reed = noise(rng, H, W, (70, 9) if turn % 2 else (9, 70), 3)
        swirl = np.where(rng.integers(0, 4, count)[piece] == turn, reed, swirl)
    seeds = even(noise(rng, H, W, 7, 2))
    bubble = smooth(0.985, 0.995, seeds)
    glow = 1.16 + 0.2 * np.tanh(along) + 0.1 * swirl + 0.1 * noise(rng, H, W, 150, 3) + 0.05 * noise(rng, H, W, 5, 2)
    glow = glow - 0.3 * np.exp(-gap / 5) + 0.35 * bubble
    lit = glass * np.clip(glow, 0.3, 1.7)[..., None]
    lit = mix(lit, 1 - np.clip(1 - lit, 0, 1) * 0.6, np.clip(glow - 1.1, 0, 0.6))
    half = 4.2 + 0.8 * noise(rng, H, W, 60, 2)
    bar = np.clip(half - gap + 0.5, 0, 1)
    dome = np.sqrt(np.clip(1 - (gap / np.maximum(half, 1)) ** 2, 0, 1)) * 3
    metal = (
        ramp(0.35 + 0.1 * noise(rng, H, W, 6, 3), "#08090d", "#1b1d24", "#3a3d46")
        * light(blur(dome, 0.8), 1.1, 0.9)[..., None]
    )
    return mix(lit, metal, bar)
