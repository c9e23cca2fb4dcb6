"""The pictures that are trained on: crops of photographs and of painted pictures, on the device that trains.

Everything is cut into pieces of one shape once; a batch is then one gather and one resampling, which costs little
beside the networks.
"""
import io
import pathlib
import tarfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

PIECE = (321, 481)  # height and width of BSDS500's photographs
SMALLER = (1.0, 0.72, 0.5)


def read(path):
    """Every JPEG or PNG in a folder or a tar file, sorted by name, as RGB pictures."""
    path = pathlib.Path(path)
    kinds = (".jpg", ".jpeg", ".png")
    if path.suffix == ".tar":
        with tarfile.open(path) as tar:
            members = sorted((m for m in tar if m.name.lower().endswith(kinds)), key=lambda m: m.name)
            return [Image.open(io.BytesIO(tar.extractfile(m).read())).convert("RGB") for m in members]
    return [Image.open(f).convert("RGB") for f in sorted(path.rglob("*")) if f.suffix.lower() in kinds]


def pieces(picture):
    """A picture as pieces of PIECE: the whole, made to cover it, and for a large one its quarters as well."""
    if picture.height > picture.width:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    height, width = PIECE

    def cover(part):
        factor = max(height / part.height, width / part.width)
        size = (max(width, round(part.width * factor)), max(height, round(part.height * factor)))
        resized = part.resize(size, Image.Resampling.BICUBIC) if size != part.size else part
        return np.asarray(resized)[:height, :width]

    out = [cover(picture)]
    if picture.width >= 1.6 * width and picture.height >= 1.6 * height:
        half_w, half_h = picture.width // 2, picture.height // 2
        for x in (0, half_w):
            for y in (0, half_h):
                out.append(cover(picture.crop((x, y, x + half_w, y + half_h))))
    return out


class Pictures:
    """Random crops [n, 3, size, size], 0..1, of some pictures."""

    def __init__(self, pictures, device):
        cut = np.stack([p for picture in pictures for p in pieces(picture)])
        whole = torch.from_numpy(cut).permute(0, 3, 1, 2).contiguous()
        self.count, self.device, self.scales = len(cut), device, []
        for factor in SMALLER:
            size = [round(side * factor) for side in PIECE]
            parts = [whole] if factor == 1 else [
                F.interpolate(p.float(), size, mode="bicubic", antialias=True).clamp(0, 255).round().to(torch.uint8)
                for p in whole.split(64)]
            self.scales.append(torch.cat(parts).to(device))

    def take(self, n, size, random):
        """Turned, mirrored, at a random scale, with colours and contrast changed in half of them, some dark, some with noise."""
        fits = [s for s in self.scales if min(s.shape[2:]) >= size]
        source = fits[random.integers(len(fits))] if fits else self.scales[0]
        height, width = source.shape[2:]
        chosen = torch.from_numpy(random.integers(0, self.count, n)).to(self.device)
        window = size / random.uniform(1.0, 1.5, n)
        window = np.minimum(window, min(height, width) - 1)
        x = random.uniform(window / 2, width - window / 2)
        y = random.uniform(window / 2, height - window / 2)
        quarter, mirror = random.integers(0, 4, n) * np.pi / 2, random.choice([-1.0, 1.0], n)
        cos, sin = np.cos(quarter).round(), np.sin(quarter).round()
        theta = np.stack([
            np.stack([cos * mirror * window / width, -sin * window / width, 2 * x / width - 1], 1),
            np.stack([sin * mirror * window / height, cos * window / height, 2 * y / height - 1], 1)], 1)
        grid = F.affine_grid(torch.from_numpy(theta).float().to(self.device), (n, 3, size, size), align_corners=False)
        a = F.grid_sample(source[chosen].float() / 255, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        column = lambda v: torch.from_numpy(np.asarray(v, np.float32)).to(self.device)
        order = np.stack([random.permutation(3) if random.random() < 0.4 else np.arange(3) for _ in range(n)])
        a = torch.gather(a, 1, torch.from_numpy(order).to(self.device).view(n, 3, 1, 1).expand_as(a))
        changed = column(random.random((n, 1, 1, 1)) < 0.5)
        contrast, shift = column(random.uniform(0.6, 1.5, (n, 1, 1, 1))), column(random.uniform(-0.15, 0.15, (n, 3, 1, 1)))
        a = a + changed * ((a - 0.5) * (contrast - 1) + shift)
        # Night pictures: few of the photographs are.
        a = a * column(np.where(random.random((n, 1, 1, 1)) < 0.2, random.uniform(0.15, 0.7, (n, 1, 1, 1)), 1.0))
        noise = (random.random((n, 1, 1, 1)) < 0.25) * 10 ** random.uniform(-2.2, -0.9, (n, 1, 1, 1))
        a = a + column(noise) * torch.randn_like(a)
        return a.clamp(0, 1).contiguous(memory_format=torch.channels_last)
