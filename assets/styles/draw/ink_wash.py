"""Ink wash: misty mountains, pines and bamboo on rice paper, with one red sun."""

import numpy as np

from .canvas import Canvas, blur, light, mesh, noise, paper, ramp, rgb, smooth

SEED = 19
H, W = 1024, 768


def wash(rng, sheet, depth, dark, rim=0.25, wet=0.0):
    """Ink where depth > 0: more at the rim, grainy, cloudy; wet paper lets it run."""
    depth = depth + 2.5 * noise(rng, H, W, 24, 4)
    cover = smooth(0, 2.5 + wet, depth)
    cloud = np.clip(0.75 + 0.28 * noise(rng, H, W, 90, 5, 0.6), 0.1, 1.6)
    load = dark * cloud + rim * np.exp(-np.clip(depth, 0, None) / 2.2) * dark
    sheet *= np.exp(-load * cover)


def ridge(rng, peaks, rough):
    """The line of a mountain range: the highest of several peaks, with crags."""
    x = np.arange(W, dtype=np.float32)
    line = np.full(W, 2000.0)
    for px, top, half in peaks:
        line = np.minimum(line, top + np.abs(x - px) ** 1.25 / half)
    return line + rough * noise(rng, 1, W, 70, 5, 0.6)[0]


def pine(rng, canvas, x, y, tall, ink):
    lean, s = rng.normal(0, 0.18), np.linspace(0, 1, 10)
    trunk = np.stack([x + lean * tall * s + tall * 0.05 * np.sin(s * 7 + x), y - tall * s], 1)
    canvas.stroke(trunk, tall * 0.09, ink, dry=(0.05, 0.4), multiply=True, body=0, taper=(0.02, 0.7))
    for _ in range(13):
        k, side = rng.uniform(0.25, 1), rng.choice((-1, 1))
        bx, by = np.interp(k, s, trunk[:, 0]), np.interp(k, s, trunk[:, 1])
        long = tall * rng.uniform(0.18, 0.36) * (1.2 - 0.5 * k)
        ex, ey = bx + side * long, by - long * rng.uniform(-0.1, 0.35)
        canvas.stroke(
            [(bx, by), ((bx + ex) / 2, (by + ey) / 2 + 3), (ex, ey)],
            tall * 0.025,
            ink,
            dry=(0.1, 0.5),
            multiply=True,
            body=0,
        )
        for _ in range(7):
            t = rng.uniform(0.35, 1.1)
            cx, cy = bx + (ex - bx) * t, by + (ey - by) * t
            for _ in range(6):
                a = -np.pi / 2 + rng.normal(0, 0.75)
                r = tall * rng.uniform(0.05, 0.09)
                canvas.stroke(
                    [(cx, cy), (cx + r * np.cos(a), cy + r * np.sin(a))],
                    rng.uniform(1.6, 3.2),
                    ink,
                    dry=(0, 0.4),
                    multiply=True,
                    body=0,
                    opacity=rng.uniform(0.5, 0.95),
                    taper=(0.1, 0.8),
                    ragged=0.1,
                )


def bamboo(rng, canvas, x, lean, ink):
    y, wide = H + 30.0, rng.uniform(13, 22)
    while y > -60:
        long = rng.uniform(95, 140)
        a, b = np.array([x, y]), np.array([x + lean * long, y - long + 7])
        canvas.stroke(
            [a, (a + b) / 2 + [1.5, 0], b],
            wide,
            ink,
            dry=(0.1, 0.45),
            multiply=True,
            body=0,
            taper=(0.02, 0.02),
            opacity=0.8,
            streak=0.15,
            edge=0.0,
        )
        canvas.stroke(
            [b + [-wide * 0.6, 2], b + [0, -2], b + [wide * 0.6, 2]], 4, ink * 0.5, dry=(0, 0.3), multiply=True, body=0
        )
        if rng.random() < 0.85:
            side = rng.choice((-1, 1))
            joint = b + [side * rng.uniform(45, 100), -rng.uniform(10, 60)]
            canvas.stroke([b, (b + joint) / 2 + [0, -6], joint], 3.2, ink, dry=(0, 0.4), multiply=True, body=0)
            for _ in range(rng.integers(5, 9)):
                start = b + (joint - b) * rng.uniform(0.5, 1.05)
                a = np.pi / 2 - side * rng.uniform(-0.35, 1.1)
                long2 = rng.uniform(60, 125)
                t = np.linspace(0, 1, 7)
                leaf = np.stack([start[0] + long2 * np.cos(a) * t, start[1] + long2 * np.sin(a) * t + 12 * t**2], 1)
                canvas.stroke(
                    leaf,
                    rng.uniform(12, 21),
                    np.clip(ink + rng.choice((0, 0, 0.12, 0.35)), 0, 0.7),
                    dry=(0.0, 0.5),
                    multiply=True,
                    body=0,
                    taper=(0.35, 0.75),
                    ragged=0.05,
                    opacity=0.92,
                    streak=0.1,
                )
        x, y = b[0], b[1] - 6


def draw(rng):
    y, x = mesh(H, W)
    sheet = np.ones((H, W), np.float32)
    sheet *= np.exp(-np.clip(0.02 + 0.1 * noise(rng, H, W, (120, 300), 5, 0.6), 0, 1) * smooth(560, 0, y))
    ranges = [
        ([(150, 170, 3.4), (560, 90, 3.0), (390, 230, 3.5)], 22, 0.5, 95),
        ([(300, 290, 3.6), (700, 240, 3.0), (40, 360, 3)], 24, 0.8, 90),
        ([(110, 430, 3.2), (480, 410, 4.2), (760, 470, 3)], 22, 1.15, 85),
        ([(270, 600, 5), (650, 570, 4.0)], 20, 1.6, 80),
        ([(60, 720, 4), (430, 760, 6), (740, 730, 4)], 16, 2.1, 85),
    ]
    lines = []
    for peaks, rough, dark, fall in ranges:
        line = ridge(rng, peaks, rough)
        lines.append(line)
        depth = y - line[None]
        mist = np.exp(-np.clip(depth, 0, None) / fall) * np.clip(1 + 0.3 * noise(rng, H, W, (60, 130), 4), 0.2, 2)
        sheet += (1 - sheet) * 0.93 * smooth(0, 40, depth)
        wash(rng, sheet, depth, dark * mist)
        cracks = noise(rng, H, W, (70, 26), 4)
        wash(rng, sheet, np.where(depth > 3, 14 * (cracks - 0.45), -9), 0.8 * dark * mist, 0.35, 4)
    shore = 905 + 20 * np.sin(x / 90) + 6 * noise(rng, 1, W, 50, 3)
    ripple = noise(rng, H, W, (9, 150), 4) + np.sin(y / 7 + x / 160)
    wash(rng, sheet, np.where(y > shore, 9 * (ripple - 0.5), -9), 0.9, 0.2, 3)
    ground = ramp(
        0.5
        + 0.12 * noise(rng, H, W, 200, 3)
        + 0.08 * noise(rng, H, W, (3, 26), 3)
        + 0.08 * noise(rng, H, W, (26, 3), 3),
        "#e6d9bc",
        "#f3ead4",
        "#faf5e8",
    )
    ink = ramp(1 - sheet, "#ffffff", "#9c9a99", "#4a4a50", "#101116")
    sun = np.hypot(x - 372, y - 142) + 3 * noise(rng, H, W, 30, 4)
    red = (
        smooth(62, 56, sun)
        * np.clip(0.8 + 0.15 * noise(rng, H, W, 40, 4) + 0.3 * np.exp(-np.abs(sun - 58) / 3), 0, 1)
        * smooth(0.35, 0.85, sheet)
    )
    colour = ground * ink * (1 - red[..., None] * (1 - rgb("#c93a24")))
    canvas = Canvas(rng, H, W, colour)
    black = np.array([0.08, 0.08, 0.1], np.float32)
    for level, line in enumerate(lines):
        pale = 0.55 - 0.12 * level
        for _ in range(120):
            px = rng.uniform(0, W)
            py = line[int(px)] + rng.exponential(60) + 4
            slope = np.gradient(line)[int(px)]
            a = np.arctan2(1.0, 0.5 * np.sign(slope)) + rng.normal(0, 0.25)
            t = np.linspace(0, 1, 6)
            long = rng.uniform(18, 62)
            path = np.stack([px + long * np.cos(a) * t, py + long * np.sin(a) * t + 3 * np.sin(t * 6)], 1)
            canvas.stroke(
                path,
                rng.uniform(3, 12),
                black + pale,
                dry=(0.35, 0.8),
                multiply=True,
                body=0,
                opacity=0.75,
                taper=(0.1, 0.4),
            )
        for _ in range(5 + 2 * level):
            px = int(rng.uniform(10, W - 10))
            if level > 0:
                pine(
                    rng,
                    canvas,
                    px,
                    line[px] + rng.uniform(2, 26),
                    rng.uniform(0.75, 1.3) * (26 + 17 * level),
                    black + max(0, 0.45 - 0.1 * level),
                )
    for x0, lean, pale in ((95, 0.06, 0.42), (712, -0.05, 0.05), (30, 0.03, 0.0)):
        bamboo(rng, canvas, x0, lean, black + pale)
    tooth = paper(rng, H, W, 3)
    return canvas.picture() * light(blur(tooth, 0.8), 0.22)[..., None]
