"""ganzoo.train, and a trainer in Python: what they say, how they stop, and how they go on."""

import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from support import TINY, TINY_SETTINGS
from torch import nn

import ganzoo
from ganzoo.training import reports

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8}
OPTIONS = {"device": "cpu", "report_every": 2, "save_every": 4}
PUBLISHED = ("model.safetensors", "config.json", "README.md", "samples.png")


def bytes_of(run):
    return {name: Path(run, name).read_bytes() for name in PUBLISHED}


def interrupt_after(lines, journal):
    """Sends Ctrl-C to this process as soon as the journal has so many lines."""

    def wait():
        while not journal.exists() or len(journal.read_text().splitlines()) < lines:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def small_model(**hyperparameters):
    return ganzoo.create("dcgan-mini", **{**SMALL, **hyperparameters})


WITH_WORKERS = f"""
import ganzoo, torch
class Zeros(torch.utils.data.Dataset):
    def __len__(self): return 64
    def __getitem__(self, i): return torch.zeros(1, 8, 8)
model = ganzoo.create("dcgan-mini", steps=9999, **{SMALL})
trainer = ganzoo.Trainer(model, Zeros(), workers=2, device="cpu")
for _ in range(2):
    try:
        for step in trainer: print(step.number, flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
for _ in range(20): next(trainer)  # more than workers have made already
trainer.save("run")
print("saved", trainer.steps_done)
"""

# ganzoo.train


def test_a_call_that_is_interrupted_and_repeated_ends_with_the_bytes_of_the_command(
    ganzoo_command, caplog
):
    words = [*TINY, "--set", "steps=100", "--device", "cpu", "--save-every", "40"]
    assert ganzoo_command("train", "dcgan-mini", *words, "--out", "command").exit_code == 0
    options = {**SMALL, "steps": 100, "device": "cpu", "save_every": 40, "report_every": 2}
    thread = interrupt_after(3, Path("python/metrics.jsonl"))
    run = ganzoo.train("dcgan-mini", "digits", out="python", **options)
    thread.join()
    assert 0 < run.step < 100
    assert "stopped and saved" in caplog.text
    run = ganzoo.train("dcgan-mini", "digits", out="python", **options)
    assert bytes_of("python") == bytes_of("command")
    assert run.step == 100
    assert [line["step"] for line in run.metrics] == list(range(2, 101, 2))
    assert run.model.sample(2).shape == (2, 1, 8, 8)
    assert run.samples.exists()
    assert run.scores == {}
    assert "data:image/png" in run._repr_html_()
    assert "step 100" in run._repr_html_()


def test_a_run_of_a_classifier_has_its_scores():
    settings = {"backbone": "test_resnet", "pretrained": False, "image_size": 16, "batch_size": 8}
    run = ganzoo.train("finetune", "digits", steps=2, device="cpu", **settings)
    assert run.scores.keys() >= {"accuracy", "cross_entropy"}
    assert run.picture == run.confusion
    assert not run.timeline.folder.exists()
    assert not run.film.exists()
    assert "accuracy" in run._repr_html_()


class Pixels(ganzoo.Model):
    """Learns the mean picture; it has no entry point."""

    task = "unconditional-image-generation"

    class Hparams(ganzoo.Hparams):
        image_size: int = 4

    def __init__(self, hp):
        super().__init__(hp)
        self.picture = nn.Linear(1, hp.channels * hp.image_size**2)

    def losses(self, real):
        yield self.picture, (self.picture(real.new_ones(1, 1)) - real.flatten(1)).square().mean()

    def latents(self, n, seed):
        return ganzoo.noise(n, 1, seed=seed)

    def generate(self, latents, labels=None):
        hp = self.hp
        return self.picture(latents).view(-1, hp.channels, hp.image_size, hp.image_size)


def test_it_takes_a_class_and_a_model_that_exists_and_data_from_python():
    images = torch.rand(40, 1, 4, 4) * 2 - 1
    run = ganzoo.train(Pixels, images, steps=3, batch_size=8, channels=1, **OPTIONS)
    assert run.folder == Path("runs/Pixels")
    model = Pixels(Pixels.Hparams(steps=3, batch_size=8, channels=1))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = ganzoo.train(model, images, out="other", **OPTIONS)
    assert other.model.sample(1).shape == (1, 1, 4, 4)
    assert not all(torch.equal(weights[name], t) for name, t in model.state_dict().items())
    assert ganzoo.train(model, images, out="other", **OPTIONS).step == 3


def test_hyperparameters_of_a_model_that_exists_are_refused():
    with pytest.raises(ganzoo.UsageError, match=r"steps cannot be set.*create\('dcgan-mini'"):
        ganzoo.train(small_model(), "digits", steps=3)
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'steps'"):
        ganzoo.train("dcgan-mini", "digits", stesp=3)
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'workers'"):
        ganzoo.train("dcgan-mini", "digits", worker=3)
    with pytest.raises(ganzoo.UsageError, match="save_every=0"):
        ganzoo.train("dcgan-mini", "digits", save_every=0)
    assert not Path("runs").exists()


def test_messages_go_to_standard_output_unless_the_program_has_handlers(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest has some
    ganzoo.train("dcgan-mini", "digits", steps=2, **SMALL, **OPTIONS)
    assert capsys.readouterr().out.startswith(
        "training dcgan-mini on digits, in runs/dcgan-mini, on"
    )
    logging.basicConfig(format="LOG %(message)s")
    ganzoo.train("dcgan-mini", "digits", steps=2, **SMALL, **OPTIONS)
    output = capsys.readouterr()
    assert "LOG runs/dcgan-mini is finished" in output.err
    assert not output.out


@pytest.mark.slow
def test_sigterm_saves_and_then_ends_the_program():
    script = (
        f"import ganzoo; ganzoo.train('dcgan-mini', 'digits', steps=9999, out='run', **{SMALL})"
    )
    words = [sys.executable, "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("step 50/"):
                running.terminate()
    assert running.returncode == -signal.SIGTERM
    assert ganzoo.Run("run").step >= 50


# The first lines, and reports


def test_a_training_introduces_itself(caplog):
    ganzoo.train("dcgan-mini", "digits", steps=2, **SMALL, **OPTIONS)
    first, data, length, *_ = caplog.messages
    assert first == "training dcgan-mini on digits, in runs/dcgan-mini, on cpu (threads: 1)"
    assert data == "1,797 images of 8x8, grey"
    assert re.match(r"2 steps of 8 images in fp32; parameters: generator \d", length)


@pytest.mark.parametrize(("settings", "hinted"), [({}, True), ({"colour": 0.5}, False)])
def test_few_images_get_a_hint_of_augmentation(caplog, settings, hinted):
    images = torch.rand(40, 1, 8, 8) * 2 - 1
    settings = {"translation": 0.0, **settings}
    ganzoo.train("dcgan-mini", images, steps=2, **SMALL, **OPTIONS, **settings)
    assert ("--set colour=1 --set translation=0.125" in caplog.text) == hinted


def test_losses_are_shown_by_time_too_and_recorded_by_steps(caplog, monkeypatch):
    monkeypatch.setattr(reports, "PATIENCE", 0)
    run = ganzoo.train("dcgan-mini", "digits", steps=4, **SMALL, **OPTIONS)
    shown = re.findall(r"step (\d)/4", caplog.text)
    assert shown == ["1", "2", "3", "4"]
    assert [line["step"] for line in run.metrics] == [2, 4]


# A trainer in a loop


@pytest.fixture
def ctrl_c_raises():
    """Python's own handler of SIGINT, which a process in the background lacks."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_lets_the_step_finish_and_the_trainer_goes_on(monkeypatch):
    whole = ganzoo.Trainer(small_model(steps=6), "digits", device="cpu")
    for _ in whole:
        pass
    trainer = ganzoo.Trainer(small_model(steps=6), "digits", device="cpu")
    move, sent = type(trainer.model).losses, []

    def interrupted(model, batch):
        for turn in move(model, batch):
            if model.step == 2 and not sent:
                sent.append(True)
                os.kill(os.getpid(), signal.SIGINT)
            yield turn

    with monkeypatch.context() as patch:
        patch.setattr(type(trainer.model), "losses", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(trainer)
    assert trainer.steps_done == 3
    trainer.save("run")
    for _ in trainer:
        pass
    resumed = ganzoo.Trainer.resume("run", device="cpu")
    for _ in resumed:
        pass
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, trainer.model.state_dict()[name])
        assert torch.equal(tensor, resumed.model.state_dict()[name])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c_raises")
def test_a_second_ctrl_c_ends_the_step_at_once_and_half_a_step_is_not_saved(monkeypatch):
    trainer = ganzoo.Trainer(small_model(steps=6), "digits", device="cpu")
    next(trainer)
    trainer.save("run")

    def interrupted(model, batch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield

    with monkeypatch.context() as patched:
        patched.setattr(type(trainer.model), "losses", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(trainer)
    with pytest.raises(ganzoo.StateError, match=r"step 2 was interrupted.*restore\(folder\)"):
        trainer.save("run")
    trainer.restore("run")
    assert next(trainer).number == 2


def test_a_training_in_a_thread_gets_no_signals_and_is_the_same():
    options = {**SMALL, "steps": 3, **OPTIONS}
    thread = threading.Thread(target=ganzoo.train, args=["dcgan-mini", "digits"], kwargs=options)
    thread.start()
    thread.join()
    ganzoo.train("dcgan-mini", "digits", out="other", **options)
    assert bytes_of("runs/dcgan-mini") == bytes_of("other")


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_leaves_the_workers_of_a_dataset_alive():
    """A terminal sends it to the whole group of processes."""
    words = [sys.executable, "-c", WITH_WORKERS]
    options = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(words, **options) as running:
        for line in running.stdout:
            if line in ("5\n", "20\n"):
                os.killpg(running.pid, signal.SIGINT)
    assert running.returncode == 0
    assert line == f"saved {ganzoo.Run('run').step}\n"


def test_its_length_is_the_number_of_steps_that_are_left():
    trainer = ganzoo.Trainer(small_model(steps=3), "digits", device="cpu")
    assert len(trainer) == 3
    next(trainer)
    assert len(trainer) == 2
    assert len(list(trainer)) == 2
    assert trainer
    assert len(trainer) == 0


def test_it_answers_the_arguments_that_people_try_first():
    with pytest.raises(ganzoo.UsageError, match=r"'dcgan-mini'.*ganzoo\.create"):
        ganzoo.Trainer("dcgan-mini", "digits")
    with pytest.raises(ganzoo.UsageError, match="not a Linear"):
        ganzoo.Trainer(nn.Linear(1, 1), "digits")
    with pytest.raises(ganzoo.UsageError, match="steps is a hyperparameter"):
        ganzoo.Trainer(small_model(), "digits", steps=3)
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'device'"):
        ganzoo.Trainer(small_model(), "digits", devise="cpu")
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'batch_size'"):
        ganzoo.Trainer(small_model(), "digits", batchsize=3)


class Greedy(Pixels):
    """Asks for more memory than there is."""

    def losses(self, real):
        yield self.picture, torch.empty(2**50).sum()


def test_lack_of_memory_is_one_line_with_what_to_shrink():
    model = Greedy(Greedy.Hparams(steps=3, batch_size=8, channels=1))
    images = torch.rand(40, 1, 4, 4) * 2 - 1
    with pytest.raises(ganzoo.OutOfMemory, match="batch_size=8, image_size=4: set a smaller"):
        next(ganzoo.Trainer(model, images, device="cpu"))
    with pytest.raises(ganzoo.OutOfMemory, match="Greedy on cpu"):
        ganzoo.train(model, images, **OPTIONS)


# Data that have changed, and what a run remembers


def picture_folder(count):
    folder = Path("pictures")
    folder.mkdir(exist_ok=True)
    for number in range(count):
        image = torch.full((1, 8, 8), number / 20) * 2 - 1
        ganzoo.to_pil(image)[0].save(folder / f"{number:02}.png")
    return str(folder)


def test_changed_data_are_refused_accepted_and_recorded(ganzoo_command, caplog):
    words = [*TINY_SETTINGS, "--device", "cpu", "--out", "run", "--data", picture_folder(16)]
    assert ganzoo_command("train", "dcgan-mini", *words, "--set", "steps=2").exit_code == 0
    before = json.loads(Path("run/config.json").read_text())["data"]
    picture_folder(20)
    words += ["--set", "steps=4"]
    refused = ganzoo_command("train", "dcgan-mini", *words)
    assert "16 images" in refused.stderr
    assert "--accept-data" in refused.stderr
    assert "--from run --out NEW" in refused.stderr
    accepted = ganzoo_command("train", "dcgan-mini", *words, "--accept-data")
    assert "16 images before, 20 now" in accepted.output
    data = json.loads(Path("run/config.json").read_text())["data"]
    assert data["images"] == 20
    assert data["earlier"] == [{**before, "until": 2}]
    assert "2 on earlier data (16 images)" in Path("run/README.md").read_text()
    words[-1] = "steps=5"
    assert ganzoo_command("train", "dcgan-mini", *words).exit_code == 0
    assert json.loads(Path("run/config.json").read_text())["data"]["earlier"] == data["earlier"]


def test_what_is_held_out_of_accepted_data_is_said_to_be_drawn_anew(caplog):
    settings = {"backbone": "test_resnet", "pretrained": False, "image_size": 16, "batch_size": 8}
    images, labels = torch.rand(40, 1, 16, 16) * 2 - 1, torch.arange(40) % 2
    options = {**settings, **OPTIONS, "out": "run"}
    ganzoo.train("finetune", (images[:30], labels[:30]), steps=2, **options)
    ganzoo.train("finetune", (images, labels), steps=2, accept_data=True, **options)
    assert "partly trained on before" in caplog.text


def test_data_with_other_classes_are_not_accepted():
    images = torch.rand(40, 1, 16, 16) * 2 - 1
    labels = torch.arange(40) % 2

    class Named(torch.utils.data.TensorDataset):
        classes = ("cat", "dog")

    class Swapped(Named):
        classes = ("dog", "cat")

    settings = {**SMALL, "image_size": 16, "out": "run", **OPTIONS}
    ganzoo.train("cdcgan-mini", Named(images, labels), steps=2, **settings)
    with pytest.raises(ganzoo.StateError, match="same settings"):
        ganzoo.train("cdcgan-mini", Swapped(images, labels), steps=4, accept_data=True, **settings)


def test_a_run_goes_on_in_its_precision_unless_another_is_asked_for(ganzoo_command):
    words = ["train", "dcgan-mini", *TINY, "--device", "cpu", "--out", "run"]
    assert ganzoo_command(*words, "--set", "steps=2", "--precision", "bf16").exit_code == 0
    assert ganzoo_command(*words, "--set", "steps=3").exit_code == 0
    assert json.loads(Path("run/config.json").read_text())["options"]["precision"] == "bf16"
    refused = ganzoo_command(*words, "--set", "steps=4", "--precision", "fp32")
    assert "precision: bf16 here, fp32 asked for" in refused.stderr


def test_a_run_on_other_data_than_the_models_own_says_how_to_go_on(ganzoo_command):
    assert ganzoo_command("train", "dcgan-mini", *TINY, "--set", "steps=1").exit_code == 0
    refused = ganzoo_command("train", "dcgan-mini")
    assert refused.exit_code == 1
    assert "choose another folder with --out" in refused.stderr
    (command,) = re.findall("go on with ganzoo (.*), or", refused.stderr)
    assert "--data digits" in command
    assert command in ganzoo_command("train", "dcgan-mini", "--data", "digits").stderr
    done = ganzoo_command(*shlex.split(command), "--set", "steps=2")
    assert "going on from step 1" in done.output


def test_so_does_a_run_that_no_command_can_make():
    class Own(Pixels):
        default_data = "digits-photo:a"

    settings = {"image_size": 8, "channels": 1, "steps": 1, "batch_size": 8}
    ganzoo.train(Own, "digits", **settings, **OPTIONS)
    with pytest.raises(ganzoo.StateError, match="digits-photo:a: go on with --data digits, or"):
        ganzoo.train(Own, **settings, **OPTIONS)


def mean_model(steps):
    return Pixels(Pixels.Hparams(steps=steps, batch_size=8, channels=1))


def random_images(seed):
    return torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_data_that_come_back_are_accepted_each_time():
    first, second, third = map(random_images, range(3))
    for steps, data in ((2, first), (4, second), (6, first)):
        ganzoo.train(mean_model(steps), data, out="run", accept_data=True, **OPTIONS)
    with pytest.raises(ganzoo.StateError, match="--accept-data"):
        ganzoo.train(mean_model(8), third, out="run", **OPTIONS)
    ganzoo.train(mean_model(8), third, out="run", accept_data=True, **OPTIONS)
    earlier = json.loads(Path("run/config.json").read_text())["data"]["earlier"]
    assert [data["until"] for data in earlier] == [2, 4, 6]


def test_a_refused_restore_leaves_the_trainer_as_it_was():
    ganzoo.train(mean_model(2), random_images(0), out="run", **OPTIONS)
    ganzoo.train(mean_model(4), random_images(1), out="run", accept_data=True, **OPTIONS)
    trainer = ganzoo.Trainer(mean_model(3), random_images(2), device="cpu")
    with pytest.raises(ganzoo.StateError):
        trainer.restore("run")
    with pytest.raises(ganzoo.StateError, match="step 4 already"):
        trainer.restore("run", accept_data=True)
    next(trainer)
    trainer.save("new")
    assert "earlier" not in json.loads(Path("new/config.json").read_text())["data"]


class Scored(Pixels):
    """Its score is the brightness of the validation data."""

    def evaluate(self, batches):
        means = [float(images.mean()) for images in batches]
        return ganzoo.Evaluation({"brightness": sum(means) / len(means)})


def test_scores_of_other_data_are_not_ranked_against_each_other():
    images = random_images(0)
    for steps, level in ((2, 0.9), (4, -0.5)):
        model = Scored(Scored.Hparams(steps=steps, batch_size=8, channels=1))
        held_out = torch.full((8, 1, 4, 4), level)
        options = {"validation": held_out, "out": "run", "accept_data": True}
        run = ganzoo.train(model, images, **options, **OPTIONS)
    assert run.step == 4
    assert run.scores == {"brightness": pytest.approx(-0.5)}


def test_a_loaded_model_that_is_trained_on_says_what_it_started_from():
    options = {**SMALL, **OPTIONS, "steps": 2}
    ganzoo.train("dcgan-mini", "digits", out="first", **options)
    config = json.loads(Path("first/config.json").read_text())
    ganzoo.train(ganzoo.load("first"), "digits", out="second", **OPTIONS)
    origin = ganzoo.load("second").origin
    assert origin == f"dcgan-mini {config['weights']['sha256']}"
    assert "--from RUN" in Path("second/README.md").read_text()
    again = ganzoo.Trainer(ganzoo.load("first"), "digits", device="cpu")
    again.restore("first")  # its own run goes on
    assert again.model.origin is None


def test_a_signal_in_the_last_step_is_passed_on(monkeypatch):
    received = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    draw = Pixels.losses

    def terminated(model, batch):
        if model.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        yield from draw(model, batch)

    monkeypatch.setattr(Pixels, "losses", terminated)
    run = ganzoo.train(mean_model(3), random_images(0), **OPTIONS)
    signal.signal(signal.SIGTERM, before)
    assert run.step == 3
    assert received == [signal.SIGTERM]


class Huge(Pixels):
    """Too large to be made."""

    def __init__(self, hp):
        super().__init__(hp)
        self.table = nn.Parameter(torch.empty(2**46))


def test_a_model_that_does_not_fit_into_memory_is_one_line():
    with pytest.raises(ganzoo.OutOfMemory, match="Huge on cpu"):
        ganzoo.train(Huge, random_images(0), channels=1, batch_size=8, **OPTIONS)


def test_numbers_of_steps_are_whole():
    for value in ("5", 5.5, 0):
        with pytest.raises(ganzoo.UsageError, match="whole number"):
            ganzoo.train("dcgan-mini", save_every=value)


@pytest.mark.slow
def test_letters_that_a_console_lacks_end_no_training(process):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    words = ["train", "dcgan-mini", *TINY, "--set", "steps=1", "--out", "k\u00e4tzchen"]
    assert "tzchen is finished" in process("-m", "ganzoo", *words, env=env).stdout
