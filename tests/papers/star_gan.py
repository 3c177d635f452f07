"""StarGAN, https://arxiv.org/abs/1711.09020: one generator between all pairs of domains."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, l1_loss, one_hot

import ganzoo
from ganzoo import losses


class Discriminator(nn.Module):
    """Images -> logits of patches, and logits of domains `(n, classes)`."""

    def __init__(self, channels, width, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.LeakyReLU(0.01),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.01),
        )
        self.patches = nn.Conv2d(2 * width, 1, 3, padding=1)
        self.domain = nn.Conv2d(2 * width, classes, 1)

    def forward(self, images):
        features = self.features(images)
        return self.patches(features), self.domain(features).mean((2, 3))


class StarGAN(ganzoo.Model):
    """Unified translation between several domains (Choi et al. 2018, arXiv:1711.09020)."""

    task = "image-to-image"
    view = ganzoo.Labelled

    class Hparams(ganzoo.Hparams):
        image_size: int = 32
        channels: int = 3
        classes: int | None = None
        width: int = 16
        cycle_weight: float = 10.0

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Sequential(
            nn.Conv2d(hp.channels + hp.classes, hp.width, 3, padding=1),
            nn.InstanceNorm2d(hp.width, affine=True),
            nn.ReLU(),
            nn.Conv2d(hp.width, hp.width, 3, padding=1),
            nn.InstanceNorm2d(hp.width, affine=True),
            nn.ReLU(),
            nn.Conv2d(hp.width, hp.channels, 3, padding=1),
            nn.Tanh(),
        )
        self.discriminator = Discriminator(hp.channels, hp.width, hp.classes)

    @property
    def goals(self):
        """Direction -> the number of the domain that it leads to."""
        names = list(enumerate(self.class_names))
        return {f"{a}2{b}": number for _, a in names for number, b in names if a != b}

    @property
    def directions(self):
        return tuple(self.goals)

    def in_domain(self, images, labels):
        planes = one_hot(labels, self.hp.classes)[:, :, None, None].to(images.dtype)
        planes = planes.expand(-1, -1, *images.shape[2:])
        return self.generator(torch.cat([images, planes], 1))

    def losses(self, batch):
        real, labels = batch
        wanted = (labels + 1 + (self.rand(len(real)) * (self.hp.classes - 1)).long()) % (
            self.hp.classes
        )
        fake = self.in_domain(real, wanted)
        on_real, domain_real = self.discriminator(real)
        on_fake, _ = self.discriminator(fake.detach())
        terms = losses.least_squares_discriminator(on_real, on_fake)
        terms["domain"] = cross_entropy(domain_real, labels)
        yield self.discriminator, terms
        with ganzoo.frozen(self.discriminator):
            on_fake, domain_fake = self.discriminator(fake)
            terms = {
                "adversarial": losses.least_squares_generator(on_fake),
                "domain": cross_entropy(domain_fake, wanted),
                "cycle": self.hp.cycle_weight * l1_loss(self.in_domain(fake, labels), real),
            }
            yield self.generator, terms

    def translated(self, images, direction):
        goal = self.goals[direction]
        labels = torch.full((images.shape[0],), goal, device=images.device)
        return self.in_domain(images, labels)

    def preview(self, batch):
        rows = [batch.images[:4]]
        for direction in self.directions[: self.hp.classes]:
            rows.append(self.translate(batch.images[:4], direction))
        return torch.cat(rows)
