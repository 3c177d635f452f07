"""DiffAugment of the translators: discriminators see altered images, generators do not."""

import pytest
import torch

import ganzoo
from ganzoo import augment
from ganzoo.seeds import rng

SMALL = {
    "image_size": 16,
    "load_size": 18,
    "width": 4,
    "patch_layers": 1,
    "batch_size": 2,
    "steps": 3,
}
MODELS = {
    "cut": {**SMALL, "blocks": 1, "nce_patches": 8, "nce_features": 6},
    "cyclegan": {**SMALL, "blocks": 1, "pool_size": 2},
    "pix2pix": SMALL,
}
STRONG = {"colour": 1.0, "translation": 0.125, "cutout": 0.5}


def pictures(seed):
    return torch.randint(0, 256, (6, 3, 18, 18), dtype=torch.uint8, generator=rng("test", seed))


def domains_or_pair(model, n=2):
    return model.view(*(torch.rand(2, n, 3, 16, 16, generator=rng("test")) * 2 - 1))


def watched(module):
    """The inputs of a network, from now on."""
    seen = []
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    return seen


def judges(model):
    return (
        list(model.discriminators.values())
        if hasattr(model, "discriminators")
        else [model.discriminator]
    )


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


def test_it_is_off_unless_asked_for(name):
    hp = ganzoo.create(name, **MODELS[name]).hp
    assert isinstance(hp, augment.Hparams)
    assert (hp.colour, hp.translation, hp.cutout) == (0, 0, 0)


def test_off_the_discriminators_see_the_images_themselves_and_nothing_is_drawn(name):
    model = ganzoo.create(name, **MODELS[name])
    drawn = []
    draw = model.rand
    model.rand = lambda *shape: drawn.append(shape) or draw(*shape)
    images = torch.rand(2, 3, 16, 16)
    sides = [images, images.flip(3)] if name == "pix2pix" else [images]
    (judge, *_), given = judges(model), torch.cat(sides, dim=1)
    seen = watched(judge)
    seen_through = model.beside(*sides) if name == "pix2pix" else model.augmented(images)
    assert torch.equal(judge(seen_through), judge(given))
    assert torch.equal(seen[0], given)
    assert not drawn


def test_on_all_that_discriminators_see_is_altered_and_all_of_the_generators_is_not(name):
    seen = []
    for settings in ({}, STRONG):
        model = ganzoo.create(name, **MODELS[name], **settings)
        generators = [model.network(direction) for direction in model.directions]
        watching = [
            [watched(judge) for judge in judges(model)],
            [watched(network) for network in generators],
        ]
        batch = domains_or_pair(model)
        torch.manual_seed(0)  # for dropout
        for _ in model.losses(batch):
            pass
        seen.append([[torch.stack(images) for images in kind] for kind in watching])
    (plain, given), (altered, given_too) = seen
    for one, other in zip(plain, altered, strict=True):
        assert len(one) == len(other) == 3  # real, fake, and fake again when the generator moves
        assert all(
            not torch.equal(x, y)
            for x, y in zip(one.flatten(0, 1), other.flatten(0, 1), strict=True)
        )
    for one, other in zip(given, given_too, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("field", STRONG)
def test_the_two_sides_of_a_pair_are_altered_alike(field):
    model = ganzoo.create("pix2pix", **MODELS["pix2pix"], **{field: STRONG[field]})
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    source, target = model.beside(images, images).chunk(2, dim=1)
    assert torch.equal(source, target)
    model.begin(0)
    assert torch.equal(source, augment.augmented(images, model.hp, model.rand))
    assert not torch.equal(source, images)


def test_the_pool_keeps_images_as_they_were_made():
    model = ganzoo.create("cyclegan", **MODELS["cyclegan"], **STRONG)
    batch = domains_or_pair(model)
    fake = model.network("a2b")(batch.a)
    for _ in model.losses(batch):
        pass
    assert torch.equal(model.pools["b"].images, fake)
