"""Losses, gradient penalties and augmentation, against formulas evaluated in other ways."""

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import ganzoo
from ganzoo import augment, losses

REAL, FAKE = torch.randn(2, 6, 3, 3, generator=torch.Generator().manual_seed(0)).unbind()


def test_non_saturating_losses_are_the_cross_entropy_against_1_and_0():
    terms = losses.non_saturating_discriminator(REAL, FAKE)
    one, zero = torch.ones_like(REAL), torch.zeros_like(REAL)
    torch.testing.assert_close(terms["real"], binary_cross_entropy_with_logits(REAL, one))
    torch.testing.assert_close(terms["fake"], binary_cross_entropy_with_logits(FAKE, zero))
    torch.testing.assert_close(
        losses.non_saturating_generator(FAKE), binary_cross_entropy_with_logits(FAKE, one)
    )


def test_least_squares_hinge_wasserstein_and_relativistic_losses_by_hand():
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.5, 0.0])
    cases = {
        losses.least_squares_discriminator: {
            "real": (1 + 0.25 + 4) / 3,
            "fake": (9 + 0.25 + 0) / 3,
        },
        losses.hinge_discriminator: {"real": (0 + 0.5 + 2) / 3, "fake": (0 + 1.5 + 1) / 3},
        losses.wasserstein_critic: {"real": -0.5, "fake": -2.5 / 3},
    }
    for discriminator, expected in cases.items():
        found = {name: term.item() for name, term in discriminator(real, fake).items()}
        assert found == pytest.approx(expected), discriminator
    assert losses.least_squares_generator(fake).item() == pytest.approx((16 + 0.25 + 1) / 3)
    assert losses.hinge_generator(fake).item() == pytest.approx(2.5 / 3)
    assert losses.wasserstein_generator(fake).item() == pytest.approx(2.5 / 3)
    pairs = -torch.sigmoid(torch.tensor([5.0, 0.0, -1.0], dtype=torch.float64)).log()
    assert losses.relativistic_discriminator(real, fake).item() == pytest.approx(
        pairs.mean().item()
    )
    pairs = -torch.sigmoid(torch.tensor([-5.0, 0.0, 1.0], dtype=torch.float64)).log()
    assert losses.relativistic_generator(real, fake).item() == pytest.approx(pairs.mean().item())


@pytest.fixture
def critic():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 1)).double()


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def slopes(critic, images, distance=1e-5):
    """The gradient of each image's logit, pixel by pixel, from differences of the critic alone."""
    found = torch.zeros_like(images)
    with torch.no_grad():
        for place in range(images[0].numel()):
            change = torch.zeros_like(images).flatten(1)
            change[:, place] = distance
            change = change.view_as(images)
            rise = (critic(images + change) - critic(images - change)).flatten() / (2 * distance)
            found.view(len(images), -1)[:, place] = rise
    return found.flatten(1)


def test_the_gradient_penalty_is_that_of_finite_differences(critic):
    real, fake = numbers(2, 4, 2, 4, 4).unbind()
    draws = torch.tensor([0.0, 0.3, 0.9, 1.0], dtype=torch.float64).view(4, 1, 1, 1)
    between = draws * real + (1 - draws) * fake
    expected = (slopes(critic, between).norm(dim=1) - 1).square().mean()
    found = losses.gradient_penalty(critic, real, fake.requires_grad_(), draws)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    found.backward()
    assert fake.grad is None  # the critic alone learns from it


def test_the_zero_centred_penalty_is_that_of_finite_differences(critic):
    images = numbers(4, 2, 4, 4).requires_grad_()
    expected = slopes(critic, images.detach()).square().sum(1).mean()
    assert losses.zero_centred_penalty(images, critic(images)).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


@pytest.mark.parametrize("penalty", ["gradient", "zero-centred"])
def test_the_critics_second_derivatives_are_those_of_finite_differences(critic, penalty):
    """The gradient of the penalty: float64 autograd against finite differences."""
    real, fake = numbers(2, 3, 2, 4, 4).unbind()
    draws = torch.full((3, 1, 1, 1), 0.4, dtype=torch.float64)

    def value():
        if penalty == "gradient":
            return losses.gradient_penalty(critic, real, fake, draws)
        images = real.clone().requires_grad_()
        return losses.zero_centred_penalty(images, critic(images))

    value().backward()
    weight = critic[0].weight
    for place in [(0, 0, 0, 0), (1, 1, 2, 0), (2, 0, 1, 1)]:
        differences = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * 1e-5
            differences.append(sign * value().item())
            with torch.no_grad():
                weight[place] -= sign * 1e-5
        assert weight.grad[place].item() == pytest.approx(sum(differences) / 2e-5, rel=1e-4)


def test_draws_and_logits_of_another_shape_are_refused():
    images = torch.zeros(4, 1, 4, 4)
    with pytest.raises(ganzoo.PluginError, match=r"gradient_penalty.*\(4,\)"):
        losses.gradient_penalty(lambda x: x.sum((1, 2, 3)), images, images, torch.rand(4))
    for loss in (losses.relativistic_discriminator, losses.relativistic_generator):
        with pytest.raises(ganzoo.PluginError, match=r"\(4, 1\)"):
            loss(torch.zeros(4, 1), torch.zeros(4))


def test_a_flat_critic_has_a_penalty_and_a_finite_gradient():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(8, 1))
    nn.init.zeros_(critic[1].weight)
    penalty = losses.gradient_penalty(
        critic, torch.ones(2, 2, 2, 2), torch.zeros(2, 2, 2, 2), torch.rand(2, 1, 1, 1)
    )
    penalty.backward()
    assert penalty.item() == 1
    assert critic[1].weight.grad.isfinite().all()


def test_losses_of_logits_in_half_precision_are_computed_in_full():
    real, fake = (
        torch.randn(5000, generator=torch.Generator().manual_seed(i)).bfloat16() for i in (0, 1)
    )
    for loss in (
        losses.non_saturating_discriminator,
        losses.hinge_discriminator,
        losses.wasserstein_critic,
        losses.least_squares_discriminator,
    ):
        assert all(term.dtype == torch.float32 for term in loss(real, fake).values())
    assert losses.non_saturating_generator(fake).dtype == torch.float32
    assert losses.relativistic_discriminator(real, fake).dtype == torch.float32
    assert losses.wasserstein_generator(fake).item() == pytest.approx(
        -fake.double().mean().item(), abs=1e-6
    )


def test_translation_moves_each_image_by_its_own_draws_and_passes_gradients():
    images = torch.rand(6, 2, 8, 16, requires_grad=True)
    draws = torch.tensor(
        [[0.0, 0.0], [0.999, 0.999], [0.5, 0.5], [0.0, 0.999], [0.4, 0.3], [0.99, 0.1]]
    )
    moved = augment.translated(images, draws)  # up to 1 row and 2 columns
    assert torch.equal(moved[0, :, 1:, 2:], images[0, :, :-1, :-2])
    assert torch.equal(moved[1, :, :-1, :-2], images[1, :, 1:, 2:])
    assert torch.equal(moved[2], images[2])
    assert (moved[0, :, 0] == -1).all()
    assert (moved[1, :, :, -2:] == -1).all()
    moved[1].sum().backward()
    assert images.grad is not None
    assert images.grad[1, :, 1:, 2:].eq(1).all()
    assert images.grad[1, :, 0].eq(0).all()


def test_colour_moves_brightness_then_saturation_then_contrast():
    images = (
        torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
        - 1
    )
    torch.testing.assert_close(augment.coloured(images, torch.full((2, 3), 0.5)), images)
    same = augment.coloured(images, torch.rand(2, 3), strength=0.0)
    torch.testing.assert_close(same, images)
    draws = torch.tensor([[0.9, 0.2, 0.7], [0.5, 0.0, 0.5]], dtype=torch.float64)
    found = augment.coloured(images, draws)
    bright = images[0] + 0.4
    grey = bright.mean(0)
    saturated = grey + (bright - grey) * 0.4  # 2 * 0.2
    expected = saturated.mean() + (saturated - saturated.mean()) * 1.2  # 0.7 + 0.5
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(
        found[1], images[1].mean(0, keepdim=True).expand(3, 4, 5)
    )  # no saturation is grey


def test_cutout_greys_a_box_around_the_drawn_place_and_passes_gradients():
    images = torch.ones(4, 2, 8, 12, requires_grad=True)
    draws = torch.tensor([[0.5, 0.5], [0.0, 0.0], [0.999, 0.999], [0.5, 0.0]])
    cut = augment.cut_out(images, draws)
    rows, columns = ((cut[0, 0] == 0).any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    assert (rows, columns) == ([2, 3, 4, 5], [3, 4, 5, 6, 7, 8])
    assert (cut == 0).flatten(1).sum(1).tolist() == [2 * 24, 2 * 2 * 3, 2 * 2 * 3, 2 * 4 * 3]
    lines = torch.linspace(0, 0.999, 9)[:, None].expand(
        9, 2
    )  # each of the nine lines between and beside eight rows
    covered = (augment.cut_out(torch.ones(9, 1, 8, 8), lines) == 0).any(3).sum(0).flatten()
    assert torch.equal(
        covered, covered.flip(0)
    )  # no side of the image is covered more often than the other
    cut.sum().backward()
    assert torch.equal(images.grad, cut.detach())
    assert torch.equal(augment.cut_out(images, draws, ratio=0), images)


def test_augmentation_is_what_the_hyperparameters_ask_for_and_nothing_by_default():
    images = torch.rand(3, 3, 8, 8) * 2 - 1
    assert augment.augmented(images, augment.Hparams(), None) is images
    asked = []

    def rand(*shape):
        asked.append(shape)
        return torch.rand(shape, generator=torch.Generator().manual_seed(len(asked)))

    found = augment.augmented(
        images, augment.Hparams(colour=0.5, translation=0.125, cutout=0.25), rand
    )
    assert asked == [(3, 3), (3, 2), (3, 2)]
    draws = [
        torch.rand(shape, generator=torch.Generator().manual_seed(i))
        for i, shape in enumerate(asked, 1)
    ]
    coloured = augment.coloured(images, draws[0], strength=0.5)
    assert torch.equal(
        found, augment.cut_out(augment.translated(coloured, draws[1]), draws[2], ratio=0.25)
    )
