"""What one watches: pictures from the first step on, samples.png of what is kept, and the film."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.images import enlarged, grid
from ganzoo.training import film
from ganzoo.training.pictures import picture_steps
from ganzoo.training.reports import Reports

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8}
OPTIONS = {"device": "cpu", "report_every": 2, "save_every": 8}


def train(out, steps, **options):
    return ganzoo.train("dcgan-mini", "digits", out=out, steps=steps, **SMALL, **OPTIONS, **options)


def drawn(run):
    """The bytes of the timeline and of the film, by name."""
    paths = [*run.timeline.pictures().values(), run.film]
    return {path.name: path.read_bytes() for path in paths}


def shown(run):
    return np.asarray(Image.open(run.samples))


def picture_of(model):
    return np.asarray(enlarged(grid(model.sample(64))))


# The steps that are drawn


@pytest.mark.parametrize("steps", [1, 2, 7, 24, 200, 2000, 81_920, 100_000])
def test_the_steps_are_few_early_ones_and_then_even_ones(steps):
    chosen = sorted(picture_steps(steps))
    assert chosen[:2] == [0, 1]
    assert chosen[-1] == steps
    assert len(chosen) <= 33
    gaps = np.diff(chosen[:-1])
    assert (gaps >= 1).all()
    assert (np.diff(gaps) >= 0).all()


@pytest.mark.parametrize(("steps", "more"), [(1, 2), (200, 220), (200, 2000), (999, 100_000)])
def test_more_steps_only_thin_the_pictures_out(steps, more):
    early = {step for step in picture_steps(more) if step < steps}
    assert early <= picture_steps(steps)


# Runs


def test_a_run_that_was_killed_has_the_pictures_of_one_in_one_go(monkeypatch):
    whole = train("whole", 24)
    report = Reports.step

    def killed(self, step):
        report(self, step)
        if step.number == 11:
            raise InterruptedError

    monkeypatch.setattr(Reports, "step", killed)
    with pytest.raises(InterruptedError):
        train("parts", 24)
    parts = ganzoo.Run("parts")
    assert max(parts.timeline.pictures()) == 10
    assert parts.newest_checkpoint().name == "step-000008"
    parts.timeline.path(8).unlink()  # it comes after its checkpoint
    parts.timeline.path(10).write_bytes(b"of steps that are made again")
    parts.timeline.path(23).write_bytes(b"of a timeline with other steps")
    monkeypatch.setattr(Reports, "step", report)
    train("parts", 24)
    assert drawn(parts) == drawn(whole)
    assert parts.weights.read_bytes() == whole.weights.read_bytes()


def test_pictures_change_neither_statistics_nor_draws(monkeypatch):
    model = ganzoo.create("dcgan-mini", steps=5, **SMALL)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    list(trainer)

    def preview(self, batch):
        return self.generator(torch.randn_like(self.latents(64, 0))).clamp(-1, 1)

    monkeypatch.setattr(ganzoo.Model, "preview", preview)
    first, second = train("first", 5), train("second", 5)
    assert drawn(first) == drawn(second)
    with trainer.averaged_model():
        for name, tensor in first.model.state_dict().items():
            assert torch.equal(tensor, model.state_dict()[name]), name


def test_a_run_that_gets_more_steps_keeps_its_pictures_and_drops_some():
    run = train("run", 21)
    before = drawn(run)
    train("run", 24)
    assert 21 not in picture_steps(24)
    assert set(run.timeline.pictures()) == picture_steps(24)
    after = drawn(run)
    assert after["step-000020.webp"] == before["step-000020.webp"]


def test_a_run_without_a_timeline_goes_on_with_one():
    run = train("run", 4)
    run.film.unlink()
    for path in run.timeline.pictures().values():
        path.unlink()
    run.timeline.folder.rmdir()
    train("run", 4)
    assert list(run.timeline.pictures()) == [4]
    before = run.samples.stat().st_mtime_ns
    train("run", 4)
    assert run.samples.stat().st_mtime_ns == before  # it is complete, and not drawn again
    train("run", 6)
    assert list(run.timeline.pictures()) == [4, 5, 6]


def test_a_preview_that_cannot_be_drawn_ends_a_training_before_its_first_step(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ganzoo.Model, "preview", lambda self, batch: 1 / 0)
        with pytest.raises(ganzoo.PluginError, match="preview"):
            train("run", 4)
    assert not ganzoo.Run("run").checkpoints()
    assert train("run", 2).step == 2  # nothing is left that another length would contradict


# samples.png


def test_samples_are_those_of_the_weights_that_are_kept(monkeypatch):
    def evaluate(self, batches):
        return ganzoo.Evaluation({"score": 1 / (1 + abs(self.step - 3))})

    monkeypatch.setattr(ganzoo.models["dcgan-mini"].load(), "evaluate", evaluate)
    options = {"eval_every": 2, "validation": torch.zeros(8, 1, 8, 8), "lr": 0.01}
    run = train("run", 8, **options)
    assert run.step == 4
    kept = run.model
    assert (shown(run) == picture_of(kept)).all()
    run.samples.unlink()
    train("run", 8, **options)
    assert (shown(run) == picture_of(kept)).all()


# The film


def test_the_film_shows_the_timeline_and_is_pushed():
    run = train("run", 6, lr=0.05)
    with Image.open(run.film) as frames:
        assert frames.format == "WEBP"
        assert frames.n_frames == len(run.timeline.pictures()) == 7
        assert frames.info["loop"] == 0
        durations = []
        for number in range(frames.n_frames):
            frames.seek(number)
            frames.load()
            durations.append(frames.info["duration"])
    assert durations[-1] > 2 * max(durations[:-1])
    assert f"]({run.film.name})" in run.card.read_text()
    pushed = {path.name for path in run.uploaded_files()}
    assert run.film.name in pushed
    assert not any(name.startswith("step-") for name in pushed)


def test_a_film_is_bounded_even_of_noise_and_of_pictures_of_two_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(film, "LARGEST", 20_000)
    paths = []
    for number, mode in enumerate(("L", "RGB", "RGB")):
        shape = (200, 200 + number, len(mode))
        noise = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
        paths.append(Path(tmp_path, f"{number}.webp"))
        Image.fromarray(noise.squeeze()).save(paths[-1])
    assert len(film.film(paths)) <= 20_000
    paths[1].write_bytes(b"no picture")
    with pytest.raises(ganzoo.StateError, match=r"1\.webp"):
        film.film(paths)
