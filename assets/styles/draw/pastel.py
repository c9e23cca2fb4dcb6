"""Soft pastel: lavender fields under a wide evening sky; chalk caught by the tooth of dark paper."""

import numpy as np

from .canvas import Canvas, Scene, mix, noise, paint_scene, paper, ramp, rgb, smooth

SEED = 8
H, W = 768, 1024


def draw(rng):
    scene = Scene(H, W)
    x, y = scene.x, scene.y
    t = y / 330 + 0.1 * noise(rng, H, W, (60, 220), 3)
    sky = ramp(t, "#5f8fc4", "#86b9d6", "#c3d8d8", "#f6dcc0", "#fbc3a0", "#f59a8c")
    scene.put(np.ones((H, W), bool), sky, -0.7 + 0.3 * np.sin(x / 200))
    for i in range(22):
        cx, cy = rng.uniform(-40, W + 40), rng.uniform(10, 250)
        r = rng.uniform(38, 85)
        d, ring = scene.disc(cx, cy, r, 0.62)
        d = d + 0.16 * noise(rng, H, W, 34, 3)
        lit = 0.55 - 0.5 * (y - cy) / r - 0.25 * (x - cx) / r + 0.1 * noise(rng, H, W, 30, 2)
        scene.put(d < 1, ramp(lit, "#7a6fa8", "#c08fb4", "#f3b3a4", "#fde0bd", "#fffbe8"), ring + 0.6)
    for top, tone, a in ((315, ("#2a3470", "#5a6aa8", "#9fb3d0"), 0.5), (352, ("#1a4458", "#3f7f7c", "#a5cfae"), -0.5)):
        line = top + 16 * np.sin(x / 130 + top) + 7 * noise(rng, 1, W, 80, 3)
        scene.put(y > line, ramp(0.4 + 0.3 * noise(rng, H, W, 40, 3) + smooth(40, 0, y - line) * 0.3, *tone), a)
    vx, depth = 600.0, y - 392
    fan = (x - vx) / (np.maximum(depth, 2) + 24)
    row = np.sin(fan * 9.5)
    lavender = ramp(
        0.5 + 0.42 * row + 0.1 * noise(rng, H, W, (12, 24), 2), "#170b33", "#4a2f86", "#8a6cc4", "#c3a3e0", "#f0c9e4"
    )
    path = ramp(0.5 + 0.3 * noise(rng, H, W, 30, 3), "#5a8f5a", "#a8c66c", "#f3d98c")
    field = mix(lavender, path, smooth(0.55, 0.8, -row))
    scene.put(depth > 0, field, np.arctan2(depth + 24, x - vx) + 0.15 * np.sin(x / 25))
    for i in range(16):
        cx, cy = rng.uniform(0, W), rng.uniform(385, 520)
        r = 16 + (cy - 380) * 0.25 + rng.uniform(0, 14)
        d, ring = scene.disc(cx, cy - r * 0.8, r, 1.15)
        d = d + 0.12 * noise(rng, H, W, 20, 2)
        lit = 0.5 - 0.45 * (y - cy + r * 0.8) / r - 0.3 * (x - cx) / r
        scene.put(d < 1, ramp(lit, "#0a1a30", "#145450", "#6aa86a", "#d4dc84", "#fff0b0"), ring + 0.4)
    for i in range(120):
        cx, cy = rng.uniform(0, W), 560 + 220 * rng.random() ** 0.7
        d, ring = scene.disc(cx, cy, 5 + (cy - 480) * 0.045)
        colour = rgb(rng.choice(["#e8483f", "#f6784f", "#fbd35c", "#ffe9d6", "#e0567e"]))
        scene.put(d < 1, mix(colour, colour * 0.55, smooth(-0.4, 0.8, (y - cy) / 14)), -0.8)
    canvas = Canvas(rng, H, W, ramp(0.5 + 0.12 * noise(rng, H, W, 50, 3), "#3a2a4a", "#5f465f", "#8a6a7c"))
    canvas.tooth = paper(rng, H * 2, W * 2, 3.4)
    chalk = dict(dry=(0.1, 0.25), tooth=0.6, streak=0.05, body=0.2, taper=(0.05, 0.05), ragged=0.5, edge=0.5, soft=0.4)
    light = dict(chalk, dry=(0.38, 0.55), tooth=0.72, soft=0.3)
    paint_scene(
        canvas,
        scene,
        [(26, 90, 1.8, chalk), (15, 66, 1.5, light), (10, 54, 1.6, light), (6, 40, 1.2, dict(light, dry=(0.3, 0.5)))],
        hue=0.035,
        value=0.05,
        two=0.2,
        turn=0.2,
    )
    return canvas.picture(relief=0.2)
