"""Colour woodcut: sun, mountains and pines at a lake; a black key block over three tint blocks."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .canvas import Scene, blur, even_lines, mix, noise, polygon, ramp, rgb, shrink, smooth

SEED = 6
H, W = 768, 1024


class Block(Scene):
    """A scene with one more map: how much wood is cut away (0 prints black, 1 prints nothing)."""

    def __init__(self):
        super().__init__(H, W)
        self.tone = np.ones((H, W), np.float32)

    def cut(self, mask, tint, tone, angle):
        """A part with its tint, tone and direction of the gouge."""
        self.put(mask, tint, angle)
        self.tone[mask] = np.broadcast_to(np.asarray(tone, np.float32), mask.shape)[mask]


CREAM, SUN, GOLD, TEAL, MOSS = (rgb(c) for c in ("#f1e4c6", "#d8482c", "#e5aa52", "#5f9a98", "#8f9a52"))


def compose(rng):
    """Rays and clouds, two ranges of mountains, the lake, rocks, and pines in front."""
    block = Block()
    x, y = block.x, block.y
    sx, sy = 655.0, 205.0
    d, ring = block.disc(sx, sy, 1.0)
    beams = 0.5 + 0.5 * np.sin((ring - np.pi / 2) * 30)
    block.cut(
        np.ones((H, W), bool),
        np.where((d < 330)[..., None], GOLD, CREAM),
        0.42 + 0.42 * beams + 0.12 * smooth(500, 100, d),
        ring - np.pi / 2,
    )
    block.cut(d < 78, SUN, 0.86, ring)
    for cx, cy, r in (
        (120, 90, 70),
        (215, 120, 62),
        (300, 95, 48),
        (60, 150, 58),
        (880, 80, 60),
        (960, 110, 66),
        (815, 125, 44),
        (430, 215, 40),
        (490, 235, 34),
        (370, 240, 36),
    ):
        e, turn = block.disc(cx, cy, r, 0.72)
        block.cut(e < 1, CREAM, 0.45 + 0.5 * np.sin(e * 8.5) * (e > 0.3) + 0.3 * smooth(0.2, -0.6, (y - cy) / r), turn)
    for k, (base, tall, tint) in enumerate(((370, 210, TEAL), (400, 150, MOSS))):
        for i in range(5):
            px, half = (i + 0.3 + 0.5 * rng.random()) * W / 4.6 - 60, rng.uniform(150, 210)
            top = base - tall * rng.uniform(0.55, 1.0)
            ridge = px + 22 * np.sin((y - top) / 26 + i) + 0.12 * (y - top)
            face = y > top + np.abs(x - px) / half * (base - top) * 1.1 + 10 * np.sin(x / 17 + i) * smooth(
                0, 60, np.abs(x - px)
            )
            left = face & (x < ridge) & (y < base + 30)
            right = face & (x >= ridge) & (y < base + 30)
            fold = 0.25 * np.sin((x + y * 0.4) / 15 + 2 * np.sin(y / 30))
            block.cut(left, tint, 0.45 + fold, 2.1 + 0.35 * np.sin(y / 40 + x / 70))
            block.cut(right, CREAM if k == 0 else GOLD, 0.86 + fold, 0.9 + 0.3 * np.sin(y / 40 + x / 60))
    line = 408 + 6 * np.sin(x / 70)
    lake = 0.58 + 0.33 * np.sin(y / 9 + 2.4 * np.sin(x / 75 + y / 60)) + 0.15 * np.sin(x / 33 + y / 14)
    glitter = np.exp(-(((x - sx - 10 * np.sin(y / 9)) / (30 + 0.35 * (y - 400).clip(0))) ** 2))
    block.cut(
        y > line,
        mix(np.broadcast_to(TEAL, (H, W, 3)), SUN, (glitter > 0.55).astype(np.float32)),
        lake + 0.45 * glitter,
        0.22 * np.sin(x / 48 + y / 30),
    )
    for cx, cy, r in (
        (150, 640, 120),
        (330, 720, 110),
        (20, 730, 130),
        (880, 700, 140),
        (690, 750, 100),
        (1010, 610, 100),
        (520, 770, 90),
    ):
        e, turn = block.disc(cx, cy, r, 0.62)
        e = e + 0.1 * np.sin(turn * 5 + cx)
        tone = 0.58 - 0.55 * (x - cx + 1.2 * (y - cy)) / r * 0.6 + 0.25 * np.sin(e * 12)
        block.cut(e < 1, MOSS, tone, turn + 0.25 * np.sin(e * 6))
    for cx, foot, tall in ((95, 700, 450), (235, 735, 300), (930, 680, 420), (800, 745, 260), (395, 755, 180)):
        block.cut(
            (np.abs(x - cx - 3 * np.sin(y / 30)) < tall * 0.022) & (y > foot - tall) & (y < foot),
            GOLD,
            0.35 + 0.3 * (x < cx),
            np.pi / 2,
        )
        tiers = 7
        for k in range(tiers):
            top, size = foot - tall + k * tall * 0.118, tall * (0.085 + 0.034 * k)
            for side in (-1, 1):
                drop = top + size * 0.95
                shape = [
                    (cx - side * 3, top - size * 0.25),
                    (cx + side * size * 0.55, top + size * 0.28),
                    (cx + side * size * 1.05, drop),
                    (cx + side * size * 0.6, top + size * 0.82),
                    (cx + side * size * 0.3, drop),
                    (cx - side * 3, top + size * 0.7),
                ]
                tone = (
                    (0.7 if side > 0 else 0.4) + 0.3 * smooth(drop, top, y) - 0.55 * smooth(drop - size * 0.3, drop, y)
                )
                block.cut(
                    polygon(H, W, shape),
                    MOSS if side < 0 else CREAM,
                    tone,
                    np.pi / 2 - side * (0.5 + 0.3 * np.sin(y / 19)),
                )
    return block


def draw(rng):
    block = compose(rng)
    s = 3
    wood = Image.new("L", (W * s, H * s), 0)
    pen = ImageDraw.Draw(wood)
    tone = blur(np.clip(block.tone, 0, 1), 1.2)
    for line in even_lines(
        rng, block.angle + 0.05 * noise(rng, H, W, 40, 2), 6.6, block.part, longest=170, step=2.5, seeds=2.6
    ):
        if len(line) < 5:
            continue
        t = tone[line[:, 1].astype(int).clip(0, H - 1), line[:, 0].astype(int).clip(0, W - 1)]
        wide = 7.8 * np.clip(t + rng.normal(0, 0.06), 0, 0.95) ** 0.8
        wide[t < 0.13] = 0
        n = np.arange(len(line))
        wide = wide * np.clip((n + 0.4) / 3.5, 0, 1) * np.clip((len(line) - n - 0.6) / 6, 0, 1)
        wide = ndimage.uniform_filter1d(wide, 5) + rng.normal(0, 0.16, len(line)) * (wide > 0)
        path = ndimage.uniform_filter1d(line, 5, axis=0, mode="nearest")
        way = np.gradient(path, axis=0)
        side = np.stack([-way[:, 1], way[:, 0]], 1) / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-6)
        half = np.clip(wide, 0, None)[:, None] / 2
        ring = np.concatenate([path + side * half, (path - side * half)[::-1]]) * s
        pen.polygon([tuple(map(float, p)) for p in ring], fill=255)
    cut = shrink(np.asarray(wood, np.float32)[..., None] / 255, s)[..., 0]
    edge = np.zeros((H, W), bool)
    edge[:, 1:] |= block.part[:, 1:] != block.part[:, :-1]
    edge[1:] |= block.part[1:] != block.part[:-1]
    near = ndimage.distance_transform_edt(~edge)
    cut = cut * smooth(0.8, 2.2, near + 0.5 * noise(rng, H, W, 12, 2))
    grain = noise(rng, H, W, (2.5, 110), 3)
    ink = 0.96 - 0.1 * smooth(0.6, 2.2, grain) - 0.5 * smooth(1.9, 2.6, noise(rng, H, W, 4, 2))
    key = (1 - smooth(0.3, 0.62, cut + 0.09 * noise(rng, H, W, 3, 2))) * ink
    base = ramp(0.6 + 0.12 * noise(rng, H, W, 5, 3) + 0.1 * noise(rng, H, W, 200, 2), "#d9c6a0", "#efe2c4", "#f8f0da")
    tint = ndimage.shift(block.colour, (2, -2.5, 0), order=1, mode="nearest") / CREAM
    patchy = np.clip(
        0.92 + 0.07 * grain + 0.06 * noise(rng, H, W, 3, 2) - 0.35 * smooth(1.5, 2.4, noise(rng, H, W, 6, 3)), 0.2, 1.1
    )
    sheet = base * np.clip(1 - (1 - tint) * patchy[..., None], 0, 1.05)
    return mix(sheet, np.broadcast_to(rgb("#17161b"), (H, W, 3)), np.clip(key, 0, 1))
