"""Style transfers that go on while the student learns, and what the teacher says of their pictures.

An optimiser finds just where an imitation is wrong. So the student learns from pictures that it is itself optimising: a pool of
style transfers, each taken some evaluations of L-BFGS further whenever it is its turn, always with the student of that moment.
Beside such a picture stands a *better* one, which left it a few turns ago and has followed the teacher's own style loss since.
Their difference tells the student where the teacher would go on.
"""
import numpy as np
import torch
import torch.nn.functional as F

import lbfgs
from networks import BLOCK, STYLE_TAPS
from objective import Objective, gram, latents, picture, rounded, teachers_style_losses

PICTURES = 3
RESULT, BETTER, STYLE = range(PICTURES)
# Every so many positions in both directions are kept of the activations of each block.
STEP = (8, 4, 2, 1, 1)
# After so many turns a better picture begins anew at its transfer's picture.
TURNS = 7
# Evaluations of a transfer, from and to.
LIFE = (30, 220)


def thin(f, block):
    """A part of the positions of activations [n, C, h, w]."""
    step = STEP[block]
    return f[:, :, step // 2 :: step, step // 2 :: step]


def begun(content, style, random):
    """What a transfer starts from: the content picture, or it in the style's colours, or either enlarged from half the size."""
    start = content
    if random.random() < 0.5:
        mean, deviation = (lambda p: p.mean((2, 3), keepdim=True)), (lambda p: p.std((2, 3), keepdim=True) + 1e-3)
        start = (content - mean(content)) / deviation(content) * deviation(style) + mean(style)
    if random.random() < 0.3:
        start = F.interpolate(F.interpolate(start, scale_factor=0.5, mode="area"), scale_factor=2, mode="bicubic")
    return start


class Transfers:
    """A pool of style transfers with the student."""

    def __init__(self, args, photos, paintings, teacher, student, random, half):
        self.photos, self.paintings, self.teacher, self.student = photos, paintings, teacher, student
        self.random, self.half, self.count, self.evaluations = random, half, args.pool, args.evaluations
        self.shape, device = (3, args.size, args.size), torch.device(args.device)
        vectors = lambda: torch.zeros(self.count, 3 * args.size**2, device=device)
        self.latents, self.memory = vectors(), lbfgs.Memory(self.count, self.shape, device)
        # The better pictures, where they were before their last step, and the teacher's gradient and loss there.
        self.better, self.better_memory = vectors(), lbfgs.Memory(self.count, self.shape, device)
        self.before, self.gradient, self.better_loss = vectors(), vectors(), torch.zeros(self.count, device=device)
        self.turns = np.zeros(self.count, int)
        self.contents, self.styles = (torch.zeros(self.count, *self.shape, device=device) for _ in range(2))
        self.content_weight = torch.zeros(self.count, device=device)
        self.age, self.life = np.zeros(self.count, int), np.zeros(self.count, int)
        self.first = [None] * self.count  # the teacher's style loss of what the transfer started from
        self.taught = [None] * self.count  # what the teacher says of the style picture
        self.next = 0
        for k in range(self.count):
            self.renew(k)
            # They do not all end together.
            self.life[k] = self.life[k] * (k + 1) // self.count + 1

    def renew(self, k):
        """Begins another transfer at place k."""
        random, size = self.random, self.shape[1]
        source = self.paintings if random.random() < 0.65 else self.photos
        content, style = self.photos.take(1, size, random), rounded(source.take(1, size, random))
        self.contents[k], self.styles[k], self.latents[k] = content[0], style[0], latents(begun(content, style, random))[0]
        # Strengths from 72 to 98 (src/params/settings.rs).
        self.content_weight[k] = 10 ** ((90 - random.uniform(72, 98)) / 18)
        self.memory.forget(k)
        self.age[k], self.life[k], self.turns[k], self.first[k] = 0, random.integers(*LIFE), 0, None
        with torch.no_grad():
            said = self.statistics(style, self.teacher_taps(style))
        self.taught[k] = {name: t[0] for name, t in said.items()}

    def teacher_taps(self, pictures):
        with self.half:
            return self.teacher(pictures.contiguous(memory_format=torch.channels_last))

    def statistics(self, pictures, taps):
        """What is learnt from pictures [n, 3, S, S] with these activations of the teacher: {name: [n, ...]}."""
        out = {"pictures": (pictures * 255).round().to(torch.uint8)}
        out |= {f"gram.{tap}": gram(taps[tap].detach()) for tap in STYLE_TAPS}
        return out | {f"activations.{name}": thin(f.detach(), BLOCK[name]).half() for name, f in taps.items()}

    def style_losses(self, taps, places):
        """The teacher's style losses {tap: [n]} of the pictures of some transfers."""
        return teachers_style_losses(taps, {t: torch.stack([self.taught[k][f"gram.{t}"] for k in places]) for t in STYLE_TAPS})

    def results(self, places, which):
        """The pictures of some transfers, as statistics, and their style losses."""
        pictures = rounded(picture(self.latents[which], self.shape))
        with torch.no_grad():
            taps = self.teacher_taps(pictures)
            return self.statistics(pictures, taps), self.style_losses(taps, places)

    def improved(self, places, which):
        """The better pictures of some transfers, as statistics, and their style losses [n]; each is then taken a step further."""
        for k in places:
            if self.turns[k] == 0:
                self.better[k] = latents(rounded(picture(self.latents[k], self.shape)))[0]
                self.better_memory.copy(k, self.memory)
        z = self.better[which].requires_grad_()
        pictures = picture(z, self.shape)
        taps = self.teacher_taps(pictures)
        loss = sum(self.style_losses(taps, places).values())
        gradient = torch.autograd.grad(loss.sum(), z)[0]
        z, loss, said = z.detach(), loss.detach(), self.statistics(pictures.detach(), taps)
        moved = torch.from_numpy(self.turns[places] > 0).to(which.device)
        worse = moved & (loss > self.better_loss[which])
        good = moved & ~worse
        self.better_memory.add(which[good], (z - self.before[which])[good], (gradient - self.gradient[which])[good])
        self.before[which], self.gradient[which], self.better_loss[which] = z, gradient, loss
        self.better[which] = latents(rounded(picture(z + self.better_memory.step(which, gradient), self.shape)))
        for k, failed in zip(places, worse.tolist()):
            self.turns[k] = 0 if failed else (self.turns[k] + 1) % TURNS
        return said, loss

    def take(self, n):
        """Takes the next n transfers further. Returns examples, each [PICTURES] of statistics; and, for those near their end, how
        much of the teacher's style loss is left: by tap, in all, and that of the better picture relative to it."""
        places = [(self.next + k) % self.count for k in range(n)]
        self.next = (self.next + n) % self.count
        which = torch.tensor(places, device=self.latents.device)
        older = which[torch.from_numpy(self.age[places] > 0)]
        if len(older):
            objective = Objective(self.student, self.styles[older], self.contents[older], self.content_weight[older], self.half)
            evaluate = lambda z: objective.at(z, self.shape)
            self.latents[older] = lbfgs.minimise(evaluate, self.latents[older], self.memory, older, self.evaluations)
        # What a transfer starts from is an example, too.
        self.age[places] += np.where(self.age[places] > 0, self.evaluations, 1)
        result, losses = self.results(places, which)
        better, better_loss = self.improved(places, which)
        total = sum(losses.values())
        examples, left = [], []
        for place, k in enumerate(places):
            parts = [{name: t[place] for name, t in said.items()} for said in (result, better)]
            examples.append([*parts, self.taught[k]])
            if self.first[k] is None:
                self.first[k] = total[place].item()
            if self.age[k] > max(60, 0.6 * self.life[k]):
                terms = [losses[tap][place].item() / self.first[k] for tap in STYLE_TAPS]
                left.append([*terms, sum(terms), (better_loss[place] / total[place]).item()])
            if self.age[k] >= self.life[k]:
                self.renew(k)
        return examples, left
