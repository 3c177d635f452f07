"""The networks that translators share: ResNet and U-Net generators, and a discriminator of patches.

Zhu et al. 2017 (arXiv:1703.10593, appendix 7.2), Isola et al. 2017 (arXiv:1611.07004, appendix 6.1), Johnson et al.
2016 (arXiv:1603.08155). Positions in the Sequentials are those of the authors' own, so that their weights map by name.
"""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the input passes: `(n, channels, h, w)` -> the same."""

    def __init__(self, channels: int, *, affine: bool, dropout: bool) -> None:
        super().__init__()
        half = (
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=not affine),
            nn.InstanceNorm2d(channels, affine=affine),
        )
        self.body = nn.Sequential(
            *half, nn.ReLU(), *([nn.Dropout(0.5)] if dropout else []), *copy.deepcopy(half)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def resnet(
    channels: int, width: int, blocks: int, *, affine: bool = False, dropout: bool = False
) -> nn.Sequential:
    """`(n, channels, h, w)` -> the same in [-1, 1]; h and w are multiples of 4.

    c7s1-64, d128, d256, the residual blocks at a quarter of the size, u128, u64, c7s1-3.
    """
    bias = not affine  # a norm that shifts makes it superfluous
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7, bias=bias)]
    layers += [nn.InstanceNorm2d(width, affine=affine), nn.ReLU()]
    for narrow, wide in pairwise((width, 2 * width, 4 * width)):
        layers += [
            nn.Conv2d(narrow, wide, 3, 2, 1, bias=bias),
            nn.InstanceNorm2d(wide, affine=affine),
            nn.ReLU(),
        ]
    layers += [ResidualBlock(4 * width, affine=affine, dropout=dropout) for _ in range(blocks)]
    for wide, narrow in pairwise((4 * width, 2 * width, width)):
        layers.append(nn.ConvTranspose2d(wide, narrow, 3, 2, 1, 1, bias=bias))
        layers += [nn.InstanceNorm2d(narrow, affine=affine), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh())


class UNet(nn.Module):
    """`(n, channels, h, w)` -> the same in [-1, 1]; h and w are multiples of 2^depth.

    Halved `depth` times and doubled again; each doubling sees what stood at its size on the way down. `affine` norms
    are batch norms as the pix2pix paper uses them, with the statistics of the one image. Where `dropout` is on, the
    second to the fourth doubling drop half of what they make, as far as they are of full width.
    """

    def __init__(
        self, channels: int, width: int, depth: int, *, affine: bool, dropout: bool
    ) -> None:
        super().__init__()
        widths = [width * min(2**i, 8) for i in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(pairwise([channels, *widths])):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if i else []
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=not affine))
            if 0 < i < depth - 1:
                layers.append(nn.InstanceNorm2d(after, affine=affine))
            self.down.append(nn.Sequential(*layers))
        for i in reversed(range(depth)):
            before, after = (
                widths[i] * (1 if i == depth - 1 else 2),
                widths[i - 1] if i else channels,
            )
            layers = [
                nn.ReLU(),
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=not (affine and i)),
            ]
            layers += [nn.InstanceNorm2d(after, affine=affine)] if i else [nn.Tanh()]
            if dropout and depth - 5 < i < depth - 1 and widths[i] == widths[i - 1] == 8 * width:
                layers.append(nn.Dropout(0.5))
            self.up.append(nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        seen = []
        for down in self.down:
            x = down(x)
            seen.append(x)
        for up, skip in zip(self.up, [None, *seen[-2::-1]], strict=True):
            x = up(x if skip is None else torch.cat([skip, x], dim=1))
        return x


def patches(channels: int, width: int, layers: int, *, affine: bool) -> nn.Sequential:
    """`(n, channels, h, w)` -> `(n, 1, h', w')`, a logit for each overlapping patch: of 70x70 pixels for 3 layers."""
    widths = [width * min(2**i, 8) for i in range(layers + 1)]
    found: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, (narrow, wide) in enumerate(pairwise(widths), 1):
        stride = 2 if i < layers else 1
        found += [
            nn.Conv2d(narrow, wide, 4, stride, 1, bias=not affine),
            nn.InstanceNorm2d(wide, affine=affine),
        ]
        found.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*found, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def initialise(module: nn.Module) -> None:
    """Weights of convolutions from N(0, 0.02), their biases 0; scales of norms from N(1, 0.02)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.InstanceNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)
