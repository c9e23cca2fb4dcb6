"""L-BFGS of several independent vectors at once, which torch's own cannot do."""
import torch

# How many pairs of a step and the gradient's change are remembered.
PAIRS = 10
# The root mean square of the first step without a pair, and of the longest one.
SHORT, LONGEST = 0.02, 0.15


def dot(a, b):
    """Inner products [n, 1] of vectors [n, D]."""
    return (a * b).sum(1, keepdim=True)


class Memory:
    """The pairs of `count` vectors of `size` values. A pair that is not there has `inverse` 0, and so no effect."""

    def __init__(self, count, size, device):
        self.steps, self.changes = (torch.zeros(PAIRS, count, size, device=device) for _ in range(2))
        self.inverse = torch.zeros(PAIRS, count, 1, device=device)  # 1 / (step . change)
        self.scale = torch.zeros(count, 1, device=device)  # (step . change) / (change . change) of the last pair, or 0

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
        self.scale[which] = curvature / dot(change, change)

    def step(self, which, gradient):
        """Where the next step from gradients [n, D] goes: minus the inverse Hessian times the gradient, by the two loops."""
        q, alphas = gradient.clone(), []
        for k in reversed(range(PAIRS)):
            alphas.append(self.inverse[k, which] * dot(self.steps[k, which], q))
            q -= alphas[-1] * self.changes[k, which]
        short = SHORT / gradient.pow(2).mean(1, keepdim=True).sqrt().clamp(min=1e-12)
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
