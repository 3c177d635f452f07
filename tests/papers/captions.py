"""Faces from captions: a GRU reads them, https://arxiv.org/abs/1605.05396."""

import torch
from torch import nn

import ganzoo
from ganzoo import losses

WORDS = ("", "face", "long", "short", "hair", "glasses", "black", "blond", "brown", "red", "grey")
LENGTH = 8


class Captions(ganzoo.Model):
    """Generative adversarial text to image synthesis (Reed et al. 2016, arXiv:1605.05396)."""

    task = "unconditional-image-generation"
    view = ganzoo.Conditioned
    reads_text = True

    class Hparams(ganzoo.Hparams):
        image_size: int = 16
        channels: int = 3
        width: int = 16

    def __init__(self, hp):
        super().__init__(hp)
        pixels = hp.channels * hp.image_size**2
        shape = (hp.channels, hp.image_size, hp.image_size)
        self.generator = nn.ModuleDict(
            {
                "words": nn.Embedding(len(WORDS), hp.width),
                "reader": nn.GRU(hp.width, hp.width, batch_first=True),
                "painter": nn.Sequential(
                    nn.Linear(2 * hp.width, 4 * hp.width),
                    nn.ReLU(),
                    nn.Linear(4 * hp.width, pixels),
                    nn.Tanh(),
                    nn.Unflatten(1, shape),
                ),
            }
        )
        self.discriminator = nn.ModuleDict(
            {
                "words": nn.EmbeddingBag(len(WORDS), hp.width, mode="mean"),
                "images": nn.Sequential(nn.Flatten(), nn.Linear(pixels, hp.width)),
                "judge": nn.Linear(2 * hp.width, 1),
            }
        )

    def condition(self, requests):
        rows = []
        for request in requests:
            words = str(request.get("text", "")).split()
            numbers = [WORDS.index(word) for word in words if word in WORDS][:LENGTH]
            rows.append(numbers + [0] * (LENGTH - len(numbers)))
        return torch.tensor(rows)

    def judged(self, images, tokens):
        parts = self.discriminator
        both = torch.cat([parts["images"](images), parts["words"](tokens)], 1)
        return parts["judge"](both.relu())[:, 0]

    def losses(self, batch):
        real, tokens = batch
        fake = self.generate(self.randn(len(real), self.hp.width), tokens)
        terms = losses.non_saturating_discriminator(
            self.judged(real, tokens), self.judged(fake.detach(), tokens)
        )
        wrong = self.judged(real, tokens.roll(1, 0))  # a real image with another text (GAN-CLS)
        terms["wrong"] = nn.functional.softplus(wrong).mean()
        yield self.discriminator, terms
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.judged(fake, tokens))

    def latents(self, n, seed):
        return ganzoo.noise(n, self.hp.width, seed=seed)

    def generate(self, latents, tokens=None):
        parts = self.generator
        if tokens is None:
            tokens = torch.zeros(latents.shape[0], LENGTH, dtype=torch.long, device=latents.device)
        _, read = parts["reader"](parts["words"](tokens))
        return parts["painter"](torch.cat([latents, read[0].to(latents.dtype)], 1))
