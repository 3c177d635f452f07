"""What every registered model promises, checked for each."""

import pytest
import torch

import ganzoo
from ganzoo.images import to_pil

SMALL = {
    "dcgan": {"image_size": 8, "width": 4, "batch_size": 8, "steps": 4},
    "dcgan-mini": {"image_size": 16, "width": 4, "batch_size": 8, "steps": 4},
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
    return ganzoo.Trainer(model, "digits", device="cpu")


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
    resumed = ganzoo.Trainer.resume(tmp_path / "run", device="cpu")
    list(trainer), list(resumed)
    trainer.save(tmp_path / "run")
    loaded = ganzoo.load(tmp_path / "run")
    with resumed.published() as published:
        for name, tensor in published.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor), name


def test_its_samples_are_images_in_range_and_depend_on_the_seed(model):
    images = model.sample(5, seed=1)
    size, channels = model.hp.image_size, model.hp.channels
    assert images.shape == (5, channels, size, size)
    assert images.abs().max() <= 1
    assert torch.equal(images, model.sample(5, seed=1))
    assert not torch.equal(images, model.sample(5, seed=2))
    assert len(to_pil(images)) == 5
    latents = model.latents(5, seed=1)
    assert torch.equal(latents[:2], model.latents(2, seed=1))
    assert torch.equal(model.eval()(latents), images)
