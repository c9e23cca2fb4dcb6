"""Gold leaf: hills and trees of ornament: spirals, eyes, chequers and scales on beaten gold."""

import numpy as np

from .canvas import blur, light, mesh, mix, noise, ramp, rgb, smooth

SEED = 23
H, W = 1024, 1024
GOLD = ("#5a3a10", "#a8741f", "#d9a62f", "#f4d272", "#fff3c4")
KINDS = ("spirals", "eyes", "chequers", "scales", "triangles")
TONES = (
    ("#14110f", "#f6ecd2", "#c4321f", "#e9b93f"),
    ("#12464a", "#2f8f86", "#f4dc8c", "#14110f"),
    ("#f6ecd2", "#14110f", "#d9a62f", "#8a1f2a"),
    ("#5a2a6a", "#c98ab8", "#f6ecd2", "#14110f"),
    ("#8a1f2a", "#e0622f", "#f8e08a", "#14110f"),
    ("#1d2f6a", "#5f8fc4", "#f3e6c0", "#c4321f"),
    ("#2f5a2a", "#9ab84a", "#f8e08a", "#14110f"),
)
# The ground of an ornament, and how much of the gold it hides.
FIELDS = (
    ("#c8922a", 0.0),
    ("#1b3f4a", 0.9),
    ("#2a1f1c", 0.9),
    ("#7a2a24", 0.9),
    ("#e3c06a", 0.25),
    ("#3a2a5a", 0.85),
    ("#3f5a2f", 0.85),
)
# Middle, foot, height and half the width of the trees.
TREES = (
    (190, 850, 330, 92),
    (835, 800, 350, 100),
    (520, 960, 300, 96),
    (1000, 1010, 270, 80),
    (40, 1020, 260, 74),
    (690, 1030, 190, 62),
    (350, 1030, 170, 56),
)


class Panel:
    """A gilded board: colour, and thickness for the relief."""

    def __init__(self, rng):
        self.rng = rng
        self.y, self.x = y, x = mesh(H, W)
        self.bends = [5 * noise(rng, H, W, 70, 3) for _ in range(4)]
        self.uneven = [1 + 0.11 * noise(rng, H, W, 12, 3) + 0.06 * noise(rng, H, W, 4, 2) for _ in range(4)]
        squares = np.floor((x + self.bends[0]) / 128) * 31 + np.floor((y + self.bends[1]) / 128) * 17
        sheen = 0.55 + 0.1 * np.sin(squares * 1.7) + 0.1 * noise(rng, H, W, 60, 4) + 0.05 * noise(rng, H, W, 4, 2)
        wear = smooth(1.7, 2.3, noise(rng, H, W, 30, 5, 0.65))
        self.colour = mix(ramp(sheen, *GOLD), rgb("#7a2f1c"), wear * 0.8)
        self.bump = 0.7 * noise(rng, H, W, 7, 3) + 0.5 * noise(rng, H, W, 26, 2)

    def paint(self, mask, tone, thick, box=np.s_[:, :]):
        """Paint that is a little uneven and stands above the gold."""
        tone = np.clip(rgb(tone) * self.uneven[self.rng.integers(4)][box][..., None], 0, 1)
        self.colour[box] = mix(self.colour[box], tone, mask)
        self.bump[box] = np.maximum(self.bump[box] * (1 - mask), mask * thick)

    def fill(self, mask, u, v, k):
        """An area with a ground tone and one ornament over it."""
        rng, (tone, much) = self.rng, FIELDS[k % 7]
        self.paint(mask * much, tone, 1.0)
        u, v = u + self.bends[rng.integers(4)], v + self.bends[rng.integers(4)]
        for part, tone in pattern(KINDS[(k * 3 + k // 5) % 5], u, v, rng.uniform(26, 50), TONES[(k * 2 + 1) % 7]):
            self.paint(part * mask, tone, 2.6)

    def coil(self, cx, cy, r):
        """A spiral; a large one has a ring of dots."""
        rng, reach = self.rng, r * 1.2 + 12
        box = np.s_[int(max(0, cy - reach)) : int(cy + reach), int(max(0, cx - reach)) : int(cx + reach)]
        y, x = self.y[box], self.x[box]
        d, turn = np.hypot(x - cx, y - cy) / r, np.arctan2(y - cy, x - cx) * rng.choice((-1, 1))
        line = np.abs((d * (3.6 if r > 50 else 2.3) - turn / (2 * np.pi)) % 1 - 0.5)
        tone = rng.choice(["#14110f", "#7a2a1c", "#14110f", "#1b3f4a", "#f6ecd2"])
        self.paint(smooth(1.02, 0.99, d) * smooth(0.3, 0.34, line), tone, 3.0, box)
        for k in range(9 if r > 50 else 0):
            a = k * 0.7 + cx
            e = np.hypot(x - cx - r * 1.06 * np.cos(a), y - cy - r * 1.06 * np.sin(a))
            self.paint(smooth(9.5, 8, e), "#14110f", 2.0, box)
            self.paint(smooth(6, 4.5, e), rng.choice(["#f6ecd2", "#c4321f", "#2f8f86"]), 3.0, box)


def pattern(kind, u, v, size, tones):
    """One ornament over the coordinates u, v: a list of (mask, tone) from bottom to top."""
    u = u + 0.5 * size * (np.floor(v / size) % 2)
    iu, iv = np.floor(u / size), np.floor(v / size)
    chance, other, third = (
        np.abs(np.sin(iu * a + iv * b) * 43758.5453) % 1
        for a, b in ((12.9898, 78.233), (39.346, 11.135), (73.156, 52.235))
    )
    zoom = 1.15 - 0.35 * other
    fu, fv = (u / size - iu - 0.5 + 0.12 * (third - 0.5)) * zoom, (v / size - iv - 0.5 + 0.12 * (chance - 0.5)) * zoom
    fu, fv = fu + 0.18 * (other - 0.5) * fv, fv + 0.18 * (third - 0.5) * fu
    soft = 1.6 / size
    ring = np.hypot(fu, fv)
    pick = tones
    if kind == "eyes":
        return [
            (smooth(0.47 + soft, 0.47, ring), pick[0]),
            (smooth(0.34 + soft, 0.34, ring), pick[1]),
            (smooth(0.21 + soft, 0.21, ring), pick[2]),
            (smooth(0.1 + soft, 0.1, ring), pick[3]),
        ]
    if kind == "chequers":
        box = np.maximum(np.abs(fu), np.abs(fv) * (0.75 + 0.5 * chance))
        mask = smooth(0.42 + soft, 0.42, box)
        return [
            (mask * (chance < 0.34), pick[0]),
            (mask * (chance > 0.72), pick[1]),
            (mask * (chance > 0.88), pick[2]),
            (smooth(0.2 + soft, 0.2, box) * (chance > 0.5), pick[3]),
        ]
    if kind == "scales":
        row = np.floor(v / size * 1.6)
        su = u / size + 0.5 * (row % 2)
        qu, qv = su - np.floor(su) - 0.5, v / size * 1.6 - row - 0.1
        arc = np.hypot(qu * 1.05, qv * 0.62)
        return [
            (smooth(0.52 + soft, 0.52, arc), pick[0]),
            (smooth(0.4 + soft, 0.4, arc), pick[1]),
            (smooth(0.25 + soft, 0.25, arc), pick[2]),
            (smooth(0.13 + soft, 0.13, arc), pick[3]),
        ]
    if kind == "triangles":
        tri = fv + 0.46 - 2 * np.abs(fu)
        return [
            (smooth(-soft, soft, tri) * (fv < 0.42), pick[0]),
            (smooth(-soft, soft, tri - 0.28) * (fv < 0.34), pick[1]),
            (smooth(0.09 + soft, 0.09, np.hypot(fu, fv - 0.14)), pick[2]),
        ]
    turn = np.arctan2(fv, fu) * np.where(chance > 0.5, 1, -1)
    coil = np.abs((ring * 6.5 - turn / (2 * np.pi)) % 1 - 0.5)
    inside = smooth(0.48 + soft, 0.48, ring)
    return [
        (inside * (chance > 0.66), pick[0]),
        (inside * smooth(0.2, 0.3, coil), pick[1]),
        (smooth(0.08 + soft, 0.08, ring), pick[2]),
    ]


def draw(rng):
    panel = Panel(rng)
    x, y = panel.x, panel.y
    coils = [(150, 140, 112), (690, 170, 128), (930, 90, 96), (900, 330, 104)]
    for r in (80, 62, 46, 34, 24):
        for _ in range(260):
            px, py = rng.uniform(-10, W + 10), rng.uniform(-10, 470)
            if all(np.hypot(px - cx, py - cy) > (r + q) * 1.12 + 4 for cx, cy, q in coils):
                coils.append((px, py, r))
    for cx, cy, r in coils:
        panel.coil(cx, cy, r)
    for k, top in enumerate((430, 500, 585, 670, 765, 860)):
        line = top + (38 + 3 * k) * np.sin(x / (135 + 9 * k) + 1.9 * k) + 14 * np.sin(x / 51 + k)
        panel.fill(smooth(-1.2, 1.2, y - line), x + 0.15 * y, y - line, k + 1)
        panel.paint(smooth(6.5, 5, np.abs(y - line - 5)), "#14110f" if k % 2 else "#f4dc8c", 3.0)
        panel.colour *= (0.72 + 0.28 * np.where(y > line, np.clip((y - line) / 26, 0, 1), 1))[..., None]
    for i, (cx, foot, tall, wide) in enumerate(TREES):
        trunk = smooth(8, 6.5, np.abs(x - cx - 6 * np.sin(y / 40))) * (y < foot) * (y > foot - tall)
        panel.paint(trunk, "#14110f", 2.5)
        v = (y - foot + tall * 0.55) / (tall * 0.5)
        u = (x - cx - 5 * np.sin(y / 45 + i)) / (wide * (0.82 + 0.3 * v) * (1 + 0.05 * np.sin(v * 13 + i)))
        d = np.hypot(u, v)
        panel.paint(smooth(1.06, 1.04, d), "#14110f", 2.0)
        panel.fill(smooth(1.0, 0.97, d), x - cx + 16, y - foot, (3, 0, 6, 1, 5, 4, 2)[i])
    shine = light(blur(panel.bump, 1.0), 0.65, 0.8)
    crack = smooth(0.045, 0.01, np.abs(noise(rng, H, W, 55, 4, 0.6)))
    return np.clip(panel.colour * shine[..., None], 0, 1) * (1 - 0.28 * crack[..., None])
