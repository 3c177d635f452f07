"""A step: its draws, averages, schedules and optimizers, and a session around many of them."""

import re
import shutil
import threading
from pathlib import Path

import pytest
import torch
from support import SETTINGS
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import ganzoo
from ganzoo import seeds
from ganzoo.seeds import Draws, Part, rng, seeded
from ganzoo.state.run import Run
from ganzoo.training import session
from ganzoo.training.averages import Averages
from ganzoo.training.plan import Plan
from ganzoo.training.reports import Reports

CPU = torch.device("cpu")
SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8}


def test_draws_of_one_process_are_those_of_a_fresh_generator():
    draws = Draws(7)
    for step in (0, 3):
        draws.begin(step)
        plain = rng("draws", 7, step)
        assert torch.equal(draws.randn(5, 2, device=CPU), torch.randn(5, 2, generator=plain))
        assert torch.equal(draws.rand(3, device=CPU), torch.rand(3, generator=plain))


def test_another_attempt_at_a_step_draws_otherwise():
    draws = Draws(7)
    numbers = []
    for attempt in (0, 1, 2):
        draws.begin(4, attempt)
        numbers.append(draws.randn(3, device=CPU))
    assert len({tuple(row.tolist()) for row in numbers}) == 3


@pytest.mark.parametrize(("ranks", "micros"), [(1, 1), (2, 1), (1, 3), (3, 2)])
def test_parts_of_a_batch_draw_the_rows_of_the_whole(ranks, micros):
    whole, parts, shared = Draws(1), [], []
    for rank in range(ranks):
        for micro in range(micros):
            part = Part.of(7, rank=rank, ranks=ranks, micro=micro, micros=micros)
            draws = Draws(1, part)
            rows = part.stop - part.start
            parts.append((draws.randn(rows, 2, device=CPU), draws.rand(2 * rows, device=CPU)))
            shared.append(draws.randn(3, device=CPU, shared=True))
    expected = whole.randn(7, 2, device=CPU), whole.rand(14, device=CPU)
    assert torch.equal(torch.cat([normal for normal, _ in parts]), expected[0])
    halves = [torch.cat([twice.chunk(2)[i] for _, twice in parts]) for i in range(2)]
    assert torch.equal(torch.cat(halves), expected[1])
    assert all(
        torch.equal(numbers, whole.randn(3, device=CPU, shared=True)) for numbers in shared[:1]
    )


def test_draws_that_are_of_no_batch_are_named():
    with pytest.raises(ganzoo.PluginError, match="shared=True"):
        Draws(1, Part.of(8, ranks=2)).randn(3, device=CPU)


def test_two_trainers_in_two_threads_each_give_what_they_give_alone(toy):
    def trained(seed):
        model = ganzoo.create("toy-phases", image_size=8, channels=1, seed=seed)
        list(ganzoo.Trainer(model, "toy-squares:16", device="cpu"))  # its dropout draws from torch
        return model.state_dict()

    alone, together = [trained(0), trained(1)], [None, None]

    def train(i):
        together[i] = trained(i)

    threads = [threading.Thread(target=train, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_only_the_generators_of_the_cpu_and_of_one_gpu_are_seeded_and_restored(monkeypatch):
    gpus = [torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)]
    monkeypatch.setattr(torch.cuda, "default_generators", gpus)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    before = [generator.get_state() for generator in (torch.default_generator, *gpus)]
    with seeded("x", 1, device=torch.device("cuda:1")):
        assert torch.equal(gpus[0].get_state(), before[1])
        assert gpus[1].initial_seed() == torch.default_generator.initial_seed()
        torch.rand(2), torch.rand(2, generator=gpus[1])
    after = [generator.get_state() for generator in (torch.default_generator, *gpus)]
    assert all(map(torch.equal, before, after))


def test_a_forked_process_does_not_wait_for_a_lock_of_its_parent():
    with seeded("x", 1, device=CPU):
        assert len(seeds._locks) >= 1
        assert all(isinstance(process, int) for process in seeds._locks)


class Normed(ganzoo.Model):
    """A generator with both kinds of buffers."""

    task = "unconditional-image-generation"

    class Hparams(ganzoo.Hparams):
        ema: float = 0.9

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Sequential(spectral_norm(nn.Linear(3, 3)), nn.BatchNorm1d(3))

    def averaged(self):
        return [self.generator]


def test_vectors_of_spectral_norm_are_copied_and_statistics_averaged():
    model = ganzoo.create(Normed)
    averages = Averages(model)
    average = averages.pairs[model.generator]
    first = average[1].running_mean.clone()
    for step in range(3):
        model.generator(torch.randn(8, 3) * 3 + 1)
        averages.update(step)
    vectors = average[0].parametrizations.weight[0]
    assert torch.equal(vectors._u, model.generator[0].parametrizations.weight[0]._u)
    torch.testing.assert_close(vectors._u.norm(), torch.ones(()))
    assert not torch.equal(average[1].running_mean, model.generator[1].running_mean)
    assert not torch.equal(average[1].running_mean, first)
    assert average[1].num_batches_tracked == 3


def test_adam_is_that_of_torch_on_a_cpu():
    ends = []
    for make in (ganzoo.adam, torch.optim.Adam):
        net = nn.Linear(3, 2)
        nn.init.constant_(net.weight, 0.5), nn.init.zeros_(net.bias)
        optimizer = make(net.parameters(), 0.01, (0.5, 0.9))
        for i in range(3):
            optimizer.zero_grad()
            (net(torch.full((1, 3), float(i))).square().sum()).backward()
            optimizer.step()
        ends.append(net.weight.detach().clone())
    assert torch.equal(*ends)


def test_reading_progress_changes_nothing(toy, tmp_path):
    model = ganzoo.create("toy", steps=6, image_size=8, channels=1)
    trainer = ganzoo.Trainer(model, "toy-squares:16", device="cpu")
    assert model.progress == 0
    next(trainer)
    trainer.save(tmp_path / "run")
    assert ganzoo.Trainer.resume(tmp_path / "run", steps=12, device="cpu").model.hp.steps == 12


def test_a_model_that_depends_on_steps_cannot_be_given_more(toy, monkeypatch, tmp_path):
    kind = ganzoo.models["toy"].load()
    monkeypatch.setattr(kind, "depends_on_steps", True)
    trainer = ganzoo.Trainer(ganzoo.create("toy", image_size=8, channels=1), "toy-squares:16")
    next(trainer)
    trainer.save(tmp_path / "run")
    monkeypatch.setattr(kind, "depends_on_steps", False)  # the checkpoint knows it all the same
    with pytest.raises(ganzoo.StateError, match="steps=20"):
        ganzoo.Trainer.resume(tmp_path / "run", steps=20, device="cpu")


def test_a_trainer_that_is_half_restored_does_not_go_on(toy, tmp_path, monkeypatch):
    trainer = ganzoo.Trainer(
        ganzoo.create("toy-phases", image_size=8, channels=1), "toy-squares:16"
    )
    next(trainer)
    trainer.save(tmp_path / "run")
    other = ganzoo.Trainer(ganzoo.create("toy-phases", image_size=8, channels=1), "toy-squares:16")
    del other.model._buffers["pool"]  # as in another version of the model
    with pytest.raises(ganzoo.StateError, match="pool"):
        other.restore(tmp_path / "run")
    with pytest.raises(ganzoo.StateError, match="restore"):
        next(other)


def test_optimizers_keep_tensors_and_numbers(toy):
    trainer = ganzoo.Trainer(
        ganzoo.create("toy-phases", image_size=8, channels=1), "toy-squares:16"
    )
    next(trainer)
    state = trainer.state()
    assert any(name.endswith("/exp_avg") for name in state.training)
    assert isinstance(state.extra["optimizer"], dict)


# A session, without the command line


def plan(*assignments, **options):
    options = {"data": "digits", "device": "cpu", **options}
    return Plan(model="dcgan-mini", assignments=(*SETTINGS, *assignments), **options)


def test_a_session_is_a_library(caplog, capsys):
    caplog.set_level("INFO", "ganzoo")
    outcome = session.run_session(plan("steps=4", report_every=2))
    assert outcome.stopped_by == 0
    assert outcome.trainer.steps_done == 4
    assert outcome.run.samples.exists()
    assert capsys.readouterr().out == ""
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split()[1] for message in messages if message.startswith("step ")] == [
        "2/4",
        "4/4",
    ]
    assert all(record.name.startswith("ganzoo") for record in caplog.records)


def test_a_finished_run_gets_the_pictures_that_a_kill_kept_from_it():
    run = session.run_session(plan("steps=2")).run
    drawn = run.samples.read_bytes()
    run.samples.unlink(), run.curve.unlink(missing_ok=True)
    session.run_session(plan("steps=2"))
    assert run.samples.read_bytes() == drawn
    run.samples.write_bytes(b"of an earlier save")
    moment = run.newest_checkpoint().stat().st_mtime - 10
    import os

    os.utime(run.samples, (moment, moment))
    session.run_session(plan("steps=2"))
    assert run.samples.read_bytes() == drawn


def test_a_run_inside_of_its_validation_data_is_refused(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    with pytest.raises(ganzoo.UsageError, match="pictures"):
        session.run_session(plan("steps=2", validation=str(folder), out=folder / "run"))


def test_a_run_goes_on_when_the_run_that_it_started_from_is_gone(caplog):
    session.run_session(plan("steps=2", out=Path("first")))
    options = {"from_run": Path("first"), "out": Path("second")}
    session.run_session(plan("steps=2", **options))
    origin = ganzoo.load("second").origin
    shutil.rmtree("first")
    assert session.run_session(plan("steps=4", **options)).trainer.steps_done == 4
    assert ganzoo.load("second").origin == origin


def test_two_sources_to_be_scored_on_are_opened_again(tmp_path, monkeypatch):
    kind = ganzoo.models["cyclegan-mini"].load()
    monkeypatch.setattr(kind, "evaluate", lambda self, batches: ganzoo.Evaluation({"score": 1.0}))
    small = {
        "image_size": 16,
        "width": 2,
        "patch_layers": 1,
        "blocks": 1,
        "steps": 2,
        "batch_size": 2,
    }
    model = ganzoo.create("cyclegan-mini", **small)
    test = ("digits-photo:a-test", "digits-photo:b-test")
    trainer = ganzoo.Trainer(model, "digits-photo", validation=test, device="cpu")
    next(trainer)
    trainer.save(tmp_path / "run")
    resumed = ganzoo.Trainer.resume(tmp_path / "run", device="cpu")
    assert resumed.held_out.name == list(test)


def test_the_time_left_may_be_days(tmp_path, caplog):
    caplog.set_level("INFO", "ganzoo")
    reports = Reports(Run(tmp_path), done=0, steps=10**9, every=1)
    with reports:
        reports.step(ganzoo.Step(1, {"generator": torch.ones(())}))
    (left,) = re.findall(r"(\d+):\d\d:\d\d left", caplog.text)
    assert int(left) > 24
