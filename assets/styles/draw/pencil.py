"""Pencil: pears, apples and leaves in a heap; graphite hatching that follows the forms."""

import numpy as np

from .canvas import Canvas, blur, even_lines, light, mesh, noise, paper, ramp, smooth

SEED = 17
H, W = 768, 1024
LAMP = np.array([-0.55, -0.6, 0.58])


class Heap:
    """Round things: tone, direction of the hatching across the form, and the part number."""

    def __init__(self, rng):
        self.y, self.x = mesh(H, W)
        self.tone = np.full((H, W), 0.3, np.float32)
        self.angle = np.full((H, W), 0.7, np.float32)
        self.part = np.zeros((H, W), np.int32)
        self.spots = 0.05 * noise(rng, H, W, 10, 2)

    def local(self, cx, cy, a, r):
        """Coordinates along and across the axis `a` of a thing, in units of its size."""
        dx, dy = (self.x - cx) / r, (self.y - cy) / r
        return dx * np.cos(a) + dy * np.sin(a), -dx * np.sin(a) + dy * np.cos(a)

    def add(self, mask, tone, angle):
        """Lays a thing on the heap; it throws a soft shadow on what lies below."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return
        box = np.s_[max(0, rows[0] - 60) : rows[-1] + 61, max(0, columns[0] - 60) : columns[-1] + 61]
        for spread, dark in ((16, 0.6), (7, 0.5)):
            shade = np.roll(blur(mask[box].astype(np.float32), spread), (spread // 2, spread // 2), (0, 1))
            self.tone[box] *= 1 - dark * shade * ~mask[box]
        self.tone[mask], self.angle[mask] = tone[mask], angle[mask]
        self.part[mask] = self.part.max() + 1

    def ball(self, mask, u, v, a):
        """Light on a form whose normals point to (u, v)."""
        q = np.clip(u**2 + v**2, 0, 1)
        nx, ny = u * np.cos(a) - v * np.sin(a), u * np.sin(a) + v * np.cos(a)
        lit = nx * LAMP[0] + ny * LAMP[1] + np.sqrt(1 - q) * LAMP[2]
        tone = 0.4 + 0.46 * lit + 0.35 * np.clip(lit - 0.9, 0, 1) / 0.1 + 0.16 * smooth(0.82, 1.0, q) * (lit < 0)
        tone = tone + self.spots
        across = a + np.pi / 2 + 1.32 * v * (0.35 - u)
        self.add(mask, tone, across)

    def pear(self, cx, cy, r, a):
        u, v = self.local(cx, cy, a, r)
        wide = np.where(
            u < 0,
            np.sqrt(np.clip(1 - u**2, 0, 1)),
            np.clip(1 - 0.62 * smooth(0, 1.25, u), 0, 1) * np.sqrt(np.clip(1 - (u / 1.75) ** 4, 0, 1)),
        )
        mask = (np.abs(v) < wide) & (u > -1) & (u < 1.75)
        self.stalk(cx + 1.7 * r * np.cos(a), cy + 1.7 * r * np.sin(a), a + 0.3, r * 0.55, r * 0.07)
        self.ball(mask, np.where(u < 0, u, u / 1.75), v / np.maximum(wide, 0.05) * np.where(u < 0, wide, 0.95), a)

    def apple(self, cx, cy, r, a):
        u, v = self.local(cx, cy, a, r)
        mask = np.hypot(u * 1.08, v) < 1 + 0.03 * np.cos(5 * np.arctan2(v, u))
        self.ball(mask, u * 1.05, v, a)
        pu, pv = self.local(cx + 0.42 * r * np.cos(a), cy + 0.42 * r * np.sin(a), a, r * 0.34)
        pit = np.exp(-(pu**2 + (pv * 0.6) ** 2) * 1.6)
        self.tone[mask] *= (1 - 0.85 * pit)[mask]
        self.stalk(cx + 0.42 * r * np.cos(a), cy + 0.42 * r * np.sin(a), a + 0.3, r * 0.6, r * 0.06)

    def stalk(self, x, y, a, long, wide):
        u, v = self.local(x, y, a, 1.0)
        mask = (u > 0) & (u < long) & (np.abs(v - 0.004 * u**2) < wide * (0.7 + 0.5 * u / long))
        self.add(mask, 0.2 + 0.5 * (v < 0), np.full_like(u, a))

    def leaf(self, cx, cy, long, a, dark):
        u, v = self.local(cx, cy, a, long)
        v = v - 0.12 * np.sin(u * 3)
        wide = 0.36 * np.sin(np.pi * np.clip(u, 0, 1) ** 0.85) ** 1.5
        mask = (u > 0) & (u < 1) & (np.abs(v) < wide)
        veins = np.abs(np.sin((u - np.abs(v) * 0.8) * 24))
        tone = dark + 0.2 * (v < 0) + 0.16 * veins - 0.35 * np.exp(-np.abs(v) * 60) + 0.2 * np.sin(u * 5)
        self.add(mask, tone, a + np.sign(v) * 0.85)


def draw(rng):
    heap = Heap(rng)
    heap.tone[:] = 0.5 + 0.12 * noise(rng, H, W, 90, 2)
    heap.angle[:] = 0.75 + 0.2 * np.sin(heap.x / 140)
    rows, across = 5, 6
    for k in range(rows * across):
        cx = (k % across + 0.5 * ((k // across) % 2) + rng.uniform(-0.15, 0.15)) * W / (across - 0.5)
        cy = (k // across + 0.35 + rng.uniform(-0.15, 0.15)) * H / rows
        for side in (-1, 1):
            heap.leaf(
                cx + side * 40,
                cy - 20,
                rng.uniform(130, 180),
                -np.pi / 2 + side * rng.uniform(0.5, 1.5),
                rng.uniform(0.2, 0.45),
            )
        if rng.random() < 0.5:
            heap.pear(cx, cy + 18, rng.uniform(66, 80), -np.pi / 2 + rng.normal(0, 0.45))
        else:
            heap.apple(cx, cy, rng.uniform(74, 90), -np.pi / 2 + rng.normal(0, 0.4))
    tone = np.clip(heap.tone, 0.02, 1)
    ground = ramp(0.5 + 0.15 * noise(rng, H, W, 160, 3), "#efe8da", "#f7f2e6", "#fbf8f0")
    grain = paper(rng, H, W, 2.2)
    smudge = 1 - 0.34 * (1 - blur(tone, 1.5)) * (0.55 + 0.7 * (1 - grain))
    canvas = Canvas(rng, H, W, ground * smudge[..., None])
    canvas.tooth = paper(rng, 2 * H, 2 * W, 3.0)
    soft = blur(tone, 1.0)
    graphite = np.array([0.15, 0.15, 0.17], np.float32)
    passes = (
        (0.0, 4.7, 2.5, 1.0, 0.85),
        (0.42, 4.2, 2.4, 0.64, 0.8),
        (-0.7, 4.2, 2.4, 0.44, 0.85),
        (0.15, 3.0, 2.6, 0.26, 0.95),
    )
    for turn, gap, wide, below, press in passes:
        for line in even_lines(
            rng, heap.angle + turn + 0.05 * noise(rng, H, W, 50, 2), gap, heap.part, longest=130, step=3, seeds=1.8
        ):
            t = soft[line[:, 1].astype(int).clip(0, H - 1), line[:, 0].astype(int).clip(0, W - 1)]
            keep = np.flatnonzero(t < below + rng.normal(0, 0.04))
            if len(keep) < 3:
                continue
            for run in np.split(keep, np.flatnonzero(np.diff(keep) > 2) + 1):
                if len(run) < 3:
                    continue
                dark = float(np.clip((below - t[run].mean()) / below * 1.4 + 0.25, 0.15, 1)) * press
                canvas.stroke(
                    line[run] + rng.normal(0, 0.4, 2),
                    wide * rng.uniform(0.75, 1.2),
                    graphite + rng.normal(0, 0.02),
                    dry=(0.1, 0.25),
                    tooth=0.7,
                    body=0,
                    streak=0.02,
                    taper=(0.12, 0.4),
                    ragged=0.1,
                    opacity=dark,
                    multiply=True,
                    soft=0.5,
                    edge=0.1,
                )
    edge = np.zeros((H, W), bool)
    edge[:, 1:] |= heap.part[:, 1:] != heap.part[:, :-1]
    edge[1:] |= heap.part[1:] != heap.part[:-1]
    rim = np.clip(blur(edge.astype(np.float32), 1.0) * 2.4, 0, 1) * np.clip(0.7 + 0.3 * noise(rng, H, W, 60, 2), 0, 1)
    picture = canvas.picture() * (1 - 0.9 * rim * smooth(0.02, 0.4, grain))[..., None]
    return picture * light(blur(grain, 0.6), 0.18)[..., None]
