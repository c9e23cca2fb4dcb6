"""Mosaic: fish in a curling sea; small stones that follow the outlines, in grey mortar."""

import numpy as np
from scipy.spatial import cKDTree

from .canvas import blur, inside, light, mesh, mix, noise, ramp, rgb

SEED = 9
H, W = 1024, 1024
STONE = 17.0  # side of a stone in pixels
STEP = 2  # the stones are laid on a smaller map


class Drawing:
    """The cartoon: a colour for every place and the distance field whose contours the stones follow."""

    def __init__(self):
        self.y, self.x = mesh(H, W)
        self.colour = np.zeros((H, W, 3), np.float32)
        self.field = np.zeros((H, W), np.float32)
        self.part = np.zeros((H, W), np.int32)

    def put(self, mask, colour, field=None):
        """Lays a part over the others; without a field the stones follow its outline."""
        self.colour[mask] = np.broadcast_to(colour, self.colour.shape)[mask]
        self.field[mask] = (inside(mask) if field is None else field)[mask]
        self.part[mask] = self.part.max() + 1


def fish(art, cx, cy, long, a, tones):
    """A fish of length `long` that swims along the angle a."""
    dx, dy = art.x - cx, art.y - cy
    u, v = (dx * np.cos(a) + dy * np.sin(a)) / long, (-dx * np.sin(a) + dy * np.cos(a)) / long
    v = v - 0.06 * np.sin(u * 5)
    fin = (np.abs(v) < 0.34 * np.sin(np.pi * np.clip((u + 0.32) / 0.55, 0, 1))) & (u < 0.2)
    art.put(fin, rgb(tones[3]))
    tail = (u < -0.3) & (u > -0.56) & (np.abs(v) < 0.05 + (-0.3 - u) * 0.9) & (np.abs(v) > (-0.44 - u) * 1.1)
    art.put(tail, ramp((-u - 0.3) * 4, tones[1], tones[3]))
    wide = 0.23 * np.sqrt(np.clip(1 - ((u - 0.06) / 0.44) ** 2, 0, 1)) * (1 - 0.3 * (0.06 - u))
    body = np.abs(v) < wide
    stripe = 0.5 + 0.5 * np.sin(u * 34 + 5 * np.abs(v))
    shade = ramp(0.55 - 1.6 * v + 0.25 * stripe, *tones[:3])
    art.put(body, shade)
    head = body & (u > 0.24 - 1.2 * v**2)
    art.put(head, rgb(tones[4]))
    eye = np.hypot(u - 0.345, v + 0.05)
    art.put(eye < 0.055, rgb("#f3ead0"))
    art.put(eye < 0.03, rgb("#10131c"))


def cartoon():
    """Bands of current, spirals and fish."""
    art = Drawing()
    x, y = art.x, art.y
    flow = y + 46 * np.sin(x / 118) + 20 * np.sin(x / 53 + y / 160)
    band = np.floor(flow / 58).astype(int)
    sea = ["#0e2f5f", "#175a86", "#1f86a0", "#58b3ae", "#a8d8c4", "#1b4a78"]
    for k in np.unique(band):
        mask = band == k
        t = flow / 58 - k
        art.put(mask, ramp(t, sea[k % 6], sea[(k + 2) % 6]), flow)
    for cx, cy, r, spin in (
        (150, 180, 140, 1),
        (880, 420, 150, -1),
        (190, 720, 150, -1),
        (620, 950, 130, 1),
        (560, 90, 100, -1),
        (960, 860, 90, 1),
    ):
        d, ring = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx)
        spiral = d / STONE / 2.4 - spin * ring / (2 * np.pi)
        turn = np.floor(spiral).astype(int)
        tone = ramp((turn % 3) / 2 + 0.25 * (spiral - turn), "#f4ecd2", "#8fd0c0", "#1f7a9a", "#123a6a")
        art.put(d < r, tone, d - spin * ring / (2 * np.pi) * STONE * 2.4)
    red = ["#8a1f1a", "#d2482a", "#f0923f", "#f6c24a", "#5a1420"]
    gold = ["#a8641a", "#e0a02f", "#f8dc86", "#c8452a", "#7a3a14"]
    white = ["#8a93a0", "#d8d4c4", "#fbf6e4", "#e07a3a", "#c43f2a"]
    for cx, cy, long, a, tones in (
        (400, 330, 360, -0.3, red),
        (700, 640, 400, 2.9, gold),
        (330, 560, 250, 0.25, white),
        (770, 190, 270, 0.2, gold),
        (450, 850, 300, -0.25, red),
        (880, 800, 230, 3.5, white),
        (110, 420, 210, -0.5, gold),
        (130, 950, 240, 0.1, white),
    ):
        fish(art, cx, cy, long, a, tones)
    return art


class Floor:
    """Stones of nearly one size. Each lies square to the contours and keeps to its part of the cartoon."""

    def __init__(self, rng, angle, part):
        self.angle, self.part = angle, part
        self.h, self.w = angle.shape
        self.size = STONE / STEP
        self.count = int(self.h * self.w / self.size**2 * 1.02)
        self.centres = rng.uniform(0, 1, (self.count, 2)) * [self.h, self.w]

    def at(self, points):
        rows, columns = np.clip(points.astype(int), 0, [self.h - 1, self.w - 1]).T
        return self.angle[rows, columns], self.part[rows, columns]

    def owners(self, points, near=6):
        """The stone of each point, in a square measure, and how much farther the next stone is."""
        candidates = cKDTree(self.centres).query(points, k=near)[1]
        angle, kind = self.at(self.centres)
        mine = self.at(points)[1]
        far = np.empty(candidates.shape, np.float32)
        for j in range(near):
            i = candidates[:, j]
            dy, dx = (points - self.centres[i]).T
            u, v = dx * np.cos(angle[i]) + dy * np.sin(angle[i]), -dx * np.sin(angle[i]) + dy * np.cos(angle[i])
            far[:, j] = (np.abs(u) ** 5 + np.abs(v) ** 5) ** 0.2 + self.size * (kind[i] != mine)
        order, rows = np.argsort(far, 1, kind="stable")[:, :2], np.arange(len(points))
        return candidates[rows, order[:, 0]], far[rows, order[:, 1]] - far[rows, order[:, 0]]

    def settle(self, rng, rounds=16):
        """Moves every stone to the middle of its place, again and again (Lloyd's method)."""
        points = np.indices((self.h, self.w)).reshape(2, -1).T.astype(np.float64)
        for _ in range(rounds):
            stone = self.owners(points)[0]
            area = np.bincount(stone, minlength=self.count)
            sums = [np.bincount(stone, points[:, k], self.count) for k in (0, 1)]
            self.centres = np.stack(sums, 1) / area.clip(1)[:, None]
            lost = area == 0
            self.centres[lost] = rng.uniform(0, 1, (lost.sum(), 2)) * [self.h, self.w]


def draw(rng):
    art = cartoon()
    gy, gx = np.gradient(blur(art.field, 2.0))
    floor = Floor(rng, np.arctan2(gy, gx)[::STEP, ::STEP], art.part[::STEP, ::STEP])
    floor.settle(rng)
    points = np.indices((H, W)).reshape(2, -1).T / STEP
    stone, lead = floor.owners(points)
    stone, lead, count = stone.reshape(H, W), lead.reshape(H, W) * STEP, floor.count
    rough = noise(rng, H, W, 9, 3)
    gap = lead - 3.4 - 0.7 * rough
    middle = floor.centres * STEP
    rows, columns = np.clip(middle.astype(int), 0, [H - 1, W - 1]).T
    tone = blur(art.colour, 1.0)[rows, columns] + rng.normal(0, 0.045, (count, 1)) + rng.normal(0, 0.022, (count, 3))
    gold = rng.random(count) < 0.03
    tone[gold] = rgb("#f0c24f") + rng.normal(0, 0.05, (gold.sum(), 1))
    tilt = rng.uniform(0, 2 * np.pi, count)[stone]
    dy, dx = art.y - middle[stone, 0], art.x - middle[stone, 1]
    face = 1 + 0.012 * rng.uniform(0.3, 1.6, count)[stone] * (dx * np.cos(tilt) + dy * np.sin(tilt))
    face = face + 0.05 * noise(rng, H, W, 5, 3)
    colour = np.clip(tone, 0.02, 1)[stone].astype(np.float32) * face[..., None]
    dome = 4 * np.clip(gap / 3.5, 0, 1) ** 0.6
    colour = colour * light(blur(dome, 0.9), 0.9, 0.6)[..., None]
    mortar = ramp(0.5 + 0.2 * rough, "#2b2825", "#55504a", "#86807a")
    return mix(mortar, colour, np.clip(gap * 0.8 + 0.3, 0, 1))
