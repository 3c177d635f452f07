"""CUT against its paper: the contrast with loops, the training by hand, and that it learns."""

import copy
import math
from pathlib import Path

import pytest
import torch
from ganzoo_cyclegan.cut import patch_nce, picked
from PIL import Image
from scoring import frechet_distance, pixels
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from tensors import assert_same_weights, parameter_count
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, normalize

import ganzoo
from ganzoo.data.open import open_data
from ganzoo.seeds import rng

MINI = {
    "image_size": 16,
    "load_size": 18,
    "width": 4,
    "blocks": 2,
    "patch_layers": 1,
    "nce_patches": 20,
    "nce_features": 6,
}
MINI |= {"batch_size": 2, "steps": 3}
FAST = {"nce_weight": 10.0, "identity_weight": 0.0, "equivariant": True}


def pictures(count=6, size=18, seed=0):
    return torch.randint(
        0, 256, (count, 3, size, size), dtype=torch.uint8, generator=rng("test", seed)
    )


def two_domains():
    return pictures(seed=1), pictures(seed=2) // 2


def published():
    kind = ganzoo.models["cut"].load()
    with torch.device("meta"):
        return kind(kind.Hparams())


def widths_of_heads(model):
    return [head[0].in_features for head in model.translator["heads"].values()]


def same(images):
    return images


def test_the_networks_have_the_published_numbers_of_parameters():
    model = published()
    assert parameter_count(model.network("a2b")) == 11_378_179
    assert parameter_count(model.discriminator) == 2_764_737
    widths = [3, 128, 256, 256, 256]
    assert widths_of_heads(model) == widths
    by_hand = sum(widths) * 256 + len(widths) * (256 + 256 * 256 + 256)
    assert parameter_count(model.translator["heads"]) == by_hand == 560_384


def test_features_are_pixels_two_halvings_and_the_first_and_fifth_block():
    """Pixels, both downsampling convolutions, the first and the fifth block, as in the paper."""
    model = published()
    images = torch.zeros(1, 3, 256, 256, device="meta")
    shapes = [tuple(features.shape) for features in model.features(images)]
    assert shapes == [(1, 3, 262, 262), (1, 128, 128, 128), *[(1, 256, 64, 64)] * 3]
    layers = list(model.network("a2b"))
    assert isinstance(layers[0], nn.ReflectionPad2d)
    for i, width in ((4, 128), (7, 256)):
        assert (layers[i].out_channels, layers[i].stride) == (width, (2, 2))
    blocks = [i for i, layer in enumerate(layers) if type(layer).__name__ == "ResidualBlock"]
    assert (blocks[0], blocks[4]) == (10, 14)


@pytest.mark.parametrize(
    ("settings", "places"),
    [
        ({}, [0, 4, 7, 10, 14]),
        ({"blocks": 3}, [0, 4, 7, 10, 12]),
        ({"blocks": 1}, [0, 4, 7, 10]),
        ({"nce_layers": (99, 4)}, [4, 18]),
        ({"nce_layers": (1, 3, 5, 6, 8, 9)}, [1, 3, 5, 6, 8, 9]),
    ],
)
def test_features_are_what_these_layers_make(settings, places):
    model = ganzoo.create("cut", image_size=24, width=2, **settings)
    images = torch.rand(2, 3, 24, 24) * 2 - 1
    expected = [model.network("a2b")[: place + 1](images) for place in places]
    found = model.features(images)
    for ours, theirs, width in zip(found, expected, widths_of_heads(model), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.shape[1] == width


def test_the_contrast_is_the_cross_entropy_of_the_paper():
    """Equation 2 with loops, v on the unit sphere.

    -log(exp(v.v+ / t) / (exp(v.v+ / t) + sum of exp(v.v- / t))).
    """
    query, key = torch.randn(2, 3, 5, 4, generator=rng("test"), dtype=torch.float64)
    total = 0.0
    for image in range(3):
        for place in range(5):
            v = query[image, place] / query[image, place].square().sum().sqrt()
            shares = []
            for other in range(5):
                w = key[image, other] / key[image, other].square().sum().sqrt()
                shares.append(math.exp(sum(float(x * y) for x, y in zip(v, w, strict=True)) / 0.07))
            total -= math.log(shares[place] / sum(shares)) / 15
    assert float(patch_nce(query, key, temperature=0.07)) == pytest.approx(total, rel=1e-5)
    assert float(patch_nce(query, query, temperature=0.01)) < 0.01
    alike = torch.ones(2, 7, 3)
    assert float(patch_nce(alike, alike, temperature=0.07)) == pytest.approx(math.log(7))


def test_places_are_read_row_by_row_and_each_image_has_its_own():
    features = torch.arange(2 * 3 * 2 * 4.0).view(2, 3, 2, 4)
    places = torch.tensor([[0, 5], [7, 3]])
    found = picked(features, places)
    for image in range(2):
        for number, place in enumerate(places[image].tolist()):
            assert torch.equal(found[image, number], features[image, :, place // 4, place % 4])


def contrast_by_hand(network, heads, places, hp, images, made, draws, mirrored):
    """Equation 3, layer by layer; which places are compared follows from the draws."""
    queries, x = [], made
    for place, layer in enumerate(network):
        x = layer(x)
        if place in places:
            queries.append(x)
        if place == places[-1]:
            break
    found = []
    for place, query in zip(places, queries, strict=True):
        if mirrored is not None:
            query = torch.where(mirrored, query.flip(3), query)
        with torch.no_grad():
            key = network[: place + 1](images)
        n, places_there = len(key), key[0, 0].numel()
        uniform = torch.rand(n, places_there, generator=draws)
        chosen = uniform.sort(dim=1, descending=True).indices[:, : hp.nce_patches]
        assert chosen.shape[1] == min(hp.nce_patches, places_there)

        def pick(features, chosen=chosen):
            rows = [one.flatten(1)[:, row] for one, row in zip(features, chosen, strict=True)]
            # The last bits of a sum depend on the layout in memory.
            return torch.stack(rows).transpose(1, 2)

        v = normalize(heads[str(place)](pick(query)), dim=2)
        with torch.no_grad():
            w = normalize(heads[str(place)](pick(key)), dim=2)
        logits = torch.bmm(v, w.transpose(1, 2)) / hp.temperature
        found.append(cross_entropy(logits.flatten(0, 1), torch.arange(logits.shape[1]).repeat(n)))
    return sum(found[1:], found[0]) / len(found)


def by_hand(model, batches, steps):
    """The loop of the authors in plain PyTorch: the discriminator, then generator and heads."""
    hp, places = model.hp, [0, 4, 7, 10, 11]
    g, d = copy.deepcopy(model.translator), copy.deepcopy(model.discriminator)
    network, heads = g["generator"], g["heads"]
    adam_g = torch.optim.Adam(g.parameters(), hp.lr, hp.betas)
    adam_d = torch.optim.Adam(d.parameters(), hp.lr, hp.betas)
    losses = []
    for step in range(steps):
        for adam in (adam_g, adam_d):
            adam.param_groups[0]["lr"] = hp.lr * min(1.0, 2 - 2 * step / hp.steps)
        a, b = batches[step]
        draws = rng("draws", hp.seed, step)
        mirrored = torch.rand(len(a), 1, 1, 1, generator=draws) < 0.5 if hp.equivariant else None
        fake = network(a if mirrored is None else torch.where(mirrored, a.flip(3), a))
        on_real, on_fake = d(b), d(fake.detach())
        real_term = mse_loss(on_real, torch.ones_like(on_real)) / 2
        fake_term = mse_loss(on_fake, torch.zeros_like(on_fake)) / 2
        adam_d.zero_grad()
        (real_term + fake_term).backward()
        adam_d.step()
        judged = d(fake)
        adversarial = mse_loss(judged, torch.ones_like(judged))
        nce = hp.nce_weight * contrast_by_hand(network, heads, places, hp, a, fake, draws, mirrored)
        loss, said = adversarial + nce, [real_term, fake_term, adversarial, nce]
        if hp.identity_weight:
            given = b if mirrored is None else torch.where(mirrored, b.flip(3), b)
            term = hp.identity_weight * contrast_by_hand(
                network, heads, places, hp, b, network(given), draws, mirrored
            )
            loss, said = loss + term, [*said, term]
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        losses.append([term.item() for term in said])
    return g, d, losses


@pytest.mark.parametrize(
    "settings", [{}, FAST, {"equivariant": True, "identity_weight": 0.5, "temperature": 0.2}]
)
def test_training_equals_a_loop_written_by_hand_bit_for_bit(settings):
    model = ganzoo.create("cut", **MINI, **settings, seed=3)
    trainer = ganzoo.Trainer(model, two_domains(), device="cpu")
    g, d, expected = by_hand(model, trainer.batches, 3)
    for step, terms in zip(trainer, expected, strict=True):
        assert list(step.read().values()) == pytest.approx(terms, rel=1e-5)
        names = [
            "discriminator/real",
            "discriminator/fake",
            "translator/adversarial",
            "translator/nce",
        ]
        assert list(step.losses) == [*names, "translator/identity"][: len(terms)]
    for ours, theirs in ((model.translator, g), (model.discriminator, d)):
        assert_same_weights(ours, theirs)


def test_the_discriminator_moves_then_the_generator_with_its_heads():
    model = ganzoo.create("cut", **MINI)
    batch = ganzoo.Domains(*torch.rand(2, 2, 3, 16, 16))
    moves = model.losses(batch)
    player, terms = next(moves)
    assert player is model.discriminator
    assert not any(parameter.grad_fn for parameter in model.parameters())
    sum(terms.values()).backward()
    assert all(p.grad is not None for p in model.discriminator.parameters())
    assert all(p.grad is None for p in model.translator.parameters())
    model.zero_grad()
    player, terms = next(moves)
    assert player is model.translator
    sum(terms.values()).backward()
    assert all(p.grad is not None for p in model.translator.parameters())
    assert not any(p.grad.any() for p in model.discriminator.parameters() if p.grad is not None)
    assert next(moves, None) is None


def test_what_is_translated_is_a_constant_of_the_contrast():
    model = ganzoo.create("cut", **MINI)
    images, made = (images.requires_grad_() for images in torch.rand(2, 2, 3, 16, 16).unbind())
    model.contrast(images, made, same).backward()
    assert images.grad is None
    assert made.grad.any()


def test_the_contrast_is_small_where_a_picture_stayed_and_large_where_it_became_another():
    model = ganzoo.create("cut", **MINI)
    one, other = torch.rand(2, 2, 3, 16, 16)
    became = model.contrast(one, other, same)
    assert model.contrast(one, one, same) < became
    assert model.contrast(other, other, same) < became


def test_a_mirrored_picture_is_mirrored_back():
    model = ganzoo.create("cut", **MINI, equivariant=True)
    mirror, images = model.mirror(40), torch.rand(40, 3, 4, 4)
    turned = [
        torch.equal(one, image.flip(2)) for one, image in zip(mirror(images), images, strict=True)
    ]
    assert 8 < sum(turned) < 32
    assert torch.equal(mirror(mirror(images)), images)
    assert ganzoo.create("cut", **MINI).mirror(40)(images) is images


def test_first_weights_are_xaviers():
    model = ganzoo.create("cut", image_size=32, width=32, blocks=1)
    for layer in (
        *model.network("a2b").modules(),
        *model.discriminator.modules(),
        *model.translator.modules(),
    ):
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.numel() > 5000:
            area = layer.weight[0, 0].numel() if layer.weight.ndim == 4 else 1
            expected = 0.02 * (2 / (area * sum(layer.weight.shape[:2]))) ** 0.5
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.1)
            assert not layer.bias.any()


def test_it_translates_files_one_way(tmp_path, ganzoo_command):
    trainer = ganzoo.Trainer(ganzoo.create("cut", **MINI), two_domains(), device="cpu")
    next(trainer)
    trainer.save("run")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (37, 23), (200, 10, 50)).save(tmp_path / "photos/holiday.png")
    done = ganzoo_command("translate", "run", tmp_path / "photos", "out")
    assert done.exit_code == 0, done.output
    assert "1 of 1" in done.output
    with Image.open("out/holiday.png") as made:
        assert made.size == (37, 23)
    done = ganzoo_command("translate", "run", tmp_path / "photos", "back", "--direction", "b2a")
    assert done.exit_code == 2
    assert "a2b" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("back").exists()


def test_its_picture_has_a_row_for_a_what_it_becomes_b_and_b_as_it_stays():
    model = ganzoo.create("cut", **MINI)
    a, b = torch.rand(2, 9, 3, 16, 16)
    shown = model.preview(ganzoo.Domains(a, b))
    rows = [a[:8], model.translate(a[:8]), b[:8], model.translate(b[:8])]
    assert torch.equal(shown, torch.cat(rows))


def test_the_contrast_is_computed_in_full_where_the_networks_are_in_bf16():
    draws = torch.Generator().manual_seed(0)
    query, key = (
        torch.randn(1, 8, generator=draws) + 0.02 * torch.randn(2, 64, 8, generator=draws)
        for _ in range(2)
    )
    expected = patch_nce(query, key, temperature=0.07)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(
            patch_nce(query, key, temperature=0.07), expected, rtol=1e-6, atol=1e-6
        )
        rounded = (query.bfloat16() @ key.bfloat16().transpose(1, 2)).unique()
    assert len(rounded) < 100  # of 8,192: they would hardly be told apart


def test_the_losses_are_not_rounded_to_bf16():
    step = next(
        ganzoo.Trainer(ganzoo.create("cut", **MINI), two_domains(), device="cpu", precision="bf16")
    )
    assert {loss.dtype for loss in step.losses.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"generator": "unet"}, "generator"),
        ({"nce_layers": ()}, "layers"),
        ({"nce_layers": (-1, 4)}, "layers"),
        ({"nce_patches": 1}, "patches"),
        ({"image_size": 30}, "image_size"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ganzoo.HparamError, match=message):
        ganzoo.create("cut", **settings)


@pytest.mark.slow
def test_digits_on_photographs_become_digits_on_black_in_500_steps():
    settings = {
        "image_size": 32,
        "load_size": None,
        "flip": False,
        "width": 16,
        "blocks": 2,
        "lr": 5e-4,
    }
    contrast = {
        "nce_patches": 64,
        "nce_features": 64,
        "nce_layers": (7, 10, 11),  # not the colours
        "nce_weight": 0.25,
        "identity_weight": 0.25,
    }
    model = ganzoo.create("cut", **settings, **contrast, batch_size=4, steps=500)
    parts = [
        open_data(f"digits-photo:{part}", model.hp, ganzoo.Labelled).parts[0]
        for part in ("a", "b-test")
    ]
    black, photographs = (part.images / 127.5 - 1 for part in parts)
    bunch = load_digits()
    nearest = KNeighborsClassifier(3).fit(bunch.data, bunch.target)

    def scores():
        seen = pixels(model.translate(photographs))
        ink = (seen.view(-1, 3, 64).mean(1) + 1) * 8
        right = torch.from_numpy(nearest.predict(ink.numpy())) == parts[1].labels
        return frechet_distance(pixels(black), seen), right.float().mean().item()

    before, right = scores()
    for _ in ganzoo.Trainer(model, ("digits-photo:b", "digits-photo:a"), device="cpu"):
        pass
    after, right_after = scores()
    assert after < before / 10
    assert after < frechet_distance(pixels(black), pixels(photographs)) / 8
    assert right_after > right + 0.3
