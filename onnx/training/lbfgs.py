"""L-BFGS of several independent pictures at once, which torch's own cannot do. Its inverse Hessian at the start is P², as in
the program (src/optimise/preconditioner.rs): a loss of a network is flat for what is wide in a picture."""
import math

import torch
import torch.nn.functional as F

# How many pairs of a step and the gradient's change are remembered.
PAIRS = 10
# The root mean square of the first step without a pair, and of the longest one.
SHORT, LONGEST = 0.02, 0.15


# What P adds for each halving of a picture, and the filter that halves it.
LEVELS = (0.0, 0.7, 0.7, 0.7, 0.7)
FILTER = torch.tensor([0.125, 0.375, 0.375, 0.125])


def precondition(vectors, shape):
    """P times vectors [n, D] of pictures of this shape [3, S, S], where 32 divides S."""
    planes = vectors.reshape(-1, 1, *shape[1:])
    kernel = (FILTER[:, None] * FILTER).to(vectors).view(1, 1, 4, 4)
    halves = [planes]
    for _ in LEVELS:
        halves.append(F.conv2d(F.pad(halves[-1], (1, 1, 1, 1), mode="replicate"), kernel, stride=2))
    wide = torch.zeros_like(halves[-1])
    for factor, half, whole in zip(reversed(LEVELS), reversed(halves[1:]), reversed(halves[:-1])):
        # What the padding repeats is cut off again.
        doubled = F.conv_transpose2d(F.pad(wide + factor * half, (1, 1, 1, 1), mode="replicate"), 4 * kernel, stride=2)
        wide = doubled[:, :, 3:-3, 3:-3]
        assert wide.shape == whole.shape
    return (planes + wide).reshape(vectors.shape)


def dot(a, b):
    """Inner products [n, 1] of vectors [n, D]."""
    return (a * b).sum(1, keepdim=True)


class Memory:
    """The pairs of `count` pictures of this shape [3, S, S]. A pair that is not there has `inverse` 0, and so no effect."""

    def __init__(self, count, shape, device):
        self.shape, size = shape, math.prod(shape)
        self.steps, self.changes = (torch.zeros(PAIRS, count, size, device=device) for _ in range(2))
        self.inverse = torch.zeros(PAIRS, count, 1, device=device)  # 1 / (step . change)
        self.scale = torch.zeros(count, 1, device=device)  # (step . change) / |P change|² of the last pair, or 0

    def copy(self, k, other):
        """Takes over what another memory knows of vector k."""
        for mine, theirs in ((self.steps, other.steps), (self.changes, other.changes), (self.inverse, other.inverse)):
            mine[:, k] = theirs[:, k]
        self.scale[k] = other.scale[k]

    def forget(self, which):
        self.inverse[:, which] = 0
        self.scale[which] = 0

    def add(self, which, step, change):
        """Remembers a pair of each of some vectors, where the curvature is positive."""
        curvature = dot(step, change)
        good = (curvature > 1e-8 * step.norm(dim=1, keepdim=True) * change.norm(dim=1, keepdim=True)).squeeze(1)
        which, step, change, curvature = which[good], step[good], change[good], curvature[good]
        for kept, new in ((self.steps, step), (self.changes, change), (self.inverse, 1 / curvature)):
            kept[:, which] = torch.cat([kept[1:, which], new[None]])
        self.scale[which] = curvature / precondition(change, self.shape).pow(2).sum(1, keepdim=True)

    def step(self, which, gradient):
        """Where the next step from gradients [n, D] goes: minus the inverse Hessian times the gradient, by the two loops."""
        q, alphas = gradient.clone(), []
        for k in reversed(range(PAIRS)):
            alphas.append(self.inverse[k, which] * dot(self.steps[k, which], q))
            q -= alphas[-1] * self.changes[k, which]
        q = precondition(precondition(q, self.shape), self.shape)
        short = SHORT / q.pow(2).mean(1, keepdim=True).sqrt().clamp(min=1e-12)
        q *= torch.where(self.scale[which] > 0, self.scale[which], short)
        for k, alpha in zip(range(PAIRS), reversed(alphas)):
            q += (alpha - self.inverse[k, which] * dot(self.changes[k, which], q)) * self.steps[k, which]
        size = q.pow(2).mean(1, keepdim=True).sqrt()
        return -q * (LONGEST / size.clamp(min=LONGEST))


def minimise(evaluate, start, memory, which, evaluations):
    """Points [n, D] after so many evaluations from `start`. `evaluate` gives losses [n] and gradients [n, D]; `which` says where
    the points are in the memory. A step that raises a loss is made a quarter as long."""
    at, (loss, gradient) = start, evaluate(start)
    direction, length = memory.step(which, gradient), torch.ones_like(loss)[:, None]
    for _ in range(evaluations - 1):
        step = length * direction
        tried_loss, tried_gradient = evaluate(at + step)
        lower = tried_loss < loss
        memory.add(which[lower], step[lower], (tried_gradient - gradient)[lower])
        loss = torch.where(lower, tried_loss, loss)
        lower = lower[:, None]
        at, gradient = torch.where(lower, at + step, at), torch.where(lower, tried_gradient, gradient)
        length = torch.where(lower, 1.0, length * 0.25)
        stuck = length < 0.01
        memory.forget(which[stuck.squeeze(1)])
        length = torch.where(stuck, 1.0, length)
        direction = torch.where(lower | stuck, memory.step(which, gradient), direction)
    return at
