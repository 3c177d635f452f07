"""DCGAN, against the numbers of the paper's network and against a loop written by hand."""

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.device import generator


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def example_networks(size=64, channels=3, width=64, latent=100):
    """The networks of PyTorch's example for 64 pixels, spelt out, and their like for 16."""
    up, down = nn.ConvTranspose2d, nn.Conv2d
    plain = {"bias": False}
    if size == 64:
        net_g = nn.Sequential(
            up(latent, width * 8, 4, 1, 0, **plain), nn.BatchNorm2d(width * 8), nn.ReLU(),
            up(width * 8, width * 4, 4, 2, 1, **plain), nn.BatchNorm2d(width * 4), nn.ReLU(),
            up(width * 4, width * 2, 4, 2, 1, **plain), nn.BatchNorm2d(width * 2), nn.ReLU(),
            up(width * 2, width, 4, 2, 1, **plain), nn.BatchNorm2d(width), nn.ReLU(),
            up(width, channels, 4, 2, 1, **plain), nn.Tanh(),
        )  # fmt: skip
        net_d = nn.Sequential(
            down(channels, width, 4, 2, 1, **plain), nn.LeakyReLU(0.2),
            down(width, width * 2, 4, 2, 1, **plain), nn.BatchNorm2d(width * 2), nn.LeakyReLU(0.2),
            down(width * 2, width * 4, 4, 2, 1, **plain), nn.BatchNorm2d(width * 4), nn.LeakyReLU(0.2),
            down(width * 4, width * 8, 4, 2, 1, **plain), nn.BatchNorm2d(width * 8), nn.LeakyReLU(0.2),
            down(width * 8, 1, 4, 1, 0, **plain),
        )  # fmt: skip
    else:
        net_g = nn.Sequential(
            up(latent, width * 2, 4, 1, 0, **plain), nn.BatchNorm2d(width * 2), nn.ReLU(),
            up(width * 2, width, 4, 2, 1, **plain), nn.BatchNorm2d(width), nn.ReLU(),
            up(width, channels, 4, 2, 1, **plain), nn.Tanh(),
        )  # fmt: skip
        net_d = nn.Sequential(
            down(channels, width, 4, 2, 1, **plain), nn.LeakyReLU(0.2),
            down(width, width * 2, 4, 2, 1, **plain), nn.BatchNorm2d(width * 2), nn.LeakyReLU(0.2),
            down(width * 2, 1, 4, 1, 0, **plain),
        )  # fmt: skip
    return net_g, net_d


def twin_of(model):
    hp = model.hp
    net_g, net_d = example_networks(hp.image_size, hp.channels, hp.width, hp.latent_dim)
    for ours, theirs in ((model.generator, net_g), (model.discriminator, net_d)):
        theirs.load_state_dict(ours.state_dict())
    return net_g, net_d


def draws_of(step, n=16, latent=12, seed=7):
    return torch.randn(n, latent, 1, 1, generator=generator("draws", seed, step))


def small_model():
    return ganzoo.create("dcgan", image_size=16, channels=1, width=8, latent_dim=12, batch_size=16, steps=25, seed=7)


def test_parameter_counts_are_those_of_the_example():
    model = ganzoo.create("dcgan")
    assert (count(model.generator), count(model.discriminator)) == (3_576_704, 2_765_568)
    net_g, net_d = twin_of(model)
    latents = ganzoo.noise(2, 100, 1, 1, seed=0)
    assert torch.equal(model.generator(latents), net_g(latents))
    assert torch.equal(model.discriminator(net_g(latents)), net_d(net_g(latents)).view(-1))


def test_first_weights_have_the_papers_distribution():
    model = ganzoo.create("dcgan")
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.bias is None
            assert abs(module.weight.mean()) < 0.002
            assert abs(module.weight.std() / 0.02 - 1) < 0.1
        if isinstance(module, nn.BatchNorm2d):
            assert not module.bias.any()
            assert abs(module.weight.mean() - 1) < 0.01
            assert 0.01 < module.weight.std() < 0.03
    optimizers = model.optimizers()
    assert set(optimizers) == {model.generator, model.discriminator}
    for optimizer in optimizers.values():
        assert type(optimizer) is torch.optim.Adam
        assert (optimizer.defaults["lr"], optimizer.defaults["betas"]) == (2e-4, (0.5, 0.999))


def test_ends_with_the_bits_of_a_loop_written_by_hand():
    model = small_model()
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    net_g, net_d = twin_of(model)
    adam_g = torch.optim.Adam(net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    softplus = nn.functional.softplus
    for step in range(25):
        real, fake = trainer.batches[step], net_g(draws_of(step))
        adam_d.zero_grad()
        softplus(-net_d(real)).mean().backward()
        softplus(net_d(fake.detach())).mean().backward()
        adam_d.step()
        adam_g.zero_grad()
        softplus(-net_d(fake)).mean().backward()
        adam_g.step()
    assert [made.number for made in trainer] == list(range(1, 26))
    for ours, theirs in ((model.generator, net_g), (model.discriminator, net_d)):
        for (name, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            assert torch.equal(mine, other), name


def test_the_loss_is_the_cross_entropy_of_pytorchs_example():
    """Sigmoid and BCELoss, as the example has them: equal gradients within rounding, seed 7, 3 steps."""
    model = small_model()
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    net_g, net_d = twin_of(model)
    sgd = {"lr": 0.05}
    model.optimizers = lambda: {net: torch.optim.SGD(net.parameters(), **sgd) for net in model.children()}
    bce, ones, zeros = nn.BCELoss(), torch.ones(16), torch.zeros(16)
    sgd_g, sgd_d = torch.optim.SGD(net_g.parameters(), **sgd), torch.optim.SGD(net_d.parameters(), **sgd)
    for step in range(3):
        fake = net_g(draws_of(step))
        sgd_d.zero_grad()
        loss_d = bce(net_d(trainer.batches[step]).sigmoid().view(-1), ones)
        loss_d = loss_d + bce(net_d(fake.detach()).sigmoid().view(-1), zeros)
        loss_d.backward()
        sgd_d.step()
        sgd_g.zero_grad()
        loss_g = bce(net_d(fake).sigmoid().view(-1), ones)
        loss_g.backward()
        sgd_g.step()
        losses = next(trainer).read()
        assert losses["discriminator/real"] + losses["discriminator/fake"] == pytest.approx(loss_d.item(), rel=1e-5)
        assert losses["generator"] == pytest.approx(loss_g.item(), rel=1e-5)
    for mine, other in zip(model.generator.parameters(), net_g.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_size_that_is_4_times_a_power_of_two(size, channels):
    with torch.device("meta"):
        model = ganzoo.create("dcgan", image_size=size, channels=channels, width=4)
        images = model.generator(torch.empty(2, 100, 1, 1))
        assert images.shape == (2, channels, size, size)
        assert model.discriminator(images).shape == (2,)


@pytest.mark.parametrize(
    ("size", "nearest"), [(100, "64 and 128"), (9, "8 and 16"), (65, "64 and 128"), (28, "16 and 32")]
)
def test_another_size_is_refused_with_the_nearest_two(size, nearest):
    with pytest.raises(ganzoo.HparamError, match=f"the nearest two are {nearest}"):
        ganzoo.create("dcgan", image_size=size)


def test_samples_depend_on_seed_and_index_alone():
    model = ganzoo.create("dcgan", image_size=8, width=4)
    many = model.sample(70, seed=3)
    assert many.shape == (70, 3, 8, 8)
    assert many.abs().max() <= 1
    torch.testing.assert_close(model.sample(5, seed=3), many[:5])
    assert not torch.equal(model.sample(5, seed=4), many[:5])
    assert model.training
    assert model.sample(0).shape == (0, 3, 8, 8)
