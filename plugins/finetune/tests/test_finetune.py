"""Transfer learning: a frozen backbone, its unfreezing, validation, and classification."""

import json
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file
from support import kill_after
from tensors import equal, weights_of
from torch.nn.functional import cross_entropy, interpolate
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data
from ganzoo.data.split import validation_indices
from ganzoo.images import confusion

SMALL = {
    "backbone": "test_resnet",
    "pretrained": False,
    "image_size": 32,
    "channels": 1,
    "batch_size": 8,
    "steps": 8,
}
WORDS = ["train", "finetune", "--device", "cpu"]
WORDS += [word for key, value in SMALL.items() for word in ("--set", f"{key}={str(value).lower()}")]


def finetune(**settings):
    return ganzoo.create("finetune", **{**SMALL, "classes": 10, **settings})


def trainer_of(model, data="digits", **options):
    return ganzoo.Trainer(model, data, device="cpu", **options)


@pytest.fixture
def run(ganzoo_command):
    """A classifier of digits that knows little."""
    done = ganzoo_command(
        *WORDS, "--data", "digits", "--set", "unfreeze_at=0", "--set", "steps=12", "--out", "run"
    )
    assert done.exit_code == 0, done.output
    return Path("run")


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_steps_are_those_of_a_loop_by_hand_on_resnet18(optimizer):
    """20 steps of a frozen resnet18 with a new head: equal losses and weights, bit for bit."""
    settings = {
        "backbone": "resnet18",
        "steps": 20,
        "seed": 3,
        "unfreeze_at": (1.0,),
        "optimizer": optimizer,
    }
    model = finetune(**settings)
    backbone = timm.create_model("resnet18", num_classes=0)
    backbone.load_state_dict(model.classifier["backbone"].state_dict())
    head = torch.nn.Linear(512, 10)
    head.load_state_dict(model.classifier["head"].state_dict())
    trainer = trainer_of(model)
    batches = trainer.batches
    found = [step.read()["classifier"] for step in trainer]
    if optimizer == "sgd":
        by_hand = torch.optim.SGD(head.parameters(), 1e-3, momentum=0.9, weight_decay=0.01)
    else:
        by_hand = torch.optim.AdamW(head.parameters(), 1e-3, betas=(0.9, 0.999), weight_decay=0.01)
    backbone.requires_grad_(False).eval()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    losses = []
    for step in range(20):
        rate = 1.0 if step == 0 else (1 + math.cos(math.pi * (step / 20 - 0.05) / 0.95)) / 2
        for group in by_hand.param_groups:
            group["lr"] = 1e-3 * rate
        images, labels = batches[step]
        x = ((images.expand(-1, 3, -1, -1) + 1) / 2 - mean[:, None, None]) / std[:, None, None]
        loss = cross_entropy(head(backbone(x)), labels)
        by_hand.zero_grad()
        loss.backward()
        by_hand.step()
        losses.append(loss.item())
    assert found == losses
    assert equal(weights_of(head), weights_of(model.classifier["head"]))
    images, labels = next(iter(trainer.validation.one_epoch()))
    x = ((images.expand(-1, 3, -1, -1) + 1) / 2 - mean[:, None, None]) / std[:, None, None]
    assert torch.equal(model.classify(images), head(backbone(x)).softmax(1))


def test_a_frozen_backbone_keeps_every_byte_and_no_optimizer_holds_it():
    model = finetune(unfreeze_at=(1.0,))
    before = weights_of(model.classifier["backbone"])
    trainer = trainer_of(model)
    list(trainer)
    assert equal(before, weights_of(model.classifier["backbone"]))
    assert any("running_mean" in name for name in before)
    head = list(model.classifier["head"].parameters())
    (optimizer,) = trainer.optimizers.values()
    assert [id(p) for group in optimizer.param_groups for p in group["params"]] == [
        id(p) for p in head
    ]
    assert all(
        p.grad is None and not p.requires_grad for p in model.classifier["backbone"].parameters()
    )


def test_nothing_of_a_frozen_backbones_backward_pass_is_computed():
    model = finetune(unfreeze_at=(1.0,))
    passed = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, _, out: passed.append(out.requires_grad))
    next(trainer_of(model))
    assert len(passed) == len(model.blocks)
    assert not any(passed)


def test_the_backbone_is_unfrozen_from_the_top_at_its_own_rate():
    model = finetune(unfreeze_at=(0.25, 0.5), steps=8, lr=0.01, backbone_lr=0.001)
    trainer = trainer_of(model)
    changed = []
    for _ in range(8):
        before = [weights_of(block) for block in model.blocks]
        next(trainer)
        changed.append(
            [
                not equal(one, weights_of(block))
                for one, block in zip(before, model.blocks, strict=True)
            ]
        )
    count = len(model.blocks)
    upper = [i >= count - math.ceil(count / 2) for i in range(count)]
    assert changed == [[False] * count] * 2 + [upper] * 2 + [[True] * count] * 4
    (optimizer,) = trainer.optimizers.values()
    head, backbone = (group["lr"] for group in optimizer.param_groups)
    assert backbone == pytest.approx(head / 10)


def test_the_lowest_blocks_stay_frozen_for_good():
    model = finetune(unfreeze_at=(0.0,), frozen_blocks=3)
    before = [weights_of(block) for block in model.blocks]
    list(trainer_of(model))
    kept = [equal(one, weights_of(block)) for one, block in zip(before, model.blocks, strict=True)]
    assert kept == [True] * 3 + [False] * (len(model.blocks) - 3)
    with pytest.raises(ganzoo.HparamError, match=r"frozen_blocks.*99"):
        finetune(frozen_blocks=99)


def test_it_goes_on_bit_for_bit_from_the_borders_of_its_phases():
    whole = trainer_of(finetune(unfreeze_at=(0.25, 0.5), mixup=0.4, label_smoothing=0.1))
    for step in whole:
        if step.number in (2, 4):
            whole.save(f"run-{step.number}")
    for moment in (2, 4):
        again = ganzoo.Trainer.resume(f"run-{moment}", device="cpu")
        list(again)
        assert equal(weights_of(whole.model), weights_of(again.model)), moment


@pytest.mark.slow
def test_killed_in_two_phases_it_ends_with_the_bytes_of_one_go(tmp_path, process):
    words = [
        "-m",
        "ganzoo",
        *WORDS,
        "--data",
        "digits",
        "--set",
        "unfreeze_at=0.3,0.6",
        "--set",
        "steps=20",
    ]
    words += ["--report-every", "1", "--eval-every", "5"]
    process(*words, "--out", "whole")
    for count in (6, 8):
        killed = subprocess.Popen(
            [sys.executable, *words, "--out", "parts"], stdout=subprocess.PIPE, text=True
        )
        kill_after(count, killed)
        assert killed.returncode == -signal.SIGKILL
    said = process(*words, "--out", "parts").stdout
    assert "step 20/20" in said
    assert "step 1/20" not in said
    for name in ("model.safetensors", "config.json", "README.md", "confusion.png"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes(), name


def test_mixup_and_smoothing_are_the_formulas():
    model = finetune(mixup=0.5, label_smoothing=0.2, unfreeze_at=(1.0,))
    trainer = trainer_of(model)
    images, labels = trainer.batches[0]
    model.begin(0)
    torch.manual_seed(5)
    ((_, loss),) = model.losses(ganzoo.Labelled(images, labels))
    torch.manual_seed(5)
    share = torch.distributions.Beta(0.5, 0.5).sample()
    model.begin(0)
    other = model.rand(8).argsort()
    targets = torch.eye(10) * 0.8 + 0.02
    mixed = share * targets[labels] + (1 - share) * targets[labels[other]]
    logits = model.logits(share * images + (1 - share) * images[other])
    assert loss.item() == pytest.approx(
        -(mixed * logits.log_softmax(1)).sum(1).mean().item(), abs=1e-6
    )


def test_what_is_held_out_is_never_trained_on_and_is_of_every_class():
    model = finetune(steps=300, validation=0.25)
    trainer = trainer_of(model)
    seen = torch.cat([trainer.batches.orders[0][i].indices for i in range(300)])
    kept = trainer.validation.subset
    assert not set(seen.tolist()) & set(kept.tolist())
    assert set(seen.tolist()) | set(kept.tolist()) == set(range(1797))
    labels = trainer.data.parts[0].labels
    shares = torch.bincount(labels[kept]) / torch.bincount(labels)
    assert (shares - 0.25).abs().max() < 0.01
    batches = list(trainer.validation.one_epoch())
    assert sum(len(images) for images, _ in batches) == len(kept)
    assert torch.equal(torch.cat([labels for _, labels in batches]), labels[kept])
    assert torch.equal(kept, trainer_of(finetune(validation=0.25)).validation.subset)
    assert not torch.equal(kept, trainer_of(finetune(validation=0.25, seed=1)).validation.subset)


def test_every_class_keeps_an_image_to_train_on():
    trained, kept = validation_indices(5, torch.tensor([0, 0, 1, 2, 2]), 0.9, 0)
    assert trained.numel() == 3
    assert set(torch.tensor([0, 0, 1, 2, 2])[trained].tolist()) == {0, 1, 2}
    assert sorted([*trained.tolist(), *kept.tolist()]) == list(range(5))


def test_nothing_to_hold_out_is_said():
    data = TensorDataset(-torch.ones(4, 1, 32, 32), torch.arange(4))
    with pytest.raises(ganzoo.DataError, match="validation"):
        trainer_of(finetune(validation=0.2, classes=4), data)
    with pytest.raises(ganzoo.Unsupported, match="validation"):
        trainer_of(finetune(validation=0.0)).evaluate()


def test_scores_are_those_of_counting_and_change_nothing():
    trainer = trainer_of(finetune(unfreeze_at=(0.0,), steps=3))
    undisturbed = trainer_of(finetune(unfreeze_at=(0.0,), steps=3))
    for _ in trainer:
        found = trainer.evaluate()
    list(undisturbed)
    assert equal(weights_of(trainer.model), weights_of(undisturbed.model))
    images, labels = (
        torch.cat(parts) for parts in zip(*trainer.validation.one_epoch(), strict=True)
    )
    probabilities = trainer.model.classify(images)
    assert found.scores["accuracy"] == (probabilities.argmax(1) == labels).double().mean().item()
    expected = -probabilities[range(len(labels)), labels].log().mean().item()
    assert found.scores["cross_entropy"] == pytest.approx(expected, abs=1e-5)


def test_the_best_weights_are_kept_and_published(monkeypatch, ganzoo_command):
    """The scores are made up: the third of eight is the best, in the oldest checkpoint kept."""
    scores = iter([0.2, 0.5, 0.9, 0.3, 0.9, 0.1, 0.4, 0.2])
    kind = ganzoo.models["finetune"].load()
    monkeypatch.setattr(
        kind, "evaluate", lambda self, batches: ganzoo.Evaluation({"accuracy": next(scores)})
    )
    done = ganzoo_command(*WORDS, "--data", "digits", "--out", "run", "--eval-every", "1")
    assert done.exit_code == 0, done.output
    last = done.output.splitlines()[-1]
    assert all(word in last for word in ("Step 3", "accuracy", "0.9000", "359")), last
    config = json.loads(Path("run/config.json").read_text())
    assert config["weights"]["step"] == 3
    assert config["metrics"] == {
        "accuracy": 0.9,
        "images": 359,
        "measured on": "a part of the data that was not trained on",
    }
    assert "| accuracy | 0.9000 |" in Path("run/README.md").read_text()
    assert (
        Path("run/model.safetensors").read_bytes()
        == Path("run/train/step-000003/model.safetensors").read_bytes()
    )
    assert sorted(path.name for path in Path("run/train").glob("step-*")) == [
        f"step-00000{i}" for i in (3, 6, 7, 8)
    ]
    assert ganzoo.Trainer.resume("run", device="cpu").steps_done == 8
    found = [
        json.loads(line).get("validation/accuracy")
        for line in Path("run/metrics.jsonl").read_text().splitlines()
    ]
    assert [score for score in found if score is not None] == [
        0.2,
        0.5,
        0.9,
        0.3,
        0.9,
        0.1,
        0.4,
        0.2,
    ]


def test_the_best_is_among_what_was_saved(monkeypatch):
    """Steps 2, 4, 6 and 8 are scored .5, .9, .7 and .6.

    Step 4 is never saved, and step 6 is lost later.
    """
    scores = iter([0.5, 0.9, 0.7, 0.6])
    monkeypatch.setattr(
        ganzoo.models["finetune"].load(),
        "evaluate",
        lambda self, _: ganzoo.Evaluation({"accuracy": next(scores)}),
    )
    trainer = trainer_of(finetune(unfreeze_at=(0.0,)))
    for step in trainer:
        if step.number % 2 == 0:
            trainer.evaluate()
            if step.number != 4:
                trainer.save("run")
    assert trainer.best.step == 6
    assert json.loads(Path("run/config.json").read_text())["weights"]["step"] == 6
    shutil.rmtree("run/train/step-000006")
    again = ganzoo.Trainer.resume("run", steps=None, device="cpu")
    again.save("run")
    assert json.loads(Path("run/config.json").read_text())["weights"]["step"] == 8


def test_another_source_can_be_what_is_held_out(ganzoo_command):
    words = [*WORDS, "--data", "digits-photo:a", "--out", "run"]
    done = ganzoo_command(*words, "--validation", "digits-photo:a-test")
    assert done.exit_code == 0, done.output
    assert "180 images" in done.output or "179 images" in done.output
    config = json.loads(Path("run/config.json").read_text())
    assert config["metrics"]["measured on"] == "digits-photo:a-test"
    assert (
        "--data digits-photo:a --validation digits-photo:a-test"
        in Path("run/README.md").read_text()
    )
    assert ganzoo.Trainer.resume("run", device="cpu").validation.total == len(
        ganzoo.datasets["digits-photo"].load()("a-test").items()
    )
    done = ganzoo_command(*words)
    assert done.exit_code == 1
    assert config["data"]["validation"]["fingerprint"][:16] in done.stderr
    Path("other/x").mkdir(parents=True), Path("other/y").mkdir()
    for i in range(8):
        Image.new("L", (32, 32), i).save(f"other/{'xy'[i % 2]}/{i}.png")
    done = ganzoo_command(*WORDS, "--data", "digits", "--out", "new", "--validation", "other")
    assert (done.exit_code, "classes" in done.stderr) == (1, True)
    assert not Path("new").exists()


def test_what_cannot_be_scored_is_said_before_the_first_step(ganzoo_command):
    done = ganzoo_command(
        "train", "dcgan-mini", "--validation", "digits", "--data", "digits-photo:a", "--out", "new"
    )
    assert (done.exit_code, "dcgan-mini" in done.stderr) == (1, True)
    done = ganzoo_command(*WORDS, "--data", "digits", "--validation", "digits", "--out", "new")
    assert (done.exit_code, "digits" in done.stderr) == (1, True)
    done = ganzoo_command(
        *WORDS, "--data", "digits", "--set", "validation=0", "--eval-every", "2", "--out", "new"
    )
    assert (done.exit_code, "--eval-every" in done.stderr) == (2, True)
    assert not Path("new").exists()


def test_what_is_held_out_may_be_smaller_than_a_batch_and_come_from_python():
    images, labels = torch.rand(40, 1, 32, 32) * 2 - 1, torch.arange(40) % 4
    apart = TensorDataset(images[:5], labels[:5])
    trainer = trainer_of(
        finetune(classes=4, steps=2), TensorDataset(images, labels), validation=apart
    )
    list(trainer)
    assert set(trainer.evaluate().scores) == {"accuracy", "cross_entropy"}
    trainer.save("run")
    assert (
        json.loads(Path("run/config.json").read_text())["metrics"]["measured on"]
        == "the data passed in from Python"
    )
    data = TensorDataset(images, labels)
    with pytest.raises(ganzoo.StateError, match="validation"):
        ganzoo.Trainer.resume("run", data, device="cpu")
    assert ganzoo.Trainer.resume("run", data, validation=apart, device="cpu").steps_done == 2


def test_a_datasets_classes_are_held_out_in_equal_parts_where_they_are_known():
    labels = torch.tensor([0] * 20 + [1])
    for seed in range(5):
        data = TensorDataset(-torch.ones(21, 1, 32, 32), labels)
        trainer = trainer_of(finetune(classes=2, seed=seed, validation=0.5, batch_size=2), data)
        assert 20 in trainer.batches.subset


def test_classes_that_are_not_the_datas_are_refused_and_names_are_the_datas():
    with pytest.raises(ganzoo.HparamError, match=r"classes.*10"):
        trainer_of(finetune(classes=5))
    data = TensorDataset(-torch.ones(8, 1, 32, 32), torch.arange(8) % 4)
    with pytest.raises(ganzoo.DataError, match="label 3"):
        trainer_of(finetune(classes=3, validation=0.0), data)
    items = [(-torch.ones(1, 32, 32), 1 + i % 2) for i in range(8)]
    with pytest.raises(ganzoo.DataError, match="label 2"):
        list(trainer_of(finetune(classes=2, validation=0.0), items))
    model = finetune()
    model.classes = tuple("abcdefghij")
    assert trainer_of(model).model.classes == tuple("0123456789")


def test_a_networks_own_version_of_its_weights_is_kept():
    """MNASNet refuses weights that do not say of which version of it they are."""
    model = finetune(backbone="torchvision/mnasnet0_5", steps=2, unfreeze_at=(1.0,))
    trainer = trainer_of(model)
    next(trainer)
    trainer.save("run")
    assert equal(weights_of(ganzoo.load("run")), weights_of(model))


@pytest.mark.parametrize("name", ["torchvision/mobilenet_v3_small", "convnext_atto", "test_vit"])
def test_a_file_of_the_whole_network_fits_whatever_its_head_looks_like(name):
    """A transformer's is of another image size, too."""
    whole = (
        torchvision.models.mobilenet_v3_small()
        if name.startswith("torchvision")
        else timm.create_model(name)
    ).state_dict()
    save_file(
        {key: tensor.contiguous().clone() for key, tensor in whole.items()}, "whole.safetensors"
    )
    model = finetune(backbone=name, pretrained=True, checkpoint="whole.safetensors", image_size=64)
    found = model.classifier["backbone"].state_dict()
    same = [
        torch.equal(tensor, whole[key])
        for key, tensor in found.items()
        if tensor.shape == whole[key].shape
    ]
    assert all(same)
    assert len(same) >= len(found) - (name == "test_vit")


def test_weights_come_from_a_file_and_are_not_needed_again(ganzoo_command):
    torch.manual_seed(1)
    trained = timm.create_model("test_resnet", num_classes=7)
    save_file(trained.state_dict(), "backbone.safetensors")
    words = [word.replace("pretrained=false", "checkpoint=backbone.safetensors") for word in WORDS]
    words += ["--data", "digits", "--out", "run", "--set", "unfreeze_at=1"]
    assert ganzoo_command(*words).exit_code == 0
    Path("backbone.safetensors").unlink()
    found = load_file("run/model.safetensors")
    for name, tensor in trained.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(found[f"classifier.backbone.{name}"], tensor)
    assert ganzoo.load("run").first_weights == "backbone.safetensors"
    again = ganzoo_command(*words)
    assert (again.exit_code, "--out" in again.output) == (0, True)


def test_weights_of_another_network_are_refused():
    save_file(timm.create_model("resnet18").state_dict(), "other.safetensors")
    for name, expected in {
        "other.safetensors": "test_resnet",
        "none.safetensors": "none",
        "weights.pth": r"\.safetensors",
    }.items():
        with pytest.raises(ganzoo.DataError, match=expected):
            finetune(pretrained=True, checkpoint=name)
    Path("broken.safetensors").write_bytes(b"\x00" * 9)
    with pytest.raises(ganzoo.DataError, match="broken"):
        finetune(pretrained=True, checkpoint="broken.safetensors")
    with pytest.raises(ganzoo.HparamError, match="pretrained"):
        finetune(checkpoint="other.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["test_resnet", "torchvision/resnet18"])
def test_weights_that_cannot_be_had_are_one_line_with_the_way_out(backbone, process, tmp_path):
    code = f"""
import os
os.environ |= {{"HF_HUB_OFFLINE": "1", "HF_HOME": "hub", "TORCH_HOME": "hub", "http_proxy": "http://127.0.0.1:9"}}
os.environ["https_proxy"] = os.environ["http_proxy"]
from ganzoo.cli import main
settings = ["--set", "backbone={backbone}", "--set", "image_size=32"]
main(["train", "finetune", "--data", "digits", *settings])
"""
    done = process("-c", code, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert backbone in last
    assert "checkpoint=" in last
    assert "pretrained=false" in last
    assert not Path("runs").exists()


def test_torchvisions_networks_are_backbones_too():
    model = finetune(backbone="torchvision/resnet18")
    assert model.classifier["head"].in_features == 512
    plain = torchvision.models.resnet18()
    plain.fc = torch.nn.Identity()
    plain.load_state_dict(model.classifier["backbone"].state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(plain.eval()(x), model.classifier["backbone"].eval()(x))
    own = ganzoo.create(
        "finetune", backbone="torchvision/efficientnet_b1", pretrained=False, classes=3
    )
    assert own.hp.image_size == 240
    with pytest.raises(ganzoo.HparamError, match="squeezenet1_0"):
        finetune(backbone="torchvision/squeezenet1_0")


def test_size_and_normalisation_are_the_backbones_own():
    model = ganzoo.create("finetune", backbone="test_vit", pretrained=False, classes=3)
    known = timm.models.get_pretrained_cfg("test_vit")
    assert (model.hp.image_size, model.hp.channels) == (160, 3)
    assert model.mean.flatten().tolist() == pytest.approx(known.mean)
    assert model.std.flatten().tolist() == pytest.approx(known.std)
    assert model.logits(torch.zeros(2, 3, 160, 160)).shape == (2, 3)
    assert finetune(backbone="test_vit", image_size=64).logits(torch.zeros(2, 1, 64, 64)).shape == (
        2,
        10,
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"backbone": "resnet81"}, "did you mean 'resnet18'?"),
        ({"backbone": "torchvision/resnet81"}, "did you mean 'torchvision/resnet18'?"),
        ({"backbone": "resnet18.nope"}, "did you mean 'resnet18."),
        ({"backbone": "test_vit", "image_size": 50}, "50x50"),
        ({"batch_size": 1}, "batch_size=1"),
        ({"classes": 1}, "one class"),
        ({"unfreeze_at": (0.5, 0.2)}, "ascending"),
        ({"unfreeze_at": (1.5,)}, "unfreeze_at"),
        ({"unfreeze_at": ()}, "unfreeze_at"),
        ({"channels": 4}, "channels=4"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(settings, expected):
    with pytest.raises(ganzoo.UsageError) as caught:
        finetune(**settings)
    assert expected in str(caught.value)


def test_data_without_labels_or_with_one_class_is_one_line(ganzoo_command):
    Path("plain").mkdir(), Path("one/x").mkdir(parents=True)
    for i in range(8):
        Image.new("L", (32, 32), i).save(f"plain/{i}.png")
        Image.new("L", (32, 32), i).save(f"one/x/{i}.png")
    done = ganzoo_command(*WORDS, "--data", "plain", "--out", "new")
    assert (done.exit_code, "plain" in done.stderr) == (1, True)
    done = ganzoo_command(*WORDS, "--data", "one", "--out", "new")
    assert (done.exit_code, "one class" in done.stderr) == (2, True)
    assert not Path("new").exists()


def test_files_are_named_best_class_first(run, ganzoo_command):
    Path("digits/deep").mkdir(parents=True)
    for i, item in enumerate(ganzoo.datasets["digits"].load()("").items()[:4]):
        item.read().convert("RGB").resize((60, 40)).save(f"digits/{'deep/' * (i % 2)}{i}.png")
    done = ganzoo_command("classify", run, "digits", "--top", "3")
    assert done.exit_code == 0, done.stderr
    names = ["0.png", "2.png", "deep/1.png", "deep/3.png"]
    assert [line.partition(":")[0] for line in done.output.splitlines()] == names
    found = json.loads(ganzoo_command("classify", run, "digits", "--top", "20", "--json").output)
    assert [row["file"] for row in found] == names
    for row in found:
        scores = [one["score"] for one in row["classes"]]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1, abs=1e-5)
        assert {one["label"] for one in row["classes"]} == set("0123456789")
    (alone,) = json.loads(
        ganzoo_command("classify", run, "digits/0.png", "--json", "--top", "20").output
    )
    assert alone["classes"][0]["label"] == found[0]["classes"][0]["label"]
    assert alone["classes"][0]["score"] == pytest.approx(found[0]["classes"][0]["score"], abs=1e-5)


def test_files_are_prepared_as_those_of_the_training(run, ganzoo_command):
    """`classify` on a training image's file says what the model says on the image in its batch."""
    ganzoo.datasets["digits"].load()("").items()[7].read().save("one.png")
    said = json.loads(ganzoo_command("classify", run, "one.png", "--json", "--top", "10").output)[
        0
    ]["classes"]
    model = ganzoo.load(run)
    data = open_data("digits", model.hp, ganzoo.Labelled)
    images, _ = next(Batches(data, ganzoo.Labelled, 8, 0, torch.device("cpu")).one_epoch())
    expected = model.classify(images[7:])[0]
    for one in said:
        assert one["score"] == pytest.approx(expected[int(one["label"])].item(), abs=1e-5)


def test_what_is_no_picture_is_said_and_the_rest_is_named(run, ganzoo_command):
    Path("mixed").mkdir()
    Path("mixed/bad.png").write_bytes(b"nothing")
    Image.new("L", (32, 32)).save("mixed/good.png")
    done = ganzoo_command("classify", run, "mixed")
    assert done.exit_code == 1
    assert "bad.png" in done.stderr
    assert "good.png: " in done.output
    for words, expected in {
        ("mixed/bad.png",): "mixed/bad.png",
        ("nowhere",): "nowhere",
    }.items():
        done = ganzoo_command("classify", run, *words)
        assert done.exit_code == 1
        assert expected in done.stderr


def test_classify_takes_images_of_other_sizes_and_refuses_what_is_none(run):
    model = ganzoo.load(run)
    images = torch.rand(3, 1, 50, 50) * 2 - 1
    resized = interpolate(images, size=(32, 32), mode="bicubic", antialias=True).clamp(-1, 1)
    assert torch.equal(model.classify(images), model.classify(resized))
    assert model.classify(images[:0]).shape == (0, 10)
    assert model.classes == tuple("0123456789")
    assert torch.equal(model.classify(images[0]), model.classify(images[:1]))
    for wrong in (images[..., :40], images.repeat(1, 3, 1, 1), images.long()):
        with pytest.raises(ganzoo.UsageError, match="finetune"):
            model.classify(wrong)
    with pytest.raises(ganzoo.Unsupported, match="dcgan-mini"):
        ganzoo.create("dcgan-mini").classify(images)
    with pytest.raises(ganzoo.Unsupported, match="finetune"):
        model.sample(1)


def test_a_backbone_trained_on_other_classes_starts_the_next(run, ganzoo_command, monkeypatch):
    Path("two/x").mkdir(parents=True), Path("two/y").mkdir()
    for i in range(12):
        Image.new("L", (32, 32), 20 * i).save(f"two/{'xy'[i % 2]}/{i}.png")
    words = [
        word.replace("pretrained=false", "pretrained=true") for word in WORDS
    ]  # and nothing is downloaded
    words += ["--data", "two", "--out", "second", "--set", "unfreeze_at=1"]
    monkeypatch.setattr(
        "ganzoo_finetune.backbones.Backbone.pretrained",
        lambda *_: pytest.fail("it asked for a download"),
    )
    done = ganzoo_command(*words, "--from", run)
    assert done.exit_code == 1
    assert all(word in done.stderr for word in ("classifier.head.weight", "(10, 96)", "(2, 96)")), (
        done.stderr
    )
    done = ganzoo_command(*words, "--from", run, "--partial")
    assert done.exit_code == 0, done.stderr
    first, second = load_file(run / "model.safetensors"), load_file("second/model.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first if ".backbone." in name)


def test_a_confusion_matrix_is_a_picture_of_its_counts():
    table = torch.tensor([[4, 0], [1, 3]])
    picture = confusion(table, ("cat", "dog"))
    grey, start = picture.convert("L"), picture.height - 10 - 2 * 28
    corners = [
        (start + column * 28 + 2, start + row * 28 + 2) for row in range(2) for column in range(2)
    ]
    darkness = [255 - grey.getpixel(corner) for corner in corners]
    assert darkness[0] > darkness[3] > darkness[2] > darkness[1] == 0
    assert confusion(torch.eye(100, dtype=torch.long), [str(i) for i in range(100)]).width < 900


def test_the_old_name_of_frozen_blocks_is_read():
    kind = ganzoo.models["finetune"].load()
    assert kind.Hparams.from_json({"freeze": 3}) == kind.Hparams(frozen_blocks=3)
