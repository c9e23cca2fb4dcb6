"""Dots of pure colour: sailing boats and trees at a sunny river bank."""

import numpy as np

from .canvas import Canvas, Scene, noise, polygon, ramp, rgb, smooth, spread

SEED = 21
H, W = 768, 1024
PAINTS = [
    "#1b2a78",
    "#2f5fc4",
    "#5aa7e0",
    "#bfe0ea",
    "#0f5a4a",
    "#2f9a55",
    "#8ec63f",
    "#f2e24a",
    "#fbf2c4",
    "#f7a72c",
    "#ea5b2a",
    "#c41f3a",
    "#f2a0a8",
    "#7a3f9a",
    "#c79ad6",
    "#3a1d45",
    "#8a4a20",
]


def scene_of_a_river(rng):
    """Sky, far hills, boats with their reflections, a bank with trees and flowers."""
    scene = Scene(H, W)
    x, y = scene.x, scene.y
    scene.put(
        np.ones((H, W), bool),
        ramp(y / 300 + 0.06 * noise(rng, H, W, (40, 160), 3), "#4f8fd6", "#9ccbe6", "#f6ecc4", "#fbd0a0"),
        0.1,
    )
    for _ in range(9):
        cx, cy, r = rng.uniform(0, W), rng.uniform(30, 190), rng.uniform(40, 80)
        d, ring = scene.disc(cx, cy, r, 0.5)
        scene.put(
            d + 0.2 * noise(rng, H, W, 30, 3) < 1, ramp(0.5 - 0.6 * (y - cy) / r, "#b79fd0", "#f5c7bc", "#fffbe6"), ring
        )
    for top, tone in ((228, ("#4a5fae", "#7f8fd0", "#c3b6e0")), (262, ("#1f6a6a", "#4fa06a", "#c6cf5a"))):
        line = top + 14 * np.sin(x / 95 + top) + 6 * noise(rng, 1, W, 60, 3)
        scene.put(y > line, ramp(0.5 + 0.3 * noise(rng, H, W, 30, 3), *tone), 0.4)
    ripple = 0.5 + 0.3 * np.sin(y / 8 + 2 * np.sin(x / 60)) + 0.2 * noise(rng, H, W, (10, 70), 2)
    water = ramp(ripple, "#1d3f9a", "#2f7ac8", "#7ac0dc", "#f3ecc0")
    scene.put(y > 305, water, 0.05 * np.sin(x / 40))
    for cx, foot, tall, tone in (
        (180, 360, 190, "#fff3d6"),
        (410, 400, 240, "#f6b04a"),
        (655, 345, 150, "#fbe3d0"),
        (560, 330, 95, "#e8603a"),
        (300, 325, 80, "#fff6e0"),
        (900, 335, 110, "#f9e9b8"),
    ):
        for side, colour in ((-1, rgb(tone) * 0.72 + np.array([0.02, 0.0, 0.1])), (1, rgb(tone))):
            sail = [
                (cx, foot - tall),
                (cx + side * tall * (0.38 if side > 0 else 0.26), foot - tall * 0.14),
                (cx, foot - tall * 0.12),
            ]
            scene.put(polygon(H, W, sail), colour.clip(0, 1), np.pi / 2 - side * 0.3)
            mirror = [(px, 2 * foot - py) for px, py in sail]
            scene.put(polygon(H, W, mirror) & (np.sin(y / 5 + x / 50) > -0.3), colour.clip(0, 1) * 0.85, 0.0)
        hull = [
            (cx - tall * 0.3, foot - tall * 0.09),
            (cx + tall * 0.42, foot - tall * 0.11),
            (cx + tall * 0.3, foot),
            (cx - tall * 0.22, foot),
        ]
        scene.put(polygon(H, W, hull), rgb("#5a1f2c"), 0.0)
        scene.put(polygon(H, W, [(px, 2 * foot - py + 3) for px, py in hull]), rgb("#241a50"), 0.0)
    bank = 575 + 60 * np.sin(x / 260 + 2.6) + 8 * noise(rng, 1, W, 50, 3)
    grass = 0.55 + 0.25 * noise(rng, H, W, (26, 60), 3) + 0.25 * np.sin((y - bank) / 24) - smooth(22, 0, y - bank) * 0.4
    scene.put(y > bank, ramp(grass, "#123f4a", "#1f7a4a", "#7ab83f", "#f0de4a"), 0.3 + 0.3 * np.sin(x / 80))
    for cx, foot, r in ((90, 640, 105), (870, 600, 125), (985, 700, 90), (735, 575, 62)):
        scene.put(
            (np.abs(x - cx - 5 * np.sin(y / 30)) < r * 0.1) & (y < foot) & (y > foot - 2 * r), rgb("#3a1d45"), np.pi / 2
        )
        for _ in range(26):
            a, q = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
            bx, by, br = cx + r * q * np.cos(a), foot - 2 * r + 1.15 * r * q * np.sin(a), r * rng.uniform(0.2, 0.36)
            d, ring = scene.disc(bx, by, br)
            lit = 0.5 - 0.4 * (y - by) / br - 0.3 * (x - bx) / br + 0.25 * (cx - bx) / r - 0.2 * (by - foot + 2 * r) / r
            scene.put(d < 1, ramp(lit, "#16245e", "#0f5a55", "#2f9a4a", "#a8cf3f", "#fbe75a"), ring)
        d, _ = scene.disc(cx + r * 0.4, foot + 14, r * 1.2, 0.22)
        scene.put((d < 1) & (y > bank), rgb("#2a2f6a"), 0.0)
    for _ in range(70):
        cx, cy = rng.uniform(0, W), rng.uniform(630, 768)
        d, ring = scene.disc(cx, cy, rng.uniform(7, 15))
        scene.put(
            (d < 1) & (y > bank + 8), rgb(rng.choice(["#e8343a", "#f6a0b0", "#fff0d0", "#f7a72c", "#8a4fb0"])), ring
        )
    return scene


def draw(rng):
    """Dots of 17 pure paints. Where a paint misses the wished colour, its neighbours make up for it."""
    scene = scene_of_a_river(rng)
    paints = np.array([rgb(p) for p in PAINTS])
    canvas = Canvas(rng, H, W, rgb("#e9dcc0"))
    error = np.zeros((H // 12 + 2, W // 12 + 2, 3), np.float32)
    for size, gap, wild in ((15, 11, 0.16), (12, 9, 0.2), (9, 10, 0.24)):
        for px, py in spread(rng, H, W, gap, 4):
            xi, yi = min(W - 1, max(0, int(px))), min(H - 1, max(0, int(py)))
            cell = error[yi // 12, xi // 12]
            wish = scene.colour[yi, xi] + 0.85 * cell
            far = ((paints - wish) ** 2 * np.array([1.0, 1.4, 0.8])).sum(1) + rng.random(len(paints)) * wild
            paint = paints[np.argmin(far)]
            cell[:] = np.clip(0.8 * cell + 0.5 * (scene.colour[yi, xi] - paint), -0.5, 0.5)
            a = scene.angle[yi, xi] + rng.normal(0, 0.25)
            reach = np.array([np.cos(a), np.sin(a)]) * size * rng.uniform(0.25, 0.55)
            paint = np.clip(paint + rng.normal(0, 0.02, 3) + rng.normal(0, 0.03), 0, 1)
            canvas.stroke(
                [(px, py) - reach, (px, py) + reach],
                size * rng.uniform(0.8, 1.1),
                paint,
                dry=(0, 0.02),
                streak=0.04,
                taper=(0.5, 0.5),
                ragged=0.12,
                edge=0.3,
            )
    return canvas.picture(relief=0.35, shine=0.12)
