"""Muon (Jordan and others 2024): momentum whose matrix is made orthogonal, so that every direction of a layer learns at the
same rate. Steps have the size of Adam's (factor 0.2 sqrt(max(rows, columns)), Liu and others 2025)."""
import torch


def orthogonal(matrix):
    """The nearest matrix with singular values near 1, by five steps of Newton and Schulz's iteration of fifth order."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions, the first of which are the rows."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(state["momentum"], group["momentum"])
                update = orthogonal(ahead.flatten(1)).view_as(p)
                rows, columns = p.shape[0], p[0].numel()
                p.add_(update, alpha=-group["lr"] * 0.2 * max(rows, columns) ** 0.5)
