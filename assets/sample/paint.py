#!/usr/bin/env python3
"""Draws pictures that look painted, from a seed: the source of the sample style picture.

Long brush strokes follow a flow field of whirls; each stroke is a bundle of bristles that differ a
little in colour and leave a ridge in a height map, which is lit from the upper left at the end. The
training recipe (onnx/training) draws many such pictures with other seeds.

    python3 assets/sample/paint.py --seed 27 --size 720x576 -o assets/sample/whirls.jpg

Needs numpy and Pillow. The same seed and library versions give the same picture.
"""
import argparse

import numpy as np
from PIL import Image, ImageDraw

# (sky or ground tones from dark to light, accents); sRGB.
PALETTES = [
    (["#0b1f4b", "#16408a", "#2f6fb5", "#6fa8cf", "#bcd6d8"], ["#f4c430", "#fbe9a0", "#e8923a"]),
    (["#3b1d2e", "#7a2e3a", "#b8503f", "#dd8a4f", "#f0c987"], ["#2f6b6b", "#8fc0a9", "#fff1d0"]),
    (["#12301f", "#2c5b35", "#5f8b3f", "#a4b85c", "#e3dc9a"], ["#c44536", "#f2a65a", "#772f1a"]),
    (["#1d1a2b", "#41345f", "#7b5c93", "#b493b8", "#ead9dd"], ["#e7b10a", "#4c9f9a", "#f7f1e5"]),
    (["#20242b", "#4a5560", "#7f8a8f", "#b9bdb5", "#eceadd"], ["#b3402f", "#e0a030", "#2b4c7e"]),
    (["#5a2a0c", "#a14f12", "#d8852a", "#f0b95a", "#fbe7b5"], ["#154d6b", "#3f93a3", "#fffaf0"]),
]


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def flow_field(rng, width, height):
    """Unit vectors [H, W, 2] around a few whirls over a slowly turning base direction."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    base, turns = rng.uniform(0, np.pi), rng.uniform(0.3, 1.4)
    angle = base + turns * np.sin(2.2 * x / width + rng.uniform(0, 6)) * np.cos(2.6 * y / height + rng.uniform(0, 6))
    vx, vy = np.cos(angle), np.sin(angle)
    whirls = []
    for _ in range(rng.integers(3, 8)):
        cx, cy = rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.95) * height
        radius = rng.uniform(0.06, 0.2) * min(width, height)
        spin = rng.choice([-1.0, 1.0])
        dx, dy = x - cx, y - cy
        d = np.hypot(dx, dy) + 1e-6
        pull = 3.0 * np.exp(-((d / (1.6 * radius)) ** 2))
        vx += pull * spin * -dy / d
        vy += pull * spin * dx / d
        whirls.append((cx, cy, radius))
    norm = np.hypot(vx, vy) + 1e-9
    return np.dstack([vx / norm, vy / norm]), whirls


def tone(width, height, rng, whirls):
    """A smooth map [H, W] in 0..1 that says how light the paint is, and one of how much accent."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    t = 0.25 + 0.5 * (y / height if rng.random() < 0.5 else 1 - y / height)
    for _ in range(5):
        k = rng.uniform(2, 9, 2)
        t += 0.13 * np.sin(k[0] * x / width * np.pi + rng.uniform(0, 6)) * np.sin(k[1] * y / height * np.pi + rng.uniform(0, 6))
    accent = np.zeros_like(t)
    for cx, cy, radius in whirls:
        d = np.hypot(x - cx, y - cy)
        accent += np.exp(-((d / (0.55 * radius)) ** 2))
        t += 0.35 * np.exp(-(((d - radius) / (0.5 * radius)) ** 2))
    return np.clip(t, 0, 1), np.clip(accent, 0, 1)


def trace(flow, x, y, length, step):
    """The points of a stroke that starts at (x, y) and follows the field for `length` pixels."""
    height, width, _ = flow.shape
    points = [(x, y)]
    for _ in range(max(2, int(length / step))):
        xi, yi = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        vx, vy = flow[yi, xi]
        x, y = x + step * vx, y + step * vy
        points.append((x, y))
    return np.array(points)


def paint(seed, width, height):
    """An RGB picture (Pillow image) of `width` x `height` pixels."""
    rng = np.random.default_rng(seed)
    scale = 2
    w, h = width * scale, height * scale
    unit = min(w, h) / 100.0
    ramp_names, accent_names = PALETTES[rng.integers(len(PALETTES))]
    ramp = np.array([rgb(c) for c in ramp_names])
    accents = np.array([rgb(c) for c in accent_names])
    flow, whirls = flow_field(rng, w, h)
    light, accent = tone(w, h, rng, whirls)

    knots = np.linspace(0, 1, len(ramp))
    under = np.dstack([np.interp(light, knots, ramp[:, c]) for c in range(3)])
    canvas = Image.fromarray(under.astype(np.uint8))
    relief = Image.new("L", (w, h), 128)
    draw, ridge = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    boldness = rng.uniform(0.7, 1.5)
    for size, cover in ((3.4, 2.2), (2.2, 2.0), (1.3, 1.1)):
        size *= boldness
        brush, length = size * unit, size * unit * rng.uniform(5, 8)
        count = int(cover * w * h / (brush * length))
        for _ in range(count):
            x, y = rng.uniform(-0.05 * w, 1.05 * w), rng.uniform(-0.05 * h, 1.05 * h)
            xi, yi = int(np.clip(x, 0, w - 1)), int(np.clip(y, 0, h - 1))
            if rng.random() < accent[yi, xi] * 0.9:
                colour = accents[rng.integers(len(accents))]
            else:
                p = np.clip(light[yi, xi] + rng.normal(0, 0.11), 0, 0.999) * (len(ramp) - 1)
                i = int(p)
                colour = ramp[i] + (p - i) * (ramp[i + 1] - ramp[i])
                if rng.random() < 0.035:
                    colour = accents[rng.integers(len(accents))]
            colour = colour + rng.normal(0, 9, 3)
            points = trace(flow, x, y, length * rng.uniform(0.6, 1.3), brush * 0.5)
            direction = np.gradient(points, axis=0)
            normal = np.dstack([-direction[:, 1], direction[:, 0]])[0]
            normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
            bristles = max(4, int(brush / 2.2))
            for k in range(bristles):
                offset = (k / (bristles - 1) - 0.5) * brush
                skip = rng.integers(0, 3), rng.integers(0, 3)
                path = points + normal * offset
                path = path[skip[0] : len(path) - skip[1]]
                if len(path) < 2:
                    continue
                path = [tuple(q) for q in path]
                shade = colour + rng.normal(0, 11) - 10 * abs(offset) / brush
                thick = int(np.ceil(brush / bristles)) + 1
                draw.line(path, fill=tuple(int(c) for c in np.clip(shade, 0, 255)), width=thick)
                ridge.line(path, fill=int(np.clip(128 + rng.normal(0, 34), 0, 255)), width=thick)

    z = np.asarray(relief, dtype=np.float64) / 255
    gy, gx = np.gradient(z)
    lit = np.clip(1 - 0.55 * (gx + gy), 0.8, 1.2)
    picture = np.clip(np.asarray(canvas, dtype=np.float64) * lit[..., None], 0, 255)
    return Image.fromarray(picture.astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", default="900x720", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("-o", "--output", required=True)
    args = parser.parse_args()
    width, height = (int(v) for v in args.size.split("x"))
    paint(args.seed, width, height).save(args.output, quality=92)


if __name__ == "__main__":
    main()
