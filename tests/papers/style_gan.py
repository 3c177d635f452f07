"""A small StyleGAN2, https://arxiv.org/abs/1912.04958: lazy R1 and path length, truncation."""

from typing import Annotated

import torch
from torch import nn
from torch.nn.functional import interpolate, softplus

import ganzoo
from ganzoo import augment


class Synthesis(nn.Module):
    """Styles `(n, width)` -> images: a constant, then layers whose channels the style scales."""

    def __init__(self, hp):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, hp.width, 4, 4))
        self.doublings = (hp.image_size // 4).bit_length() - 1
        layers = range(self.doublings + 1)
        self.styles = nn.ModuleList(nn.Linear(hp.width, hp.width) for _ in layers)
        self.layers = nn.ModuleList(nn.Conv2d(hp.width, hp.width, 3, padding=1) for _ in layers)
        self.to_rgb = nn.Conv2d(hp.width, hp.channels, 1)

    def forward(self, w):
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        for number, (style, layer) in enumerate(zip(self.styles, self.layers, strict=True)):
            if number:
                x = interpolate(x, scale_factor=2)
            x = layer(x * (1 + style(w))[:, :, None, None])
            x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
            x = nn.functional.leaky_relu(x, 0.2)
        return self.to_rgb(x).tanh()


class SmallStyleGAN(ganzoo.Model):
    """StyleGAN2, narrow and short (Karras et al. 2020, arXiv:1912.04958, section 3)."""

    task = "unconditional-image-generation"

    class Hparams(augment.Hparams):
        image_size: int = 32
        channels: int = 3
        width: int = 16
        gamma: float = 1.0
        lazy: Annotated[int, ganzoo.Range(1, 64), "steps between regularisations"] = 2
        ema: float = 0.99
        betas: tuple[float, float] = (0.0, 0.99)

    class Use(ganzoo.Use):
        truncation: Annotated[float, ganzoo.Range(0, 1), "0 is the mean style, 1 is all"] = 1.0

    def __init__(self, hp):
        super().__init__(hp)
        mapping = nn.Sequential(
            nn.Linear(hp.width, hp.width), nn.LeakyReLU(0.2), nn.Linear(hp.width, hp.width)
        )
        self.generator = nn.ModuleDict({"mapping": mapping, "synthesis": Synthesis(hp)})
        size = hp.image_size // 4
        self.discriminator = nn.Sequential(
            nn.Conv2d(hp.channels, hp.width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hp.width, hp.width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(hp.width * size**2, 1),
            nn.Flatten(0),
        )
        self.register_buffer("mean_style", torch.zeros(hp.width))
        self.register_buffer("mean_path", torch.zeros(()), persistent=False)

    def compiled(self):
        return []  # both networks are differentiated twice

    def losses(self, real):
        synthesis, critic = self.generator["synthesis"], self.discriminator
        w = self.generator["mapping"](self.randn(len(real), self.hp.width))
        self.mean_style.lerp_(w.detach().float().mean(0), 0.005)
        fake = synthesis(w)
        on_real, on_fake = critic(self.augmented(real)), critic(self.augmented(fake.detach()))
        self.observe(on_real)
        terms = {"real": softplus(-on_real).mean(), "fake": softplus(on_fake).mean()}
        if self.step % self.hp.lazy == 0:  # R1, equation 9 of arXiv:1801.04406
            images = real.detach().requires_grad_()
            [slope] = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
            penalty = slope.float().square().sum((1, 2, 3)).mean()
            terms["r1"] = self.hp.gamma / 2 * self.hp.lazy * penalty
        yield critic, terms
        with ganzoo.frozen(critic):
            terms = {"adversarial": softplus(-critic(self.augmented(fake))).mean()}
            if self.step % self.hp.lazy == 0:  # path length, section 3.2
                noise = self.randn(*fake.shape) / self.hp.image_size
                [slope] = torch.autograd.grad((fake * noise).sum(), w, create_graph=True)
                lengths = slope.float().square().sum(1).sqrt()
                mean = self.mean_path.lerp(lengths.detach().mean(), 0.01)
                self.mean_path.copy_(mean)
                self.report("path length", lengths)
                terms["path"] = 2 * self.hp.lazy * (lengths - mean).square().mean()
            yield self.generator, terms

    def averaged(self):
        return [self.generator]

    def latents(self, n, seed):
        return ganzoo.noise(n, self.hp.width, seed=seed)

    def generate(self, latents, labels=None, *, truncation=1.0):
        w = self.generator["mapping"](latents)
        w = self.mean_style + truncation * (w - self.mean_style)
        return self.generator["synthesis"](w.to(latents.dtype))
