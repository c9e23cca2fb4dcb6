"""Cubist planes: guitar, bottle, bowl and table taken apart into facets with dark edges."""

import numpy as np
from scipy import ndimage

from .canvas import Canvas, Scene, mix, noise, paint_scene, polygon, ramp, rgb, smooth

SEED = 12
H, W = 1024, 820
TONES = [
    ("#1f1512", "#74482a", "#d09a58"),
    ("#5a3412", "#bf8230", "#f6d68e"),
    ("#1a2630", "#4a6878", "#b4c6c4"),
    ("#3a2c18", "#8f8048", "#dccf92"),
    ("#561c12", "#bf5228", "#f0a868"),
    ("#8a8070", "#d8ccb0", "#fbf4e0"),
    ("#0f2c3c", "#2f7488", "#a4d2cc"),
    ("#22281a", "#5f7444", "#b8c080"),
]


def things():
    """Outlines of the things on the table, each as a list of points; some are seen twice."""
    t = np.linspace(0, 2 * np.pi, 60)
    guitar = np.stack(
        [(0.62 + 0.16 * np.sin(t) - 0.2 * np.exp(-(((np.sin(t) + 0.15) / 0.28) ** 2))) * np.cos(t), 1.05 * np.sin(t)], 1
    )
    neck = np.array([(-0.09, -0.9), (0.09, -0.9), (0.07, -2.3), (0.13, -2.65), (-0.13, -2.65), (-0.07, -2.3)])
    bottle = np.array(
        [
            (-0.34, 1.2),
            (-0.36, -0.2),
            (-0.13, -0.62),
            (-0.12, -1.3),
            (0.12, -1.3),
            (0.13, -0.62),
            (0.36, -0.2),
            (0.34, 1.2),
        ]
    )
    glass = np.array(
        [
            (-0.45, -0.8),
            (0.45, -0.8),
            (0.32, 0.1),
            (0.06, 0.28),
            (0.06, 0.8),
            (0.36, 0.95),
            (-0.36, 0.95),
            (-0.06, 0.8),
            (-0.06, 0.28),
            (-0.32, 0.1),
        ]
    )
    pear = np.stack([(0.55 - 0.22 * np.sin(-t)) * np.cos(t), np.sin(t)], 1)
    ring = np.stack([np.cos(t), np.sin(t)], 1)
    return dict(guitar=guitar, neck=neck, bottle=bottle, glass=glass, pear=pear, ring=ring)


def draw(rng):
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    cell = np.zeros((H, W), np.int64)
    centre = np.array([W * 0.5, H * 0.5])
    slants = [0.35, 0.5, 1.15, 1.3, 1.85, 2.05, 2.7, 2.9]

    def split(field, where=None):
        """Gives new numbers to the facets on the far side of a line."""
        nonlocal cell
        far = field > 0 if where is None else (field > 0) & where
        cell = cell * 2 + far
        _, cell = np.unique(cell, return_inverse=True)
        cell = cell.reshape(H, W)

    for i in range(11):
        a = slants[i % 8] + rng.normal(0, 0.12)
        away = rng.uniform(-420, 420)
        split((x - centre[0]) * np.cos(a) + (y - centre[1]) * np.sin(a) - away)
    for i in range(84):
        a = slants[rng.integers(8)] + rng.normal(0, 0.1)
        px, py = rng.uniform(0, W), rng.uniform(0, H)
        near = np.hypot(x - px, y - py) < rng.uniform(80, 170)
        groups = np.unique(cell[near])
        pick = np.isin(cell, rng.choice(groups, max(1, len(groups) // 3), replace=False))
        split((x - px) * np.cos(a) + (y - py) * np.sin(a), pick)
    shapes, hue = things(), np.full((H, W), -1)
    plan = [
        ("guitar", 330, 610, 205, 0.42, 4),
        ("guitar", 372, 590, 215, 0.55, 1),
        ("neck", 345, 600, 200, 0.46, 0),
        ("bottle", 620, 400, 210, -0.06, 7),
        ("bottle", 655, 420, 215, 0.05, 6),
        ("glass", 560, 790, 150, 0.1, 5),
        ("pear", 170, 270, 95, -0.5, 4),
        ("pear", 255, 300, 85, 0.6, 3),
        ("pear", 705, 850, 88, 1.2, 4),
        ("ring", 325, 640, 58, 0, 0),
        ("ring", 150, 880, 120, 0, 2),
        ("glass", 430, 190, 130, -0.3, 6),
        ("ring", 640, 150, 95, 0, 5),
        ("bottle", 60, 560, 190, 0.12, 2),
    ]
    for name, cx, cy, size, a, tone in plan:
        p = shapes[name] @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) * size + [cx, cy]
        mask = polygon(H, W, p)
        slip = mask & (rng.random(cell.max() + 1)[cell] < 0.82)
        split(slip.astype(float) - 0.5)
        hue[slip] = tone
    labels, count = np.zeros((H, W), np.int32), 0
    for c in np.unique(cell):
        part, n = ndimage.label(cell == c)
        labels[part > 0] = part[part > 0] + count
        count += n
    size = np.bincount(labels.ravel(), minlength=count + 1)
    scene = Scene(H, W)
    scene.part = labels
    tilt = np.array([slants[i] for i in rng.integers(0, 8, count + 1)])
    fade = rng.choice((-1, 1), count + 1)
    base = rng.uniform(0.05, 0.95, count + 1)
    flat = labels.ravel()
    my, mx = (np.bincount(flat, v.ravel(), count + 1) / size.clip(1) for v in (y, x))
    along = ((x - mx[labels]) * np.cos(tilt[labels]) + (y - my[labels]) * np.sin(tilt[labels])) / np.sqrt(
        size[labels].clip(400)
    )
    own = hue.ravel()[np.unique(flat, return_index=True)[1]]
    for i, k in enumerate(np.unique(flat)):
        mask = labels == k
        tone = TONES[own[i]] if own[i] >= 0 and rng.random() < 0.85 else TONES[rng.choice([0, 1, 1, 2, 3, 4, 5, 5, 6])]
        t = 0.15 + 0.7 * base[k] + 0.75 * fade[k] * along[mask]
        scene.colour[mask] = ramp(t, *tone)
        scene.angle[mask] = tilt[k] + np.pi / 2
    rim = np.zeros((H, W), bool)
    rim[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    rim[1:] |= labels[1:] != labels[:-1]
    gap = ndimage.distance_transform_edt(~rim)
    canvas = Canvas(rng, H, W, rgb("#4a3b2a"))
    options = dict(dry=(0.0, 0.15), streak=0.06, taper=(0.02, 0.04), ragged=0.35)
    paint_scene(
        canvas,
        scene,
        [(26, 60, 3.0, options), (17, 46, 2.6, options), (11, 30, 1.0, options)],
        hue=0.014,
        value=0.028,
        two=0.35,
        turn=0.06,
    )
    picture = canvas.picture(relief=0.45, shine=0.2)
    press = np.clip(0.8 + 0.25 * noise(rng, H, W, 130, 2), 0.3, 1)
    line = smooth(3.8, 1.2, gap + 0.6 * noise(rng, H, W, 5, 2)) * press
    shade = 0.5 * np.exp(-gap / 16) * np.clip(0.5 + 0.6 * np.sin(3 * tilt[labels]), 0, 1)
    picture = picture * (1 - shade)[..., None]
    strings = np.zeros((H, W), np.float32)
    for k in range(5):
        q = (x - 345) * np.cos(0.46) + (y - 600) * np.sin(0.46) - (k - 2) * 8
        r = -(x - 345) * np.sin(0.46) + (y - 600) * np.cos(0.46)
        strings = np.maximum(strings, smooth(1.7, 0.5, np.abs(q)) * (r < 140) * (r > -520))
    picture = mix(picture, np.broadcast_to(rgb("#efe2c0"), picture.shape), strings * 0.7 * (labels % 3 > 0))
    return mix(picture, np.broadcast_to(rgb("#17120f"), picture.shape), np.clip(line, 0, 1) * 0.88)
