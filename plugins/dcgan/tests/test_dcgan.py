"""DCGAN, against the numbers of the paper's network and against a loop written by hand."""

import copy

import pytest
import torch
from PIL import Image
from tensors import assert_same_weights, parameter_count
from torch import nn
from torch.nn.functional import softplus

import ganzoo
from ganzoo.seeds import rng


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
            down(width * 2, width * 4, 4, 2, 1, **plain),
            nn.BatchNorm2d(width * 4), nn.LeakyReLU(0.2),
            down(width * 4, width * 8, 4, 2, 1, **plain),
            nn.BatchNorm2d(width * 8), nn.LeakyReLU(0.2),
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
    return torch.randn(n, latent, 1, 1, generator=rng("draws", seed, step))


def small_model():
    return ganzoo.create(
        "dcgan", image_size=16, channels=1, width=8, latent_dim=12, batch_size=16, steps=25, seed=7
    )


def test_parameter_counts_are_those_of_the_example():
    with torch.device("meta"):
        model, example = ganzoo.create("dcgan"), example_networks()
    assert (parameter_count(model.generator), parameter_count(model.discriminator)) == (
        3_576_704,
        2_765_568,
    )
    for ours, theirs in zip(model.children(), example, strict=True):
        assert [tensor.shape for tensor in ours.parameters()] == [
            tensor.shape for tensor in theirs.parameters()
        ]


def test_the_networks_are_those_of_the_example():
    model = ganzoo.create("dcgan", width=16)
    net_g, net_d = twin_of(model)
    latents = ganzoo.noise(2, 100, 1, 1, seed=0)
    assert torch.equal(model.generator(latents), net_g(latents))
    assert torch.equal(model.discriminator(net_g(latents)), net_d(net_g(latents)).view(-1))


def test_first_weights_have_the_papers_distribution():
    model = ganzoo.create("dcgan", width=16)
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
        assert_same_weights(ours, theirs)


def test_the_loss_is_the_cross_entropy_of_pytorchs_example():
    """Sigmoid and BCELoss, as in the example: equal gradients within rounding, for 3 steps."""
    model = small_model()
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    net_g, net_d = twin_of(model)
    sgd = {"lr": 0.05}
    model.optimizers = lambda: {
        net: torch.optim.SGD(net.parameters(), **sgd) for net in model.children()
    }
    bce, ones, zeros = nn.BCELoss(), torch.ones(16), torch.zeros(16)
    sgd_g, sgd_d = (
        torch.optim.SGD(net_g.parameters(), **sgd),
        torch.optim.SGD(net_d.parameters(), **sgd),
    )
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
        assert losses["discriminator/real"] + losses["discriminator/fake"] == pytest.approx(
            loss_d.item(), rel=1e-5
        )
        assert losses["generator"] == pytest.approx(loss_g.item(), rel=1e-5)
    for mine, other in zip(model.generator.parameters(), net_g.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "channels"),
    [*((size, 1) for size in (8, 16, 32, 64, 128, 256, 512, 1024)), (16, 3), (16, 4)],
)
def test_any_size_that_is_4_times_a_power_of_two(size, channels):
    with torch.device("meta"):
        model = ganzoo.create("dcgan", image_size=size, channels=channels, width=4)
        images = model.generator(torch.empty(2, 100, 1, 1))
        assert images.shape == (2, channels, size, size)
        assert model.discriminator(images).shape == (2,)


@pytest.mark.parametrize(
    ("size", "nearest"), [(100, "64.*128"), (9, "8.*16"), (65, "64.*128"), (28, "16.*32")]
)
def test_another_size_is_refused_with_the_nearest_two(size, nearest):
    with pytest.raises(ganzoo.HparamError, match=nearest):
        ganzoo.create("dcgan", image_size=size)


def test_samples_depend_on_seed_and_index_alone():
    model = ganzoo.create("dcgan", image_size=8, width=4)
    many = model.sample(70, seed=3)
    assert many.shape == (70, 3, 8, 8)
    assert many.abs().max() <= 1
    torch.testing.assert_close(model.sample(5, seed=3), many[:5])
    assert model.sample(0).shape == (0, 3, 8, 8)


CONDITIONAL = {
    "image_size": 8,
    "channels": 1,
    "width": 4,
    "latent_dim": 6,
    "classes": 10,
    "batch_size": 8,
    "steps": 9,
}


def test_a_conditional_norm_is_batch_norm_with_the_scale_and_shift_of_the_class():
    from ganzoo_dcgan.conditional import ConditionalBatchNorm

    norm, x, labels = (
        ConditionalBatchNorm(3, 5),
        torch.randn(6, 3, 4, 4),
        torch.tensor([0, 4, 2, 2, 1, 0]),
    )
    normal = (x - x.mean((0, 2, 3), keepdim=True)) / (
        x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    expected = torch.stack(
        [
            image * norm.scale.weight[label].view(3, 1, 1) + norm.shift.weight[label].view(3, 1, 1)
            for image, label in zip(normal, labels, strict=True)
        ]
    )
    torch.testing.assert_close(norm(x, labels), expected)


def test_the_discriminator_projects_its_features_on_the_class():
    model = ganzoo.create("cdcgan-mini", **CONDITIONAL).eval()
    judge, images, labels = model.discriminator, torch.randn(4, 1, 8, 8), torch.tensor([3, 0, 9, 3])
    features = judge.features(images)
    assert features.shape[2:] == (4, 4)
    projected = [
        judge.classes.weight[label] @ features[i].sum((1, 2)) for i, label in enumerate(labels)
    ]
    torch.testing.assert_close(judge(images, labels), judge.last(features) + torch.stack(projected))


def test_conditional_training_equals_a_loop_written_by_hand_bit_for_bit():
    model = ganzoo.create("cdcgan-mini", **CONDITIONAL, lr=5e-4, translation=0, ema=0)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    net_g, net_d = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    adam_g, adam_d = (
        torch.optim.Adam(net.parameters(), 5e-4, (0.5, 0.999)) for net in (net_g, net_d)
    )
    for step in range(9):
        real, labels = trainer.batches[step]
        fake = net_g(torch.randn(8, 6, 1, 1, generator=rng("draws", 0, step)), labels)
        adam_d.zero_grad()
        (
            softplus(-net_d(real, labels)).mean() + softplus(net_d(fake.detach(), labels)).mean()
        ).backward()
        adam_d.step()
        adam_g.zero_grad()
        softplus(-net_d(fake, labels)).mean().backward()
        adam_g.step()
    list(trainer)
    for ours, theirs in ((model.generator, net_g), (model.discriminator, net_d)):
        assert_same_weights(ours, theirs)


def test_images_of_a_class_are_asked_for_by_number_and_by_name(tmp_path, ganzoo_command):
    random = torch.Generator().manual_seed(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(6):
            picture = torch.randint(0, 256, (8, 8), generator=random, dtype=torch.uint8).numpy()
            Image.fromarray(picture).save(tmp_path / "pets" / label / f"{i}.png")
    words = [
        word
        for one in ("image_size=8", "width=4", "batch_size=4", "steps=20", "lr=0.01")
        for word in ("--set", one)
    ]
    done = ganzoo_command("train", "cdcgan-mini", "--data", tmp_path / "pets", *words)
    assert done.exit_code == 0, done.output
    model = ganzoo.load("runs/cdcgan-mini")
    assert (model.classes, model.hp.classes) == (("cat", "dog"), 2)
    assert torch.equal(model.sample(4), model.sample(4, labels=torch.tensor([0, 1, 0, 1])))
    assert not torch.equal(
        model.sample(2, labels=torch.tensor([0, 0])), model.sample(2, labels=torch.tensor([1, 1]))
    )
    dogs = torch.ones(99, dtype=torch.long)
    assert torch.equal(model.sample(99, labels=dogs)[70], model.sample(71, labels=dogs[:71])[70])
    written = []
    for labels in (["dog"], ["1"], ["cat", "dog"]):
        options = [word for label in labels for word in ("--label", label)]
        done = ganzoo_command("sample", "runs/cdcgan-mini", "-n", 4, *options, "--out", "grid.png")
        assert done.exit_code == 0, done.output
        with Image.open("grid.png") as picture:
            written.append(picture.tobytes())
    assert written[0] == written[1] != written[2]
    for wrong, message in [("dgo", "did you mean 'dog'?"), ("2", "cat, dog")]:
        done = ganzoo_command("sample", "runs/cdcgan-mini", "--label", wrong)
        assert done.exit_code == 2
        assert message in done.stderr


@pytest.mark.parametrize(
    "labels", [torch.tensor([10]), torch.tensor([-1]), torch.tensor([1, 2]), torch.zeros(1, 1)]
)
def test_labels_that_are_none_are_refused(labels):
    model = ganzoo.create("cdcgan-mini", **CONDITIONAL)
    with pytest.raises(ganzoo.UsageError, match="labels"):
        model.sample(1, labels=labels.long())


def test_a_model_without_classes_takes_no_labels(ganzoo_command, tmp_path):
    model = ganzoo.create("dcgan-mini", image_size=8, width=2)
    with pytest.raises(ganzoo.UsageError, match="dcgan-mini"):
        model.sample(1, labels=torch.tensor([0]))
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    next(trainer)
    trainer.save(tmp_path / "run")
    done = ganzoo_command("sample", tmp_path / "run", "--label", "3")
    assert done.exit_code == 2


def test_a_conditional_model_on_data_without_classes_says_so(tmp_path, ganzoo_command):
    for i in range(8):
        (tmp_path / "flat").mkdir(exist_ok=True)
        Image.new("L", (8, 8), i).save(tmp_path / "flat" / f"{i}.png")
    words = ["--data", tmp_path / "flat", "--set", "image_size=8", "--set", "batch_size=4"]
    done = ganzoo_command("train", "cdcgan-mini", *words)
    assert done.exit_code == 1
    assert "label" in done.stderr
    with pytest.raises(ganzoo.HparamError, match="classes"):
        ganzoo.create("cdcgan-mini")
