"""Batik: flowers, leaves and dots in wax resist on cotton; indigo and brown dye with fine cracks."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .canvas import blur, mesh, mix, noise, rgb, smooth

SEED = 31
H, W = 1024, 1024


class Cloth:
    """How deep each dye goes: pale blue, indigo, and brown. Wax keeps the dye away."""

    def __init__(self, rng):
        self.rng = rng
        self.y, self.x = mesh(H, W)
        self.level = np.full((H, W), 3.0, np.float32)
        self.used = np.zeros((H, W), bool)
        self.warp = noise(rng, H, W, 14, 3) * 0.8

    def near(self, cx, cy, r):
        """The part of the cloth around a place, as a slice, with its rows and columns."""
        box = np.s_[int(max(0, cy - r)) : int(max(1, cy + r)), int(max(0, cx - r)) : int(max(1, cx + r))]
        return box, self.y[box], self.x[box]

    def wax(self, box, depth, level):
        """Where depth > 0 the cloth keeps its colour of that step (0 white to 3 indigo, 4 brown, 5 gold)."""
        cover = depth + self.warp[box] > 0
        self.level[box][cover] = level
        self.used[box] |= cover

    def dots(self, cx, cy, r, level=0):
        box, y, x = self.near(cx, cy, r + 4)
        self.wax(box, r - np.hypot(x - cx, y - cy), level)


def flower(cloth, cx, cy, r, petals, turn, tones):
    box, y, x = cloth.near(cx, cy, r * 1.4)
    d, a = np.hypot(x - cx, y - cy) / r, np.arctan2(y - cy, x - cx) + turn
    wave = 0.62 + 0.38 * np.abs(np.cos(a * petals / 2)) ** 0.7
    for reach, level in zip((1.0, 0.88, 0.66, 0.46), tones):
        cloth.wax(box, (reach * wave - d) * r, level)
    vein = np.abs(((a * petals / (2 * np.pi)) * 5) % 1 - 0.5)
    cloth.wax(box, np.where((d > 0.44) & (d < 0.8 * wave), (0.16 - vein) * 24, -9), 0)
    cloth.wax(box, (0.3 - d) * r, 3)
    for k in range(petals * 2):
        t = k * np.pi / petals
        cloth.dots(cx + 0.23 * r * np.cos(t), cy + 0.23 * r * np.sin(t), r * 0.032)
    cloth.wax(box, (0.14 - d) * r, 5)
    for k in range(petals * 3):
        t = k * 2 * np.pi / (petals * 3)
        cloth.dots(cx + 1.13 * r * np.cos(t), cy + 1.13 * r * np.sin(t), 3.6)


def leaf(cloth, cx, cy, long, a, bend, tones):
    box, y, x = cloth.near(cx, cy, long * 1.1)
    u = ((x - cx) * np.cos(a) + (y - cy) * np.sin(a)) / long
    v = (-(x - cx) * np.sin(a) + (y - cy) * np.cos(a)) / long - bend * u * (1 - u)
    inside = (u > 0) & (u < 1)
    wide = np.where(inside, 0.26 * np.sin(np.pi * np.clip(u, 0, 1) ** 0.8), -0.1)
    cloth.wax(box, (wide - np.abs(v)) * long, tones[0])
    cloth.wax(box, (wide - 0.035 - np.abs(v)) * long, tones[1])
    veins = np.abs(((u - np.abs(v) * 0.9) * 11) % 1 - 0.5)
    cloth.wax(box, np.where(wide - 0.06 > np.abs(v), (0.17 - veins) * 18, -9), tones[2])
    cloth.wax(box, np.where(wide > 0.02, (0.02 - np.abs(v)) * long, -9), tones[0])


def stem(cloth, points, wide, level):
    d = cKDTree(points).query(np.stack([cloth.x.ravel(), cloth.y.ravel()], 1), distance_upper_bound=30)[0]
    cloth.wax(np.s_[:, :], wide - np.minimum(d, 30).astype(np.float32).reshape(H, W), level)


def draw(rng):
    cloth = Cloth(rng)
    x, y = cloth.x, cloth.y
    gy, gx = np.mgrid[0:H:19, 0:W:19]
    for i, (px, py) in enumerate(zip(gx.ravel(), gy.ravel())):
        box = np.s_[max(0, py - 12) : py + 12, max(0, px - 12) : px + 12]
        ox, oy = px + rng.normal(0, 2) + 9.5 * ((py // 19) % 2), py + rng.normal(0, 2)
        r = 2.6 + 1.5 * np.sin(px / 90) * np.cos(py / 110)
        cover = np.hypot(x[box] - ox, y[box] - oy) < r
        cloth.level[box][cover] = 1 if (px // 19 + py // 19) % 3 else 0
    sets = [(0, 2, 1), (0, 4, 5), (0, 1, 3), (0, 3, 1), (0, 5, 4)]
    for k in range(5):
        t = np.linspace(0, 1, 260)
        base = 60 + k * 230
        path = np.stack([-40 + t * (W + 80), base + 92 * np.sin(t * 9 + 1.7 * k) + 30 * np.sin(t * 4 + k)], 1)
        stem(cloth, path, 8.5, 0)
        stem(cloth, path, 4.5, 4)
        for i in range(12, 250, 13):
            side = 1 if (i // 13) % 2 else -1
            way = np.arctan2(*(path[i + 3] - path[i - 3])[::-1])
            leaf(
                cloth,
                path[i, 0],
                path[i, 1],
                rng.uniform(92, 138),
                way + side * rng.uniform(0.7, 1.15),
                side * 0.35,
                sets[rng.integers(5)],
            )
            c = way - side * 1.3
            for j in range(3):
                q = 22 + j * 15
                cloth.dots(
                    path[i, 0] + q * np.cos(c + 0.16 * j), path[i, 1] + q * np.sin(c + 0.16 * j), 6.5 - 1.4 * j, 0
                )
                cloth.dots(
                    path[i, 0] + q * np.cos(c + 0.16 * j), path[i, 1] + q * np.sin(c + 0.16 * j), 3.2 - 0.9 * j, 4
                )
    places = [
        (150, 150, 92, 8),
        (470, 250, 110, 10),
        (830, 130, 88, 7),
        (900, 450, 112, 9),
        (250, 520, 104, 8),
        (600, 600, 118, 11),
        (90, 830, 98, 7),
        (400, 860, 108, 9),
        (770, 850, 110, 8),
        (1010, 760, 72, 7),
        (640, 60, 66, 6),
        (20, 380, 70, 6),
    ]
    tones = [(0, 4, 5, 0), (0, 2, 1, 0), (0, 5, 4, 0), (0, 1, 2, 0)]
    for i, (cx, cy, r, petals) in enumerate(places):
        flower(cloth, cx, cy, r, petals, rng.uniform(0, 6), tones[i % 4])
    for k in range(130):
        room = ndimage.distance_transform_edt(~np.pad(cloth.used[::4, ::4], 1, constant_values=False))[1:-1, 1:-1] * 4
        py, px = np.unravel_index(np.argmax(room), room.shape)
        r = min(float(room[py, px]) - 5, 46)
        if r < 11:
            break
        if r < 24:
            tone = (0, 1, 2, 4, 5)[rng.integers(5)]
            cloth.dots(px * 4, py * 4, r * 0.8, tone)
            cloth.dots(px * 4, py * 4, r * 0.5, 3)
            cloth.dots(px * 4, py * 4, r * 0.24, 0)
        else:
            flower(
                cloth,
                px * 4,
                py * 4,
                r * 0.84,
                rng.integers(5, 8),
                rng.uniform(0, 6),
                ((2, 1, 2, 0), (0, 4, 5, 0), (1, 2, 1, 0))[k % 3],
            )
        cloth.used |= np.hypot(x - px * 4, y - py * 4) < r
    return dye(rng, cloth)


def dye(rng, cloth):
    """Colours of the dyed cloth: soft rims, cloudy dye, threads, and cracks where the wax broke."""
    steps = np.array([rgb(c) for c in ("#f2e8d3", "#8fb4cc", "#3f6fa3", "#182a5e", "#7a3a1e", "#d79a45")])
    level = cloth.level.astype(int)
    sharp = steps[level].astype(np.float32)
    colour = 0.6 * blur(sharp, 0.9) + 0.4 * blur(sharp, 2.4)
    cloud = noise(rng, H, W, 70, 5, 0.6)
    colour = colour * np.clip(1.06 + 0.11 * cloud + 0.06 * noise(rng, H, W, 8, 3), 0.5, 1.4)[..., None]
    waxed = np.isin(level, (0, 1, 5, 2, 4))
    crack = np.zeros((H, W), np.float32)
    for count, strength in ((190, 1.0), (900, 0.6)):
        seeds = np.stack([rng.uniform(-40, W + 40, count), rng.uniform(-40, H + 40, count)], 1)
        wx, wy = cloth.x + 7 * noise(rng, H, W, 40, 4, 0.6), cloth.y + 7 * noise(rng, H, W, 40, 4, 0.6)
        d = cKDTree(seeds).query(np.stack([wx.ravel(), wy.ravel()], 1), k=2)[0]
        gap = (d[:, 1] - d[:, 0]).reshape(H, W).astype(np.float32)
        thin = np.clip(0.5 + 0.7 * noise(rng, H, W, 90, 3), 0, 1.3)
        crack = np.maximum(crack, strength * smooth(2.6 * thin + 0.05, 0.0, gap) * (thin > 0.25))
    stain = np.clip(crack * 0.75 + 0.2 * blur(crack, 2.5), 0, 0.8) * blur(waxed.astype(np.float32), 1.0)
    colour = mix(colour, np.broadcast_to(rgb("#1d3566"), colour.shape), stain)
    thread = (
        1
        + 0.035 * np.sin(cloth.x * 1.9 + 0.6 * noise(rng, H, W, 30, 2))
        + 0.035 * np.sin(cloth.y * 1.9 + 0.6 * noise(rng, H, W, 30, 2))
        + 0.025 * noise(rng, H, W, 2, 1)
    )
    return np.clip(colour * thread[..., None], 0, 1)
