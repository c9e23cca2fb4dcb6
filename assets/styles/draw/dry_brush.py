"""Dry brush: bare birches and reeds at a lake; stiff brushes dragged over rough linen."""

import numpy as np

from .canvas import Canvas, Scene, noise, paint_scene, ramp, rgb, vary, weave

SEED = 5
H, W = 768, 1024


def draw(rng):
    scene = Scene(H, W)
    x, y = scene.x, scene.y
    cloud = 0.5 + 0.3 * noise(rng, H, W, (70, 240), 4)
    sky = ramp(cloud, "#56758a", "#9fb0b0", "#e4cfa9", "#f8ead0")
    scene.put(np.ones((H, W), bool), sky, 0.12 * np.sin(x / 170) + 0.05)
    for top, tone in (
        (300, ("#75857f", "#9aa398", "#c3bfa8")),
        (345, ("#4a5a58", "#7a8272", "#b09a70")),
        (392, ("#3b3a33", "#7d5a38", "#c48a48")),
    ):
        line = top + 14 * noise(rng, 1, W, 120, 4)
        scene.put(y > line, ramp(0.5 + 0.3 * noise(rng, H, W, (26, 60), 3), *tone), np.pi / 2 + 0.25 * np.sin(x / 30))
    water = 0.5 + 0.28 * noise(rng, H, W, (16, 190), 3) + 0.25 * np.sin(y / 28)
    scene.put(y > 430, ramp(water, "#26343b", "#556a70", "#9aa7a2", "#e0d8c2"), 0.03)
    bank = 610 + 26 * np.sin(x / 140 + 1) + 12 * noise(rng, 1, W, 90, 3)
    scene.put(
        y > bank,
        ramp(0.45 + 0.35 * noise(rng, H, W, (60, 40), 3), "#2a211b", "#6b4226", "#b0763a", "#dcb878"),
        np.pi / 2 + 0.5 * np.sin(x / 60),
    )
    canvas = Canvas(rng, H, W, rgb("#8f7555"))
    ground = 0.5 + 0.2 * noise(rng, H, W, (30, 120), 4)
    canvas.colour[:] = np.repeat(np.repeat(ramp(ground, "#3d2c20", "#7d6247", "#a98a60"), 2, 0), 2, 1)
    canvas.tooth = np.repeat(np.repeat(weave(rng, H, W, 4), 2, 0), 2, 1)
    drag = dict(dry=(0.18, 0.72), tooth=0.4, streak=0.1, body=0.6, taper=(0.02, 0.05), ragged=0.9, soft=0.1)
    paint_scene(
        canvas,
        scene,
        [(42, 170, 2.2, drag), (26, 110, 1.6, drag), (15, 70, 0.7, drag)],
        hue=0.008,
        value=0.05,
        two=0.5,
        turn=0.1,
        keep=False,
    )
    trunks = sorted(rng.uniform(0, 1) for _ in range(13))
    for i, place in enumerate(trunks):
        foot, lean = (i + 0.2 + 0.6 * place) * W / 13, rng.normal(0, 0.05)
        wide, base = rng.uniform(12, 34), rng.uniform(560, 740)
        t = np.linspace(0, 1, 12)
        px = foot + lean * (base - t * (base + 20)) + 8 * np.sin(t * 5 + i)
        path = np.stack([px, base - t * (base + 20)], 1)
        canvas.stroke(path, wide, rgb("#2d2823"), dry=(0.1, 0.3), tooth=0.35, taper=(0.01, 0), body=0.8)
        canvas.stroke(
            path + [-wide * 0.18, 0],
            wide * 0.72,
            vary(rng, rgb("#efe6d2"), 0.02),
            rgb("#b9ac98"),
            dry=(0.15, 0.45),
            tooth=0.45,
            taper=(0.01, 0),
            body=1.0,
            streak=0.12,
        )
        for _ in range(int(wide * 0.55)):
            k = rng.uniform(0, 1)
            cx, cy = np.interp(k, t, path[:, 0]), np.interp(k, t, path[:, 1])
            canvas.stroke(
                [(cx - wide * 0.4, cy), (cx + rng.uniform(0, wide * 0.35), cy - 3)],
                rng.uniform(3, 8),
                rgb("#221d1a"),
                dry=(0.1, 0.6),
                tooth=0.3,
            )
        for _ in range(7):
            k, way = rng.uniform(0.35, 1), rng.choice((-1, 1))
            cx, cy = np.interp(k, t, path[:, 0]), np.interp(k, t, path[:, 1])
            s = np.linspace(0, 1, 8)
            long = rng.uniform(50, 130)
            twig = np.stack([cx + way * long * s, cy - long * (0.5 * s + 0.5 * s**2) + 6 * np.sin(s * 9 + i)], 1)
            canvas.stroke(
                twig, rng.uniform(4, 8), vary(rng, rgb("#33281f"), 0.01), dry=(0.1, 0.5), tooth=0.3, taper=(0.02, 0.8)
            )
            for _ in range(3):
                lx, ly = twig[rng.integers(3, 8)] + rng.normal(0, 14, 2)
                a = rng.uniform(0.9, 2.2)
                leaf = vary(rng, rgb(rng.choice(["#b5521f", "#d98a2b", "#8f3a1c", "#e3b25a"])), 0.03)
                long = rng.uniform(16, 30)
                canvas.stroke(
                    [(lx, ly), (lx + long * np.cos(a), ly + long * np.sin(a))],
                    rng.uniform(10, 16),
                    leaf,
                    dry=(0.1, 0.5),
                    tooth=0.4,
                    taper=(0.5, 0.6),
                    ragged=0.2,
                )
    for _ in range(420):
        px, py = rng.uniform(-20, W + 20), rng.uniform(650, 830)
        long, lean = rng.uniform(60, 190), rng.normal(0.12, 0.2)
        s = np.linspace(0, 1, 8)
        reed = np.stack([px + lean * long * s**2 + 3 * np.sin(s * 4 + px), py - long * s], 1)
        colour = ramp(rng.beta(1.2, 1.2), "#1f1813", "#6a3c1d", "#b98142", "#ecd9a8")
        canvas.stroke(
            reed, rng.uniform(4, 11), vary(rng, colour, 0.015), dry=(0.1, 0.65), tooth=0.35, taper=(0.03, 0.5), body=0.9
        )
    return canvas.picture(relief=0.45, shine=0.2)
