"""R3GAN, against the published numbers of parameters, and formulas and a loop written by hand."""

import copy
import math
from itertools import islice, pairwise

import pytest
import torch
from scoring import frechet_distance, pixels
from tensors import parameter_count
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, linear, softplus

import ganzoo
from ganzoo import augment
from ganzoo.data.open import open_data
from ganzoo.seeds import rng

TINY = {
    "image_size": 8,
    "channels": 1,
    "width": 4,
    "group_size": 2,
    "latent_dim": 3,
    "batch_size": 6,
    "steps": 3,
}


def pictures(n=16, size=8):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(3)) * 2 - 1


def tiny(**settings):
    """A model in the midst of training: no weight is what it was first."""
    model = ganzoo.create("r3gan", **{**TINY, **settings})
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter += ganzoo.noise(1, *parameter.shape, seed=i)[0] / 5
    return model


def block(x, weights):
    (expand, expand_bias), (grouped, grouped_bias), project = weights[:2], weights[2:4], weights[4]
    inside = leaky_relu(conv2d(x, expand, expand_bias), 0.2)
    groups = len(grouped) // grouped.shape[1]
    return x + conv2d(
        leaky_relu(conv2d(inside, grouped, grouped_bias, padding=1, groups=groups), 0.2), project
    )


def blocks(x, weights):
    for _ in range(2):
        x = block(x, list(islice(weights, 5)))
    return x


def net_g(weights, latents, widths):
    weights = iter(weights)
    basis, scale = next(weights), next(weights)
    x = blocks(basis * linear(latents, scale)[:, :, None, None], weights)
    for wide, narrow in pairwise(widths):
        x = x if wide == narrow else conv2d(x, next(weights))
        x = blocks(interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), weights)
    return conv2d(x, next(weights))


def net_d(weights, images, widths):
    weights = iter(weights)
    x = blocks(conv2d(images, next(weights)), weights)
    for wide, narrow in list(pairwise(widths))[::-1]:
        x = avg_pool2d(x, 2)
        x = blocks(x if wide == narrow else conv2d(x, next(weights)), weights)
    return linear(conv2d(x, next(weights), groups=widths[0]).flatten(1), next(weights)).flatten()


@pytest.mark.parametrize(
    ("size", "published", "conditional"),
    [
        (64, (22.43, 22.38), (0, 0)),  # FFHQ
        (256, (23.06, 23.01), (0, 0)),
        # The authors' model for CIFAR-10 knows the class: 10 embeddings of 64 next to the latent;
        # 768 numbers at the discriminator's end, instead of one, against 10 embeddings of 768.
        (32, (20.78, 21.28), (10 * 64 + 64 * 768, 767 * 768 + 10 * 768)),
    ],
)
def test_parameter_counts_are_the_published_ones(size, published, conditional):
    with torch.device("meta"):
        model = ganzoo.create("r3gan", image_size=size)
    for network, more, expected in zip(model.children(), conditional, published, strict=True):
        assert round((parameter_count(network) + more) / 1e6, 2) == expected


def test_the_default_is_the_published_setting_of_ffhq_64():
    hp = ganzoo.create("r3gan", width=16).hp
    assert (hp.image_size, hp.batch_size, hp.lr, hp.lr * hp.lr_end) == (64, 256, 2e-4, 5e-5)
    assert (hp.betas, hp.beta2_end, hp.gamma, hp.gamma * hp.gamma_end) == ((0, 0.9), 0.99, 2, 0.2)
    assert hp.batch_size * hp.steps == 20_000_000
    assert math.log(0.5, hp.ema) * hp.batch_size == pytest.approx(500_000, rel=0.02)


@pytest.mark.parametrize(
    ("size", "channels"), [(8, 1), (16, 3), (32, 4), (64, 1), (128, 2), (256, 3), (1024, 4)]
)
def test_any_size_that_is_4_times_a_power_of_two(size, channels):
    with torch.device("meta"):
        model = ganzoo.create("r3gan", image_size=size, channels=channels, width=64, group_size=2)
        images = model.generator(torch.empty(2, 64))
        assert images.shape == (2, channels, size, size)
        assert model.discriminator(images).shape == (2,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_size": 100}, "64.*128"),
        ({"width": 100}, "width.*multiple of 16"),
        ({"width": 24, "image_size": 128}, "width.*multiple of 32"),
        ({"width": 2, "image_size": 128, "group_size": 1}, r"multiple of 4\b"),
        ({"width": 5, "image_size": 32, "group_size": 3}, r"multiple of 3\b"),
    ],
)
def test_a_size_or_width_that_does_not_divide_is_refused_with_one_that_does(wrong, message):
    with pytest.raises(ganzoo.HparamError, match=message):
        ganzoo.create("r3gan", **{"width": 64, **wrong})


def test_there_is_no_normalisation_and_every_block_is_the_identity_at_first():
    from ganzoo_r3gan.networks import Block

    model = ganzoo.create("r3gan", image_size=16, width=64)
    kinds = {type(module) for module in model.modules()}
    outside = {
        nn.Conv2d,
        nn.Linear,
        nn.Upsample,
        nn.AvgPool2d,
        nn.LeakyReLU,
        nn.Flatten,
        nn.Sequential,
    }
    assert {kind for kind in kinds if kind.__module__.startswith("torch.")} == outside
    x = torch.randn(2, 64, 4, 4)
    for network in model.children():
        identities = 0
        for module in network.modules():
            if not isinstance(module, Block):
                continue
            identities += 1
            assert torch.equal(module(x), x)
            for convolution, fan in ((module.expand, 64), (module.grouped, 16 * 9)):
                std = math.sqrt(2 / 1.04) / math.sqrt(fan) * 6**-0.25
                assert convolution.weight.std().item() == pytest.approx(std, rel=0.05)
                assert not convolution.bias.any()
        assert identities == 6
    images = model.generator(model.latents(50, 0))
    assert 0.2 < images.std() < 2


def test_networks_are_those_spelt_out():
    model = tiny(image_size=128, width=8, channels=2, batch_size=2)
    widths, latents = [8, 8, 8, 8, 4, 2], model.latents(2, 0)
    assert model.hp.widths == widths
    images = model.generator(latents)
    assert torch.equal(images, net_g(model.generator.parameters(), latents, widths))
    assert torch.equal(
        model.discriminator(images), net_d(model.discriminator.parameters(), images, widths)
    )


def in_float64(network):
    return [parameter.detach().double() for parameter in network.parameters()]


def judged_by_hand(model, images, draws):
    """Logits in float64, of images that are augmented by these draws."""
    judge = in_float64(model.discriminator)
    with torch.no_grad() if not images.requires_grad else torch.enable_grad():
        seen = augment.augmented(images, model.hp, lambda *shape: next(draws))
        return net_d(judge, seen, [4, 4])


def penalty_by_hand(model, images, draws):
    """The mean squared gradient, image by image."""
    total = 0
    for i, image in enumerate(images):
        own = [draw[i : i + 1] for draw in draws]
        slope = torch.autograd.functional.jacobian(
            lambda x, own=own: judged_by_hand(model, x[None], iter(own)), image
        )
        total += slope.square().sum() / len(images)
    return total


@pytest.mark.parametrize("augmented", [{}, {"colour": 1, "translation": 0.25, "cutout": 0.5}])
def test_the_losses_of_a_step_are_the_papers(augmented):
    """The penalties are float64 Jacobians of one image at a time, before augmentation."""
    model = tiny(steps=10, gamma=3.0, gamma_end=0.2, **augmented)
    real, another = pictures(12).split(6)
    model.begin(4)
    draws = rng("draws", model.hp.seed, 4)
    moves = model.losses((real, another))
    weights = in_float64(model.generator)

    def judged(images, images_draws):
        return judged_by_hand(model, images, images_draws)

    def some_draws():
        return [torch.rand(6, n, generator=draws).double() for n in (3, 2, 2)] if augmented else []

    def penalty(images, images_draws):
        return penalty_by_hand(model, images, images_draws)

    fake = net_g(weights, torch.randn(6, 3, generator=draws).double(), [4, 4])
    of_real, of_fake = some_draws(), some_draws()
    player, terms = next(moves)
    gamma = 3.0 * (0.2 + 0.8 * (1 + math.cos(0.4 * math.pi)) / 2)
    expected = {
        "pairs": softplus(
            judged(fake, iter(of_fake)) - judged(real.double(), iter(of_real))
        ).mean(),
        "r1": gamma / 2 * penalty(real.double(), of_real),
        "r2": gamma / 2 * penalty(fake, of_fake),
    }
    assert player is model.discriminator
    assert terms.keys() == expected.keys()
    for name, term in expected.items():
        assert terms[name].item() == pytest.approx(term.item(), rel=1e-4), name
    with torch.no_grad():
        # The code after a yield sees the updated network, and other images.
        model.discriminator[-2].weight.mul_(-2)
    fake = net_g(weights, torch.randn(6, 3, generator=draws).double(), [4, 4])
    of_another, of_fake = some_draws(), some_draws()
    player, loss = next(moves)
    pairs = softplus(judged(another.double(), iter(of_another)) - judged(fake, iter(of_fake)))
    assert player is model.generator
    assert loss.item() == pytest.approx(pairs.mean().item(), rel=1e-4)
    assert next(moves, None) is None


def at(step, first, last, steps=3):
    return last + (first - last) * (1 + math.cos(math.pi * (step / steps))) / 2


def test_ends_with_the_bits_of_a_loop_written_by_hand():
    model = tiny(lr=1e-3)
    trainer = ganzoo.Trainer(model, pictures(), device="cpu")
    copies = copy.deepcopy(model)
    weights_g = list(copies.generator.parameters())
    weights_d = list(copies.discriminator.parameters())
    adam_g, adam_d = torch.optim.Adam(weights_g), torch.optim.Adam(weights_d)
    widths = [4, 4]
    for step in range(3):
        draws = rng("draws", 0, step)
        for adam in (adam_g, adam_d):
            beta2 = at(step * 100 // 3, 0.9, 0.99, steps=100)
            adam.param_groups[0].update(lr=1e-3 * at(step, 1, 0.25), betas=(0, beta2))
        half_gamma = 2.0 * at(step, 1, 0.1) / 2
        real, another = trainer.batches[2 * step].requires_grad_(), trainer.batches[2 * step + 1]
        fake = net_g(weights_g, torch.randn(6, 3, generator=draws), widths)
        fake = fake.detach().requires_grad_()
        on_real, on_fake = net_d(weights_d, real, widths), net_d(weights_d, fake, widths)
        loss = softplus(on_fake - on_real).mean()
        for images, logits in ((real, on_real), (fake, on_fake)):
            (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
            loss = loss + slope.flatten(1).square().sum(1).mean() * half_gamma
        adam_d.zero_grad()
        loss.backward()
        adam_d.step()
        fake = net_g(weights_g, torch.randn(6, 3, generator=draws), widths)
        adam_g.zero_grad()
        on_real, on_fake = net_d(weights_d, another, widths), net_d(weights_d, fake, widths)
        softplus(on_real - on_fake).mean().backward()
        adam_g.step()
    list(trainer)
    for network, by_hand in ((model.generator, weights_g), (model.discriminator, weights_d)):
        for (name, mine), other in zip(network.named_parameters(), by_hand, strict=True):
            assert torch.equal(mine, other), name


def test_schedules_go_from_the_first_to_the_last_along_a_cosine():
    model = tiny(steps=1000)
    scales = model.lr_scale(0), model.lr_scale(0.5), model.lr_scale(1)
    assert scales == pytest.approx((1, 0.625, 0.25))
    rise = []
    for step in (0, 9, 10, 250, 500, 750, 999):
        beta1, beta2 = model.betas(step)
        assert beta1 == 0
        rise.append(beta2)
    assert rise == sorted(rise)
    assert (rise[0], rise[1], rise[4]) == pytest.approx((0.9, 0.9, 0.945))
    assert rise[-1] == pytest.approx(0.99, abs=1e-4)
    assert len(set(map(model.betas, range(1000)))) == 100


def test_a_stair_of_beta2_keeps_what_adam_remembers():
    trainer = ganzoo.Trainer(tiny(), pictures(), device="cpu")
    for number in (1, 2, 3):
        next(trainer)
        for optimizer in trainer.optimizers.values():
            assert {int(state["step"]) for state in optimizer.state.values()} == {number}


def modules_of(trainer):
    return [trainer.model, *trainer.averages.pairs.values()]


def test_samples_are_clamped_to_images_and_the_generator_is_not():
    model = tiny()
    with torch.no_grad():
        model.generator[-1].weight.mul_(10)
        raw = model.generator(model.latents(8, 0))
    assert raw.abs().max() > 1
    assert torch.equal(model.sample(8), raw.clamp(-1, 1))


def test_it_trains_in_bf16_with_penalties_in_full_precision():
    trainer = ganzoo.Trainer(tiny(), pictures(), device="cpu", precision="bf16")
    for step in trainer:
        assert {loss.dtype for loss in step.losses.values()} == {torch.float32}
    assert all(parameter.isfinite().all() for parameter in trainer.model.parameters())


@pytest.mark.slow
def test_r3gan_learns_digits_in_200_steps():
    small = {
        "image_size": 16,
        "channels": 1,
        "width": 16,
        "latent_dim": 16,
        "batch_size": 32,
        "steps": 200,
    }
    model = ganzoo.create("r3gan", **small, gamma=10.0, lr=5e-3, ema=0.98)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    real = open_data("digits", model.hp).parts[0].images[:600] / 127.5 - 1
    before = frechet_distance(pixels(real), pixels(model.sample(600)))
    list(trainer)
    with trainer.averaged_model():
        after = frechet_distance(pixels(real), pixels(model.sample(600)))
    assert after < before / 5  # 43.7 to 4.8 with this seed; two halves of the digits are 0.9 apart
