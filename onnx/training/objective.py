"""What a style transfer with the student minimises, and how its picture is written: as the program does it (docs/graph.md)."""
import torch

from networks import CONTENT_TAP, STYLE_TAPS

# The picture is (1 + sin z) / 2. A latent variable z at the border of the range would be stuck.
INSIDE = 0.004


def gram(f):
    """Gram matrices [n, C, C] of activations [n, C, h, w], over their positions."""
    # Channels last, as they lie in memory, also for the gradient.
    f = f.permute(0, 2, 3, 1).flatten(1, 2).float()
    return f.transpose(1, 2) @ f / f.shape[1]


def picture(latents, shape):
    """The pictures [n, *shape] of latent variables [n, D]."""
    return ((1 + latents.sin()) / 2).view(-1, *shape)


def latents(pictures):
    """Latent variables [n, D] of pictures."""
    return (2 * pictures.clamp(INSIDE, 1 - INSIDE) - 1).asin().flatten(1)


def rounded(pictures):
    """As they would be saved, in 8 bits."""
    return (pictures * 255).round() / 255


def teachers_style_losses(taps, wanted):
    """The style losses {tap: [n]} of the teacher's activations against Gram matrices {tap: [n, C, C]}."""
    return {tap: 1000 / g.shape[1] ** 4 * (gram(taps[tap]) - g).pow(2).sum((1, 2)) for tap, g in wanted.items()}


class Objective:
    """The objective of n transfers with the student as it is now: styles and contents [n, 3, S, S], content weights [n]."""

    def __init__(self, student, styles, contents, content_weight, half):
        self.student, self.content_weight, self.half = student, content_weight, half
        with torch.no_grad():
            heads = {tap: student.head(tap) for tap in (*STYLE_TAPS, CONTENT_TAP)}
            # H^T H: distances in it are the teacher's.
            self.metric = {tap: h.T @ h for tap, h in heads.items()}
            self.channels = {tap: len(h) for tap, h in heads.items()}
            with half:
                taps = student(torch.cat([styles, contents]))
            self.grams = {tap: gram(taps[tap][: len(styles)]) for tap in STYLE_TAPS}
            self.features = taps[CONTENT_TAP][len(styles) :].float()

    def losses(self, pictures):
        """[n], of pictures [n, 3, S, S]."""
        with self.half:
            taps = self.student(pictures)
        total = 0
        for tap, wanted in self.grams.items():
            product = self.metric[tap] @ (gram(taps[tap]) - wanted)
            total = total + 1000 / self.channels[tap] ** 4 * (product * product.transpose(1, 2)).sum((1, 2))
        error = (taps[CONTENT_TAP].float() - self.features).flatten(2)
        of_content = (error * (self.metric[CONTENT_TAP] @ error)).sum((1, 2)) / (self.channels[CONTENT_TAP] * error.shape[2])
        return total + self.content_weight * of_content

    def at(self, z, shape):
        """Losses [n] and gradients [n, D] at latent variables [n, D]."""
        z = z.detach().requires_grad_()
        losses = self.losses(picture(z, shape))
        return losses.detach(), torch.autograd.grad(losses.sum(), z)[0]
