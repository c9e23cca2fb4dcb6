"""Helpers that all style pictures share: colours, noise, flow fields, brush strokes, light, paper.

Lengths are in pixels of the finished picture. Colours are sRGB numbers from 0 to 1. A canvas may be
larger than the picture (`scale`), so that thin bristles stay clean when it is made smaller.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage


def rgb(text):
    """One colour from text such as "#1c3f8a"."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def ramp(t, *colours):
    """Colours along a row of knots: t = 0 is the first, t = 1 the last."""
    table = np.array([rgb(c) if isinstance(c, str) else c for c in colours], np.float32)
    t = np.clip(np.asarray(t, np.float32), 0, 1)
    knots = np.linspace(0, 1, len(table))
    return np.stack([np.interp(t, knots, table[:, c]) for c in range(3)], -1).astype(np.float32)


def mix(a, b, t):
    """From a (t = 0) to b (t = 1); a map t also works for colours."""
    t = np.asarray(t, np.float32)
    if t.ndim == 2:
        t = t[..., None]
    return a * (1 - t) + b * t


def smooth(low, high, x):
    """A soft step: 0 below `low`, 1 above `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def noise(rng, h, w, size, octaves=4, gain=0.5):
    """Soft cloud noise with mean 0 and deviation 1. `size` is the largest grain, or (tall, wide)."""
    tall, wide = size if isinstance(size, tuple) else (size, size)
    total, weight = np.zeros((h, w), np.float32), 1.0
    for _ in range(octaves):
        gh, gw = max(4, int(h / tall) + 4), max(4, int(w / wide) + 4)
        grid = Image.fromarray(rng.standard_normal((gh, gw)).astype(np.float32))
        big = grid.resize((max(w, int(gw * wide)), max(h, int(gh * tall))), Image.Resampling.BICUBIC)
        y, x = (big.height - h) // 2, (big.width - w) // 2
        total += weight * np.asarray(big, np.float32)[y : y + h, x : x + w]
        weight, tall, wide = weight * gain, max(1, tall / 2), max(1, wide / 2)
    return (total - total.mean()) / (total.std() + 1e-9)


def even(field):
    """The ranks of the values, spread evenly over 0 to 1."""
    order = np.empty(field.size, np.float32)
    order[np.argsort(field, axis=None, kind="stable")] = np.linspace(0, 1, field.size, dtype=np.float32)
    return order.reshape(field.shape)


def blur(field, radius):
    """Gaussian blur; colours keep their channels apart."""
    return ndimage.gaussian_filter(field, (radius, radius, 0) if field.ndim == 3 else radius)


def mesh(h, w):
    """Row and column of every pixel."""
    y, x = np.mgrid[0:h, 0:w]
    return y.astype(np.float32), x.astype(np.float32)


def polygon(h, w, points):
    """A mask, 0 or 1, of a filled polygon."""
    image = Image.new("L", (w, h))
    ImageDraw.Draw(image).polygon([tuple(map(float, p)) for p in points], fill=255)
    return np.asarray(image) > 127


def inside(mask):
    """Distance from the border: above 0 in the mask, below 0 outside."""
    return (ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)).astype(np.float32)


def light(height, strength=1.0, shine=0.0):
    """How bright a lit relief is (mean near 1). The lamp stands at the upper left."""
    gy, gx = np.gradient(height)
    slope = -(gx + gy) * strength
    lit = 1 + 0.5 * np.tanh(-slope)
    return lit + shine * np.clip(np.tanh(-slope) - 0.35, 0, 1) ** 2


def paper(rng, h, w, grain=3.0):
    """The tooth of rough paper, ranks from 0 (hollow) to 1 (peak)."""
    field = noise(rng, h, w, grain, 2) + 0.5 * noise(rng, h, w, grain * 2.5, 2)
    return even(field)


def weave(rng, h, w, pitch=5.0):
    """The threads of a linen canvas, ranks from 0 to 1."""
    y, x = mesh(h, w)
    wobble = noise(rng, h, w, 60, 2) * 0.7
    a, b = np.sin((x + wobble) * np.pi / pitch), np.sin((y + wobble) * np.pi / pitch)
    field = np.where(a * b > 0, np.abs(a), np.abs(b)) + 0.3 * noise(rng, h, w, 3, 2)
    return even(blur(field.astype(np.float32), 0.6))


class Scene:
    """What is to be painted: a colour and a stroke direction for every pixel."""

    def __init__(self, h, w):
        self.h, self.w = h, w
        self.y, self.x = mesh(h, w)
        self.colour = np.zeros((h, w, 3), np.float32)
        self.angle = np.zeros((h, w), np.float32)
        self.part = np.zeros((h, w), np.int32)

    def put(self, mask, colour, angle=None):
        """Lays a new part over the old ones. A mask is 0 or 1; colour and angle may be maps."""
        colour = np.broadcast_to(np.asarray(colour, np.float32), self.colour.shape)
        self.colour[mask] = colour[mask]
        if angle is not None:
            self.angle[mask] = np.broadcast_to(np.asarray(angle, np.float32), mask.shape)[mask]
        self.part[mask] = self.part.max() + 1

    def disc(self, cx, cy, r, squash=1.0):
        """Distance from a centre in units of the radius, and the angle of the ring there."""
        dx, dy = self.x - cx, (self.y - cy) / squash
        return np.hypot(dx, dy) / r, np.arctan2(dy, dx) + np.pi / 2


def trace(angle, x, y, length, step, part=None):
    """The points of a stroke that follows the directions, both ways from (x, y).

    With a map of parts it stops where another part begins.
    """
    h, w = angle.shape
    here = part[min(h - 1, max(0, int(y))), min(w - 1, max(0, int(x)))] if part is not None else 0
    halves = []
    for way in (-1, 1):
        px, py, points, last = x, y, [], None
        for _ in range(max(1, int(length / 2 / step))):
            xi, yi = min(w - 1, max(0, int(px))), min(h - 1, max(0, int(py)))
            if part is not None and part[yi, xi] != here:
                break
            a = angle[yi, xi]
            vx, vy = np.cos(a) * way, np.sin(a) * way
            if last is not None and vx * last[0] + vy * last[1] < 0:
                vx, vy = -vx, -vy
            last = (vx, vy)
            px, py = px + step * vx, py + step * vy
            points.append((px, py))
        halves.append(points)
    return np.array(halves[0][::-1] + [(x, y)] + halves[1])


def even_lines(rng, angle, gap, part=None, longest=200, step=2.0, seeds=2.0):
    """Lines that follow the directions side by side, about `gap` apart (a number or a map)."""
    h, w = angle.shape
    gap = np.broadcast_to(np.asarray(gap, np.float32), (h, w))
    taken = np.zeros((h, w), bool)
    vx, vy = np.cos(angle), np.sin(angle)
    for x, y in spread(rng, h, w, max(2.0, float(np.median(gap)) / seeds)):
        xi, yi = int(x), int(y)
        if not (0 <= xi < w and 0 <= yi < h) or taken[yi, xi]:
            continue
        here, halves = part[yi, xi] if part is not None else 0, []
        for way in (-1, 1):
            px, py, points, last = float(x), float(y), [], None
            for _ in range(int(longest / 2 / step)):
                dx, dy = vx[yi, xi] * way, vy[yi, xi] * way
                if last is not None and dx * last[0] + dy * last[1] < 0:
                    dx, dy = -dx, -dy
                last, px, py = (dx, dy), px + step * dx, py + step * dy
                xi, yi = int(px), int(py)
                if not (0 <= px < w and 0 <= py < h) or taken[yi, xi] or (part is not None and part[yi, xi] != here):
                    break
                points.append((px, py))
            halves.append(points)
            xi, yi = int(x), int(y)
        line = np.array(halves[0][::-1] + [(float(x), float(y))] + halves[1], np.float32)
        for px, py in line:
            g = gap[min(h - 1, int(py)), min(w - 1, int(px))] * 0.8
            taken[max(0, int(py - g + 0.5)) : int(py + g + 1), max(0, int(px - g + 0.5)) : int(px + g + 1)] = True
        yield line


def spread(rng, h, w, gap, margin=0.0):
    """Points in random order on a shaken grid, so that they cover the picture evenly."""
    ys, xs = np.mgrid[-margin : h + margin : gap, -margin : w + margin : gap]
    points = np.stack([xs.ravel(), ys.ravel()], 1) + rng.uniform(-0.5, 0.5, (xs.size, 2)) * gap
    return rng.permutation(points)


class Canvas:
    """Paint on a ground: colour and thickness. Strokes are bundles of bristles."""

    def __init__(self, rng, h, w, ground, scale=2):
        self.rng, self.h, self.w, self.scale = rng, h, w, scale
        self.rows, self.columns = h * scale, w * scale
        self.colour = np.empty((self.rows, self.columns, 3), np.float32)
        ground = np.asarray(ground, np.float32)
        if ground.ndim == 3:
            ground = np.repeat(np.repeat(ground, scale, 0), scale, 1)
        self.colour[:] = ground
        self.height = np.zeros((self.rows, self.columns), np.float32)
        self.tooth = None
        fine = noise(rng, 512, 2048, (2.6 * scale, 150 * scale), 2) + 0.8 * noise(
            rng, 512, 2048, (7 * scale, 90 * scale), 2
        )
        self.bristles = even(fine + 0.25 * noise(rng, 512, 2048, 2.0 * scale, 1))

    def stroke(
        self,
        points,
        width,
        colour,
        second=None,
        dry=(0.0, 0.15),
        tooth=0.0,
        body=1.0,
        streak=0.08,
        taper=(0.06, 0.12),
        edge=0.35,
        ragged=0.6,
        opacity=1.0,
        multiply=False,
        soft=0.12,
    ):
        """One brush stroke along `points`.

        dry: part of the bristles that leave no paint, at the start and at the end.
        tooth: how much the paper (self.tooth) instead of the bristles decides where paint stays.
        body: thickness for the relief. streak: how far bristles differ in lightness.
        taper: parts of the length in which the stroke grows and shrinks. ragged: how uneven its ends are.
        """
        rng, s = self.rng, self.scale
        p = np.asarray(points, np.float32) * s
        run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(p, axis=0).T))])
        if len(p) < 2 or run[-1] < 1:
            return
        n, half = max(4, int(run[-1] / 0.75)), width * s / 2
        m = max(3, int(2 * half / 0.75))
        t = np.linspace(0, run[-1], n)
        px, py = np.interp(t, run, p[:, 0]), np.interp(t, run, p[:, 1])
        if n > 12:
            k = min(n // 4, int(3 * s))
            px, py = (ndimage.uniform_filter1d(q, 2 * k + 1, mode="nearest") for q in (px, py))
        dx, dy = np.gradient(px), np.gradient(py)
        size = np.hypot(dx, dy) + 1e-6
        u, v = np.linspace(0, 1, n)[:, None], np.linspace(-1, 1, m)[None]
        grow = np.ones((n, 1))
        if taper[0] > 0:
            grow *= np.sqrt(np.clip(u / taper[0], 0.02, 1))
        if taper[1] > 0:
            grow *= np.sqrt(np.clip((1 - u) / taper[1], 0.02, 1))
        reach = v * half * grow
        xi = (px[:, None] - (dy / size)[:, None] * reach).astype(np.int32)
        yi = (py[:, None] + (dx / size)[:, None] * reach).astype(np.int32)
        ok = (xi >= 0) & (yi >= 0) & (xi < self.columns) & (yi < self.rows)
        ou, ov = rng.integers(0, 2048), rng.integers(0, 512)
        rows = (ov + np.arange(m)) % 512
        tex = self.bristles[rows][:, (ou + np.arange(n)) % 2048].T
        where = (yi * self.columns + xi)[ok]
        if where.size == 0:
            return
        value = tex
        if tooth > 0:
            grain = np.zeros_like(tex)
            grain[ok] = self.tooth.ravel()[where]
            value = tex * (1 - tooth) + grain * tooth
        ends = np.maximum(0, 1 - u * run[-1] / (half + 1)) + np.maximum(0, 1 - (1 - u) * run[-1] / (1.5 * half + 1))
        gone = dry[0] + (dry[1] - dry[0]) * u + ragged * ends * 0.6 + edge * np.abs(v) ** 6
        a = np.clip((value - gone) / soft + 0.5, 0, 1)[ok] * opacity
        paint = np.broadcast_to(np.asarray(colour, np.float32), (n, m, 3))
        if second is not None:
            side = smooth(-0.5, 0.7, v * rng.choice((-1, 1)) + (tex - 0.5) * 1.4)
            paint = mix(paint, np.asarray(second, np.float32), side.astype(np.float32))
        shade = self.bristles[(rows + 211) % 512][:, (ou + 400 + np.arange(n)) % 2048].T
        paint = (paint + ((shade - 0.5) * 2 * streak)[..., None])[ok]
        flat = self.colour.reshape(-1, 3)
        old, a3 = flat[where], a[:, None]
        if multiply:
            flat[where] = old * (1 - a3 * (1 - np.clip(paint, 0, 1)))
        else:
            flat[where] = old + a3 * (paint - old)
        if body > 0:
            rim = np.clip((np.abs(v) - 0.7) / 0.3, 0, 1) * 0.5 + 0.4 * np.clip(1 - (1 - u) * run[-1] / (half + 1), 0, 1)
            thick = (0.45 + 0.75 * tex + rim)[ok] * body
            deep = self.height.ravel()
            deep[where] = deep[where] * (1 - 0.8 * a) + thick * a

    def picture(self, relief=0.0, shine=0.0):
        """The finished colours [h, w, 3], lit if there is relief."""
        colour = self.colour
        if relief > 0:
            lit = light(blur(self.height, 0.5 * self.scale) * self.scale, relief, shine)
            colour = colour * lit[..., None]
        return shrink(np.clip(colour, 0, 1), self.scale)


def shrink(colour, scale):
    """Makes a picture smaller by a whole number, with clean edges."""
    h, w, c = colour.shape
    return colour.reshape(h // scale, scale, w // scale, scale, c).mean((1, 3))


def vary(rng, colour, hue=0.03, value=0.05):
    """A colour near this one."""
    return np.clip(colour + rng.normal(0, value) + rng.normal(0, hue, 3), 0, 1).astype(np.float32)


def paint_scene(canvas, scene, layers, hue=0.03, value=0.05, two=0.5, turn=0.12, keep=True, choose=None):
    """Covers the canvas with strokes that take colour and direction from the scene.

    layers: (width, length, cover, options) from large to small strokes. two: how often a brush
    carries a second colour. turn: how far directions vary. choose: a function that may change colours.
    """
    rng = canvas.rng
    for width, length, cover, options in layers:
        gap = np.sqrt(width * length / cover)
        soft = blur(scene.colour, width * 0.15)
        for x, y in spread(rng, scene.h, scene.w, gap, width):
            xi, yi = min(scene.w - 1, max(0, int(x))), min(scene.h - 1, max(0, int(y)))
            path = trace(scene.angle, x, y, length * rng.uniform(0.6, 1.3), 4, scene.part if keep else None)
            if len(path) < 3:
                a = scene.angle[yi, xi]
                path = np.array([(x, y), (x, y)]) + np.array([[-1], [1]]) * width * 0.5 * np.array(
                    [np.cos(a), np.sin(a)]
                )
            c = rng.normal(0, turn)
            middle = path.mean(0)
            path = (path - middle) @ np.array([[np.cos(c), np.sin(c)], [-np.sin(c), np.cos(c)]]) + middle
            if rng.random() < 0.5:
                path = path[::-1]
            colour = vary(rng, soft[yi, xi], hue, value)
            if choose is not None:
                colour = choose(colour, x, y)
                if colour is None:
                    continue
            second = vary(rng, colour, hue * 2.2, value * 2.2) if rng.random() < two else None
            canvas.stroke(path, width * rng.uniform(0.75, 1.2), colour, second, **options)
