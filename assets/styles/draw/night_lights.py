"""Lamps at a harbour at night: warm halos and long reflections among dark blue strokes."""

import numpy as np

from .canvas import Canvas, Scene, mix, noise, paint_scene, ramp, rgb, vary

SEED = 3
H, W = 768, 1024
SHORE = 430


def draw(rng):
    scene = Scene(H, W)
    x, y = scene.x, scene.y
    band = 0.4 + 0.25 * np.sin(y / 34 + 1.2 * np.sin(x / 130)) + 0.2 * noise(rng, H, W, (50, 160), 3)
    scene.put(
        np.ones((H, W), bool),
        ramp(band, "#060a24", "#0e1a55", "#1c3888", "#34569f", "#6a7fb8"),
        0.35 * np.sin(x / 120 + y / 80),
    )
    px = -10.0
    while px < W:
        wide, tall = rng.uniform(42, 88), rng.uniform(90, 240)
        top = SHORE - tall
        wall = ramp(rng.random(), "#141a4a", "#2f3070", "#45336a", "#1c4a68", "#5a3558")
        shade = 0.6 + 0.5 * (x - px) / wide + 0.12 * noise(rng, H, W, 30, 2)
        box = (x >= px) & (x < px + wide) & (y > top) & (y < SHORE)
        gable = (np.abs(x - px - wide / 2) < (y - top + wide * 0.6) * 0.85) & (y <= top) & (x >= px) & (x < px + wide)
        scene.put(box, wall * np.clip(shade, 0.5, 1.7)[..., None], np.pi / 2)
        scene.put(gable, ramp(shade - 0.4, "#0a0a20", "#4a2038", "#7a3a3f"), 0.9)
        for wy in np.arange(top + 14, SHORE - 22, 27):
            for wx in np.arange(px + 9, px + wide - 14, 19):
                if rng.random() < 0.62:
                    glow = rgb(rng.choice(["#f9c24a", "#f3902f", "#fde9a4", "#e0662a"]))
                    scene.put((x > wx) & (x < wx + 12) & (y > wy) & (y < wy + 18), glow, np.pi / 2)
        px += wide
    deep = (y - SHORE) / (H - SHORE)
    ripple = (
        0.42 + 0.28 * np.sin(y / (5 + 7 * deep) + 2.2 * np.sin(x / 70 + y / 40)) + 0.2 * noise(rng, H, W, (14, 90), 3)
    )
    scene.put(
        y > SHORE, ramp(ripple, "#040a20", "#0a1f48", "#14407a", "#2c74a0", "#69aeb6"), 0.12 * np.sin(x / 60 + y / 25)
    )
    quay = (y > SHORE - 8) & (y < SHORE + 10)
    scene.put(quay, ramp(0.5 + 0.3 * noise(rng, H, W, (6, 40), 2), "#0b0a18", "#2d2338", "#6a4a44"), 0.0)
    lamps = [
        (64, 376, 84),
        (176, 330, 120),
        (322, 384, 70),
        (452, 322, 138),
        (560, 388, 66),
        (668, 352, 104),
        (802, 384, 76),
        (925, 318, 132),
        (110, 100, 62),
        (480, 60, 46),
        (850, 84, 66),
        (300, 150, 40),
        (690, 140, 44),
    ]
    sky = y < SHORE - 6
    for i, (cx, cy, r) in enumerate(lamps):
        d, ring = scene.disc(cx, cy, r)
        fade = np.exp(-((d * 1.65) ** 2)) * (0.82 + 0.18 * np.cos(d * 13 + 0.5 * np.sin(ring * 3)))
        cool = cy < 300 and r < 80
        glow = (
            ramp(1.08 - d, "#1c3f86", "#3f86b8", "#9fd3d0", "#f6f4c8", "#fffce8")
            if cool
            else ramp(1.1 - d, "#5a2a50", "#b0483f", "#ea8a2f", "#fbc84f", "#fff8d8")
        )
        place = sky & (d < 1.6)
        amount = np.clip(fade * 1.2, 0, 1)
        scene.colour[place] = mix(scene.colour, glow, amount)[place]
        scene.angle[place & (d < 1.1)] = ring[place & (d < 1.1)]
        scene.part[place & (d < 0.9)] = 0
        if cool:
            continue
        sway = 8 * np.sin(y / 12 + i) + 5 * np.sin(y / 5.3)
        wide = (0.12 + 0.2 * np.clip(deep, 0, 1)) * r + 6 * np.sin(y / 7)
        mark = (y > SHORE + 8) & (np.abs(x - cx - sway) < wide) & (noise(rng, H, W, (9, 50), 2) > -0.9 + 1.0 * deep)
        scene.put(mark, ramp(0.98 - 0.7 * deep + 0.15 * np.sin(y / 6), "#8a2f3a", "#d9592a", "#f7a53f", "#fff1b8"), 0.0)
    canvas = Canvas(rng, H, W, rgb("#0a1838"))
    options = dict(dry=(0.0, 0.15), streak=0.07)
    paint_scene(
        canvas,
        scene,
        [(19, 66, 2.0, options), (12, 44, 2.4, options), (7.5, 26, 1.5, options)],
        hue=0.022,
        value=0.03,
        two=0.5,
    )
    for cx, cy, r in lamps:
        if cy > 300:
            r = min(r, 90)
            canvas.stroke([(cx, cy + 6), (cx + 1, SHORE)], 7, rgb("#05060f"), body=1.3)
        for k in range(5):
            a = k * 1.3 + cx
            c = np.array([cx, cy]) + 3 * np.array([np.cos(a), np.sin(a)])
            canvas.stroke([c - 5, c + 5], r * 0.2, vary(rng, rgb("#fffbe6"), 0.01, 0.02), body=1.6)
    return canvas.picture(relief=0.7, shine=0.45)
