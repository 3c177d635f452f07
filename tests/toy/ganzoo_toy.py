"""A third party's package: a linear GAN, one with phases and a schedule, a trainer, a source."""

from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import nn
from torch.nn.functional import softplus

import ganzoo


class Toy(ganzoo.Model):
    """Two linear layers against each other (Goodfellow et al. 2014, arXiv:1406.2661)."""

    task = "unconditional-image-generation"
    default_data = "toy-squares:16"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(ganzoo.Hparams):
        image_size: int | None = None
        channels: int | None = None
        latent_dim: int = 4
        batch_size: int = 8
        steps: int = 12

    def __init__(self, hp):
        super().__init__(hp)
        pixels = hp.channels * hp.image_size**2
        self.generator = nn.Sequential(
            nn.Linear(hp.latent_dim, pixels),
            nn.Tanh(),
            nn.Unflatten(1, (hp.channels, hp.image_size, hp.image_size)),
        )
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 1), nn.Flatten(0))

    def losses(self, real):
        fake = self.generator(self.randn(len(real), self.hp.latent_dim))
        real_term = softplus(-self.discriminator(real)).mean()
        yield (
            self.discriminator,
            {"real": real_term, "fake": softplus(self.discriminator(fake)).mean()},
        )  # no detach
        yield self.generator, softplus(-self.discriminator(fake)).mean()

    def latents(self, n, seed):
        return ganzoo.noise(n, self.hp.latent_dim, seed=seed)

    def generate(self, latents, labels=None):
        return self.generator(latents)


class ToyPhases(Toy):
    """All that must survive a resume: phases, dropout, a growing pool, averages, shared weights."""

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Toy.Hparams):
        ema: float = 0.9

    batches_per_step = 2

    def __init__(self, hp):
        super().__init__(hp)
        self.discriminator.insert(1, nn.Dropout(0.3))
        self.register_buffer(
            "pool", torch.zeros(0, hp.channels, hp.image_size, hp.image_size), persistent=False
        )
        self.guess = nn.Sequential(
            nn.Flatten(), nn.Linear(hp.channels * hp.image_size**2, hp.latent_dim)
        )

    def phase(self, step):
        return step >= 5

    def enter_phase(self, phase):
        self.generator[0].bias.requires_grad_(phase)

    def optimizers(self):
        shared = [*self.guess.parameters(), *self.generator.parameters()]  # as InfoGAN has it
        return {
            self.generator: torch.optim.Adam(
                self.generator.parameters(), self.hp.lr, self.hp.betas
            ),
            self.guess: torch.optim.Adam(shared, 0.01),
            self.discriminator: torch.optim.SGD(
                self.discriminator.parameters(), 0.05, momentum=0.9
            ),
        }

    def lr_scale(self, progress):
        return 1 - progress

    def averaged(self):
        return [self.generator]

    def losses(self, batches):
        for real in batches:
            latents = self.randn(len(real), self.hp.latent_dim)
            fake = self.generator(latents)
            self.pool = torch.cat([self.pool, fake.detach()[:2] * self.rand(2, 1, 1, 1)])[-10:]
            critic = self.discriminator(self.pool).mean() - self.discriminator(real).mean()
            yield self.discriminator, critic
        yield self.generator, -self.discriminator(fake).mean()
        yield self.guess, (self.guess(self.generator(latents)) - latents).square().mean()


class Halved(ganzoo.Trainer):
    """A trainer of a third party: every loss is halved before it is minimised."""

    def turns(self, batch):
        for turn in super().turns(batch):
            yield replace(turn, losses={name: loss / 2 for name, loss in turn.losses.items()})


class Squares:
    """Bright squares on dark ground; the argument is their number."""

    licence = "CC0-1.0"

    def __init__(self, argument=""):
        self.count = int(argument) if argument else 10

    @property
    def info(self):
        return ganzoo.DataInfo(size=8, channels=1)

    def items(self):
        return [ganzoo.Item(f"square {i}", lambda i=i: self.draw(i)) for i in range(self.count)]

    def draw(self, i):
        picture = Image.new("L", (8, 8), 10)
        picture.paste(240, (i % 4, i % 5, i % 4 + 3, i % 5 + 3))
        return picture
