"""The networks of translators: ResNet and U-Net generators, and a discriminator of patches.

Zhu et al. 2017 (arXiv:1703.10593, appendix 7.2), Isola et al. 2017 (arXiv:1611.07004, appendix
6.1), Johnson et al. 2016 (arXiv:1603.08155). Positions in the Sequentials are those of the
authors' own networks, so that their weights map by name.
"""

import copy
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x plus two 3x3 convolutions of x: `(n, channels, h, w)` -> the same shape."""

    def __init__(self, channels: int, *, affine: bool, dropout: bool) -> None:
        super().__init__()
        half = (
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=not affine),
            nn.InstanceNorm2d(channels, affine=affine),
        )
        middle = [nn.ReLU(), nn.Dropout(0.5)] if dropout else [nn.ReLU()]
        self.body = nn.Sequential(*half, *middle, *copy.deepcopy(half))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def resnet(
    channels: int, width: int, blocks: int, *, affine: bool = False, dropout: bool = False
) -> nn.Sequential:
    """`(n, channels, h, w)` -> the same shape in [-1, 1]; h and w are multiples of 4.

    c7s1-64, d128, d256, the residual blocks at a quarter of the size, u128, u64, c7s1-3.
    """
    bias = not affine  # an affine norm makes it superfluous
    norm = partial(nn.InstanceNorm2d, affine=affine)
    layers: list[nn.Module] = [
        nn.ReflectionPad2d(3),
        nn.Conv2d(channels, width, 7, bias=bias),
        norm(width),
        nn.ReLU(),
    ]
    for narrow, wide in pairwise((width, 2 * width, 4 * width)):
        layers += [
            nn.Conv2d(narrow, wide, 3, 2, 1, bias=bias),
            norm(wide),
            nn.ReLU(),
        ]
    for _ in range(blocks):
        layers.append(ResidualBlock(4 * width, affine=affine, dropout=dropout))
    for wide, narrow in pairwise((4 * width, 2 * width, width)):
        layers += [
            nn.ConvTranspose2d(wide, narrow, 3, 2, 1, 1, bias=bias),
            norm(narrow),
            nn.ReLU(),
        ]
    return nn.Sequential(
        *layers,
        nn.ReflectionPad2d(3),
        nn.Conv2d(width, channels, 7),
        nn.Tanh(),
    )


class UNet(nn.Module):
    """`(n, channels, h, w)` -> the same shape in [-1, 1]; h and w are multiples of 2^depth.

    It halves the image `depth` times and doubles it again; each doubling also sees the features
    of its size from the way down. `affine` norms are batch norms as the pix2pix paper uses them,
    with the statistics of the one image. With `dropout`, the second to the fourth doubling drop
    half of their output if it has the full width.
    """

    def __init__(
        self, channels: int, width: int, depth: int, *, affine: bool, dropout: bool
    ) -> None:
        super().__init__()
        norm = partial(nn.InstanceNorm2d, affine=affine)
        widths = [width * min(2**i, 8) for i in range(depth)]
        innermost = depth - 1
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(pairwise([channels, *widths])):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if i else []
            layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=not affine))
            if 0 < i < innermost:
                layers.append(norm(after))
            self.down.append(nn.Sequential(*layers))
        for i in reversed(range(depth)):
            before = widths[i] if i == innermost else 2 * widths[i]
            after = widths[i - 1] if i else channels
            bias = not (affine and i)
            layers = [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias)]
            layers.append(norm(after) if i else nn.Tanh())
            if dropout and innermost - 4 < i < innermost and after == 8 * width:
                layers.append(nn.Dropout(0.5))
            self.up.append(nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for down in self.down:
            x = down(x)
            features.append(x)
        x = features.pop()
        for up in self.up:
            x = up(x)
            if features:
                x = torch.cat([features.pop(), x], dim=1)
        return x


def patches(channels: int, width: int, layers: int, *, affine: bool) -> nn.Sequential:
    """`(n, channels, h, w)` -> `(n, 1, h', w')`: a logit per overlapping patch.

    A patch is 70x70 pixels for 3 layers.
    """
    norm = partial(nn.InstanceNorm2d, affine=affine)
    widths = [width * min(2**i, 8) for i in range(layers + 1)]
    modules: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, (narrow, wide) in enumerate(pairwise(widths), 1):
        stride = 2 if i < layers else 1
        modules += [
            nn.Conv2d(narrow, wide, 4, stride, 1, bias=not affine),
            norm(wide),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*modules, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def initialise(module: nn.Module) -> None:
    """Draws the weights of convolutions from N(0, 0.02), the scales of norms from N(1, 0.02).

    The biases of convolutions are 0.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.InstanceNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)
