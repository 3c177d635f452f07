"""What every registered model promises, checked for each."""

import pytest
import torch

import ganzoo
from ganzoo.images import to_pil

TRANSLATOR = {"image_size": 16, "width": 2, "patch_layers": 1, "batch_size": 2, "steps": 4}
SMALL = {
    "dcgan": {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "steps": 4},
    "dcgan-mini": {"image_size": 16, "width": 4, "batch_size": 8, "steps": 4},
    "cdcgan": {"image_size": 8, "channels": 1, "width": 4, "classes": 10, "batch_size": 8, "steps": 4},
    "cdcgan-mini": {"image_size": 16, "width": 4, "classes": 10, "batch_size": 8, "steps": 4},
    "cyclegan": {**TRANSLATOR, "load_size": 18, "blocks": 1, "pool": 3},
    "cyclegan-mini": {**TRANSLATOR, "blocks": 1, "pool": 3},
    "finetune": {
        "backbone": "test_resnet",
        "pretrained": False,
        "image_size": 32,
        "channels": 1,
        "classes": 10,
        "batch_size": 8,
        "steps": 4,
        "unfreeze_at": (0.5,),
    },
    "pix2pix": {**TRANSLATOR, "load_size": 18},
    "toy": {"image_size": 8, "channels": 1, "steps": 4},
    "toy-phases": {"image_size": 8, "channels": 1, "steps": 4},
}
"""Settings in which a model is trained in a moment; the test below says when one is missing."""


def test_every_registered_model_is_held_to_the_contract(toy):
    assert set(SMALL) == set(ganzoo.list_models())


@pytest.fixture(params=SMALL)
def model(request, toy):
    return ganzoo.create(request.param, **SMALL[request.param])


def trainer_of(model):
    size = getattr(model.hp, "load_size", None) or model.hp.image_size
    pictures = torch.arange(12 * 3 * size * size).view(12, 3, size, size).remainder(251).to(torch.uint8)
    data = {ganzoo.Domains: "digits-photo", ganzoo.Pair: (pictures, pictures.flip(1))}.get(model.view, "digits")
    return ganzoo.Trainer(model, data, device="cpu")


def test_its_docstring_names_the_paper(model, ganzoo_command):
    assert "https://" in ganzoo_command("show", model.plugin.name).output


def test_its_first_weights_depend_on_the_seed_alone(model):
    settings = model.hp.to_json()
    torch.rand(5)
    again, other = (
        ganzoo.create(model.plugin.name, **settings),
        ganzoo.create(model.plugin.name, **{**settings, "seed": 9}),
    )
    pairs = list(zip(model.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(one, same) for one, same, _ in pairs)
    assert not all(torch.equal(one, different) for one, _, different in pairs)


def test_it_trains_to_finite_weights_and_every_player_moves(model):
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    losses = [step.read() for step in trainer_of(model)]
    assert len(losses) == 4
    assert all(torch.tensor(list(step.values())).isfinite().all() for step in losses)
    moved = {name.split(".")[0] for name, tensor in model.named_parameters() if not torch.equal(tensor, before[name])}
    assert moved == {name for name, child in model.named_children() if list(child.parameters())}
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_it_is_saved_loaded_and_resumed_bit_for_bit(model, tmp_path):
    trainer = trainer_of(model)
    next(trainer)
    trainer.save(tmp_path / "run")
    data = trainer.data if trainer.data.name is None else None
    resumed = ganzoo.Trainer.resume(tmp_path / "run", data, device="cpu")
    list(trainer), list(resumed)
    trainer.save(tmp_path / "run")
    loaded = ganzoo.load(tmp_path / "run")
    with resumed.published() as published:
        for name, tensor in published.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor), name


def test_what_it_makes_is_in_range_and_the_same_again(model):
    size, channels = model.hp.image_size, model.hp.channels
    if model.directions:
        images = torch.linspace(-1, 1, 2 * channels * size * size).view(2, channels, size, size)
        for direction in model.directions:
            made = model.translate(images, direction)
            assert made.shape == images.shape
            assert made.abs().max() <= 1
            assert torch.equal(made, model.translate(images, direction))
        assert torch.equal(model.eval()(images), model.translate(images))
        return
    if model.classifies:
        images = torch.linspace(-1, 1, 2 * channels * size * size).view(2, channels, size, size)
        made = model.classify(images)
        assert made.shape == (2, model.hp.classes)
        assert torch.allclose(made.sum(1), torch.ones(2))
        assert torch.equal(made, model.eval()(images).softmax(1))
        return
    images = model.sample(5, seed=1)
    assert images.shape == (5, channels, size, size)
    assert images.abs().max() <= 1
    assert torch.equal(images, model.sample(5, seed=1))
    assert not torch.equal(images, model.sample(5, seed=2))
    assert len(to_pil(images)) == 5
    latents = model.latents(5, seed=1)
    assert torch.equal(latents[:2], model.latents(2, seed=1))
    assert torch.equal(model.eval()(latents), images)
