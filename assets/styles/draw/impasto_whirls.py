"""Thick oil paint: whirling evening clouds over hills with round trees."""

import numpy as np

from .canvas import Canvas, Scene, mix, noise, paint_scene, ramp, rgb, smooth

SEED = 11
H, W = 768, 1024


def sky(scene, rng):
    """Whirls: rings of light and dark around a few centres, and directions that turn with them."""
    vx, vy = np.ones((H, W), np.float32), 0.45 * np.sin(scene.x / 150 + scene.y / 90)
    tone = 0.34 + 0.3 * np.sin(scene.y / 26 + 1.6 * np.sin(scene.x / 120)) + 0.1 * noise(rng, H, W, 90, 3)
    warm = np.zeros((H, W), np.float32)
    centres = [
        (150, 190, 150, 1),
        (420, 110, 95, -1),
        (655, 250, 150, -1),
        (915, 130, 120, 1),
        (380, 320, 85, 1),
        (40, 400, 80, -1),
        (890, 390, 90, 1),
        (645, 20, 70, 1),
    ]
    for cx, cy, r, spin in centres:
        d, ring = scene.disc(cx, cy, r)
        pull = 5 * np.exp(-((d / 1.15) ** 4))
        inward = -0.25 * spin
        vx += pull * spin * np.cos(ring + inward)
        vy += pull * spin * np.sin(ring + inward)
        spiral = 0.5 + 0.5 * np.cos(d * 7.5 - spin * (ring - np.pi / 2))
        near = np.exp(-((d / 0.95) ** 4))
        tone = tone * (1 - near) + near * (0.2 + 0.75 * spiral)
        warm = np.maximum(warm, np.exp(-((d / 0.62) ** 4)))
    colour = ramp(tone, "#1d1f55", "#3f3a86", "#8a4f93", "#d9728a", "#f4a98a", "#fbdcb0")
    gold = ramp(tone, "#2b3f8c", "#4f8fc0", "#a9d4d0", "#fdf3d4")
    return mix(colour, gold, warm), np.arctan2(vy, vx)


def draw(rng):
    scene = Scene(H, W)
    x, y = scene.x, scene.y
    colour, angle = sky(scene, rng)
    scene.put(np.ones((H, W), bool), colour, angle)
    bend = noise(rng, 1, W, 160, 2)
    tones = [
        ("#1b2a5c", "#2f5f8f", "#6f8fae"),
        ("#14414a", "#1f7a68", "#7fb04e"),
        ("#7a3a2a", "#cf7a2a", "#f4b84a"),
        ("#b5741a", "#e6b22e", "#f7df7d"),
        ("#123a3f", "#2a7f4f", "#a9bf45"),
        ("#4a2a5f", "#a8508a", "#f0a090"),
        ("#0d2746", "#17646f", "#5fae8f"),
    ]
    tops = [430, 480, 528, 575, 622, 675, 722]
    for i, (top, tone) in enumerate(zip(tops, tones)):
        phase = rng.uniform(0, 6)
        line = top + (26 + 3 * i) * np.sin(x / (105 + 12 * i) + phase) + 10 * np.roll(bend, 97 * i, 1)
        slope = np.gradient(line, axis=1)
        depth = y - line
        wave = 0.5 + 0.35 * np.sin(depth / 7.5 + 0.8 * np.sin(x / 60 + i)) - 0.35 * smooth(0, 1, 1 - depth / 10)
        scene.put(depth > 0, ramp(wave, *tone), np.arctan(slope) + 0.25 * np.sin(x / 45 + depth / 30))
    trees = sorted(((rng.uniform(0, W), rng.uniform(515, 770)) for _ in range(30)), key=lambda place: place[1])
    for cx, cy in trees:
        r = rng.uniform(22, 34) * (cy / 700) ** 2
        d, ring = scene.disc(cx, cy - r, r)
        lit = 0.5 + 0.14 * np.sin(d * 8 + ring) - 0.42 * (y - cy + r) / r - 0.25 * (x - cx) / r
        tone = (
            ("#0b1f3f", "#0f4a55", "#3f8f4f", "#d3cf57")
            if rng.random() < 0.75
            else ("#5a1230", "#b03a2a", "#f08a3a", "#fbd36a")
        )
        scene.put(d + 0.08 * np.sin(ring * 7 + cx) < 1, ramp(lit, *tone), ring + 0.5)
    canvas = Canvas(rng, H, W, rgb("#20324f"))
    options = dict(dry=(0.0, 0.12), streak=0.07)
    paint_scene(
        canvas,
        scene,
        [(22, 95, 2.2, options), (14, 62, 2.2, options), (9, 40, 1.3, options)],
        hue=0.025,
        value=0.035,
        two=0.6,
    )
    return canvas.picture(relief=0.75, shine=0.5)
