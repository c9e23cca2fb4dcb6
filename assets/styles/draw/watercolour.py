"""Watercolour: a loose meadow of poppies, cornflowers and leaves; transparent washes on rough paper."""

import numpy as np

from .canvas import blur, light, noise, ramp, rgb
from .washes import Blob, Leaf, Sheet

SEED = 14
H, W = 1024, 820


def draw(rng):
    sheet = Sheet(rng, H, W)
    sky = ["#7fb2e0", "#a9c8ec", "#c9b6e6", "#f3d7b0", "#f7c3b4", "#b8dccb"]
    for _ in range(46):
        cx, cy, r = rng.uniform(0, W), rng.uniform(0, H), rng.uniform(70, 190)
        tone = sky[rng.integers(6)] if cy < 430 else rng.choice(["#bfd98a", "#8fcfa4", "#f0df8e", "#9fc6d8"])
        sheet.wash(
            Blob(rng, cx, cy, r * 1.3, r * 0.7, rng.normal(0, 0.4)),
            rgb(tone),
            0.55,
            0.5,
            rng.choice((0, 3, 12)),
            rgb(sky[rng.integers(6)]),
        )
    greens = ["#6f9f3f", "#3f7f4a", "#2f6a6a", "#9ab84a", "#4f7f2f", "#28506a", "#b7a83a"]
    for i in range(120):
        foot, base = rng.uniform(-20, W + 20), rng.uniform(500, H + 120)
        long = rng.uniform(110, 380)
        green, other = rgb(greens[rng.integers(7)]), rgb(greens[rng.integers(7)])
        leaf = Leaf(foot, base, long, rng.uniform(6, 20), -np.pi / 2 + rng.normal(0, 0.3), rng.normal(0, 0.7))
        sheet.wash(leaf, green, rng.uniform(0.4, 1.0), 0.8, 0, other, lift=rng.choice((0.0, 0.5, 0.8)))
    flowers = sorted(
        ((rng.uniform(0, W), rng.uniform(60, H - 20), rng.random()) for _ in range(44)), key=lambda f: f[1]
    )
    reds, blues = ["#e8402f", "#f0603f", "#d92f4f", "#f58a3f", "#ef5f86"], ["#3f5fc8", "#5a4fb8", "#2f7fd0", "#8a5fc8"]
    golds = ["#f7b52f", "#f9d04a", "#ef9a2f"]
    for cx, cy, kind in flowers:
        r = rng.uniform(40, 74) * (0.75 + 0.45 * cy / H)
        tones = reds if kind < 0.5 else blues if kind < 0.8 else golds
        sheet.wash(
            Leaf(cx, cy, rng.uniform(140, 300), 4, np.pi / 2 + rng.normal(0, 0.15), rng.normal(0, 0.4)),
            rgb("#4f7f3f"),
            1.0,
            0.8,
            0,
            rgb("#2f5a6a"),
        )
        turn, petals = rng.uniform(0, 6), 5 if kind < 0.5 else 8
        for k in range(petals):
            a = turn + k * 2 * np.pi / petals + rng.normal(0, 0.15)
            px, py = cx + 0.55 * r * np.cos(a), cy + 0.45 * r * np.sin(a)
            wide = r * (0.52 if petals == 5 else 0.26)
            sheet.wash(
                Blob(rng, px, py, r * 0.62, wide, a, 0.1),
                rgb(rng.choice(tones)),
                rng.uniform(0.55, 1.0),
                0.75,
                0,
                rgb(rng.choice(tones)),
                lift=0.72,
            )
        heart = rgb("#1d1f3f") if kind < 0.8 else rgb("#7a3a1f")
        sheet.wash(Blob(rng, cx, cy, r * 0.2, r * 0.17, 0, 0.2), heart, 1.1, 0.5, 2.0, rgb("#3f2f5a"))
        for _ in range(9):
            a, q = rng.uniform(0, 6.3), r * rng.uniform(0.2, 0.36)
            sheet.wash(Blob(rng, cx + q * np.cos(a), cy + q * np.sin(a) * 0.85, 2.6, 2.2, a), heart, 1.2, 0.3)
    for _ in range(34):
        foot, base = rng.uniform(0, W), rng.uniform(H * 0.72, H + 90)
        leaf = Leaf(
            foot, base, rng.uniform(90, 260), rng.uniform(3, 9), -np.pi / 2 + rng.normal(0, 0.4), rng.normal(0, 0.8)
        )
        sheet.wash(
            leaf, rgb(rng.choice(["#1f4a4a", "#2a3f6a", "#2f5a2f"])), rng.uniform(0.8, 1.4), 0.6, 0, rgb("#4f7f3f")
        )
    for _ in range(260):
        cx, cy, r = rng.uniform(0, W), rng.uniform(0, H), rng.exponential(2.2) + 1.2
        tone = rng.choice(reds + blues + golds + greens)
        sheet.wash(Blob(rng, cx, cy, r, r, 0, 0.1), rgb(tone), 0.9, 0.6)
    ground = ramp(0.5 + 0.1 * noise(rng, H, W, 120, 3), "#f3ead6", "#fbf6e8")
    return sheet.colour * ground * light(blur(sheet.tooth, 0.7), 0.55)[..., None]
