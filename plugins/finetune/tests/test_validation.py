"""What is held out of small and unequal classes, and what is said of the scores there."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data
from ganzoo.data.split import validation_indices

CLASSES = (30, 2, 1)
LABELS = torch.arange(3).repeat_interleave(torch.tensor(CLASSES))
SETTINGS = {
    "backbone": "test_resnet",
    "pretrained": False,
    "image_size": 32,
    "channels": 1,
    "classes": 3,
    "batch_size": 8,
    "steps": 2,
}


def images():
    return torch.rand(33, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def trainer():
    model = ganzoo.create("finetune", **SETTINGS)
    return ganzoo.Trainer(model, (images(), LABELS), device="cpu")


def test_each_class_of_two_images_holds_out_one_and_a_single_image_is_named(caplog):
    held_out = trainer().validation.subset
    assert LABELS[held_out].bincount(minlength=3).tolist() == [6, 1, 0]
    (warning,) = [message for message in caplog.messages if "one image" in message]
    assert "classes: 2" in warning


@pytest.mark.parametrize(
    ("rule", "counts"), [("at least one of each class", [6, 1, 0]), ("rounded", [6, 0, 0])]
)
def test_the_rules_differ_in_small_classes_only(rule, counts):
    trained, held_out = validation_indices(33, LABELS, 0.2, 0, rule)
    assert LABELS[held_out].bincount(minlength=3).tolist() == counts
    assert sorted([*trained.tolist(), *held_out.tolist()]) == list(range(33))


def test_a_run_that_records_no_rule_keeps_the_old_one():
    made = trainer()
    next(made)
    state = made.state()
    assert state.config.data.pop("validation_rule") == "at least one of each class"
    ganzoo.Run("run").write_checkpoint(state, made.model.defaults)
    _, expected = validation_indices(33, LABELS, 0.2, 0, "rounded")
    resumed = ganzoo.Trainer.resume("run", (images(), LABELS), device="cpu")
    restored = trainer()
    restored.restore("run")
    for one in (resumed, restored):
        assert torch.equal(one.validation.subset, expected)
        assert one.config().data["validation_rule"] == "rounded"


def test_a_rule_of_a_newer_ganzoo_is_one_line():
    made = trainer()
    state = made.state()
    state.config.data["validation_rule"] = "of tomorrow"
    ganzoo.Run("run").write_checkpoint(state, made.model.defaults)
    with pytest.raises(ganzoo.DataError, match="pip install -U"):
        made.restore("run")


def test_one_picture_of_each_class_is_refused_once_with_all_that_helps(ganzoo_command):
    for name in ("cat", "dog", "wolf"):
        Path("few", name).mkdir(parents=True)
        Image.new("L", (32, 32), len(name)).save(f"few/{name}/1.png")
    words = ["train", "finetune", "--data", "few", "--set", "backbone=test_resnet"]
    words += ["--set", "pretrained=false", "--set", "image_size=32", "--set", "steps=1"]
    done = ganzoo_command(*words)
    assert done.exit_code == 1
    assert "batch_size=3 and validation=0" in done.stderr
    done = ganzoo_command(*words, "--set", "batch_size=3", "--set", "validation=0")
    assert done.exit_code == 0, done.output
    assert "To use it: ganzoo classify runs/finetune" in done.output


def test_bytes_of_another_size_than_the_backbones_are_resized():
    hp = ganzoo.models["finetune"].load().Hparams(backbone="test_resnet", batch_size=2)
    size = hp.for_backbone().image_size
    levels = torch.zeros(4, 1, 12, 12, dtype=torch.uint8)
    data = open_data(list(levels), hp)
    batch = next(Batches(data, torch.Tensor, 4, 0, torch.device("cpu")).one_epoch())
    assert batch.shape == (4, 1, size, size)
    with pytest.raises(ganzoo.DataError, match="image_size=12"):
        open_data(levels, hp)


def test_scores_by_class_are_in_every_file_and_few_images_are_said(caplog):
    data = (images(), LABELS)
    ganzoo.train("finetune", data, out="run", device="cpu", **SETTINGS)
    (last,) = [message for message in caplog.messages if "is finished" in message]
    assert "7 images" in last
    assert "few" in last
    metrics = json.loads(Path("run/config.json").read_text())["metrics"]
    assert next(iter(metrics)) == "accuracy"
    by_class = metrics["accuracy by class"]
    assert list(by_class) == ["0", "1"]
    assert (6 * by_class["0"] + by_class["1"]) / 7 == pytest.approx(metrics["accuracy"])
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    (scores,) = [line for line in lines if line["kind"] == "scores"]
    assert scores["accuracy by class"] == by_class
    card = Path("run/README.md").read_text()
    assert "Accuracy by class" in card
    assert f"| 0 | {by_class['0']:.4f} |" in card
    (line,) = [message for message in caplog.messages if "validation/accuracy" in message]
    assert "by class" not in line
