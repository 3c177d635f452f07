"""CycleGAN and pix2pix against their papers, and as translators of files."""

import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensors import assert_same_weights, parameter_count
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss, softplus

import ganzoo
from ganzoo.data.open import open_data
from ganzoo.seeds import rng, seeded

MINI = {
    "image_size": 16,
    "width": 4,
    "blocks": 1,
    "patch_layers": 1,
    "batch_size": 2,
    "steps": 6,
    "pool_size": 3,
}
WORDS = [word for key, value in MINI.items() for word in ("--set", f"{key}={value}")]


# The networks, stated once more: the authors' names of layers, from the appendix of the paper


class TheirBlock(nn.Module):
    def __init__(self, channels, dropout):
        super().__init__()
        layers = [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
        ]
        layers += [nn.Dropout(0.5)] if dropout else []
        layers += [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        ]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class TheirGenerator(nn.Module):
    def __init__(self, width, blocks, dropout=False):
        super().__init__()
        w = width
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, w, 7), nn.InstanceNorm2d(w), nn.ReLU(True)]
        for i in (1, 2):
            layers += [
                nn.Conv2d(w * i, w * i * 2, 3, stride=2, padding=1),
                nn.InstanceNorm2d(w * i * 2),
                nn.ReLU(True),
            ]
        layers += [TheirBlock(4 * w, dropout) for _ in range(blocks)]
        for i in (4, 2):
            up = nn.ConvTranspose2d(w * i, w * i // 2, 3, stride=2, padding=1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(w * i // 2), nn.ReLU(True)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh())

    def forward(self, x):
        return self.model(x)


class TheirDiscriminator(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        w, found = width, [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        for i in range(1, layers + 1):
            wide = width * min(2**i, 8)
            found += [
                nn.Conv2d(w, wide, 4, 2 if i < layers else 1, 1),
                nn.InstanceNorm2d(wide),
                nn.LeakyReLU(0.2, True),
            ]
            w = wide
        self.model = nn.Sequential(*found, nn.Conv2d(w, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


def test_the_networks_have_the_published_numbers_of_parameters():
    with torch.device("meta"):
        kind = ganzoo.models["cyclegan"].load()
        model = kind(kind.Hparams())
        paired = ganzoo.models["pix2pix"].load()
        pix2pix = paired(paired.Hparams())
    for direction in ("a2b", "b2a"):
        assert parameter_count(model.generators[direction]) == 11_378_179
    for domain in "ab":
        assert parameter_count(model.discriminators[domain]) == 2_764_737
    assert parameter_count(pix2pix.generator) == 54_413_955
    assert parameter_count(pix2pix.discriminator) == 2_768_705


def test_every_layer_has_the_shape_that_the_paper_gives():
    """c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3; C64-C128-C256-C512 (appendix 7.2)."""
    with torch.device("meta"):
        kind = ganzoo.models["cyclegan"].load()
        model = kind(kind.Hparams())
        x, shapes = torch.zeros(1, 3, 256, 256), []
        for layer in model.generators["a2b"]:
            x = layer(x)
            if not isinstance(layer, nn.ReflectionPad2d | nn.InstanceNorm2d | nn.ReLU | nn.Tanh):
                shapes.append(tuple(x.shape[1:]))
        judged, x = [], torch.zeros(1, 3, 256, 256)
        for layer in model.discriminators["a"]:
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                judged.append(tuple(x.shape[1:]))
    down = [(64, 256, 256), (128, 128, 128), (256, 64, 64)]
    assert shapes == [*down, *[(256, 64, 64)] * 9, (128, 128, 128), (64, 256, 256), (3, 256, 256)]
    assert judged == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 31, 31), (1, 30, 30)]


@pytest.mark.parametrize(("layers", "expected"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_of_the_discriminator_sees_so_many_pixels(layers, expected):
    model = ganzoo.create("cyclegan", width=2, blocks=1, patch_layers=layers, image_size=128)
    judge = nn.Sequential(
        *[layer for layer in model.discriminators["a"] if not isinstance(layer, nn.InstanceNorm2d)]
    )
    image = torch.randn(1, 3, 128, 128, requires_grad=True)  # norms see all of it, and are left out
    logits = judge(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    rows, columns = image.grad[0].abs().sum(0).nonzero().T
    assert int(rows.max() - rows.min()) + 1 == int(columns.max() - columns.min()) + 1 == expected


@pytest.mark.parametrize("size", [32, 64, 100, 128, 256])
def test_what_comes_out_has_the_size_of_what_goes_in(size):
    model = ganzoo.create("cyclegan", width=2, blocks=1, image_size=256)
    images = torch.rand(1, 3, size, size) * 2 - 1
    assert model.generators["a2b"](images).shape == images.shape
    unet = ganzoo.create("pix2pix", width=2, image_size=32)
    assert unet.translate(images).shape == images.shape


def test_sizes_that_are_no_multiple_of_4_are_padded_and_cut_back():
    model = ganzoo.create("cyclegan", **MINI)
    images = torch.rand(2, 3, 21, 34) * 2 - 1
    made = model.translate(images, direction="b2a")
    padded = torch.cat([images, images[..., -1:].expand(2, 3, 21, 2)], dim=3)
    padded = torch.cat([padded, padded[:, :, -1:].expand(2, 3, 3, 36)], dim=2)
    assert torch.equal(made, model.generators["b2a"](padded)[..., :21, :34])
    assert model.translate(torch.zeros(1, 3, 1, 1)).shape == (1, 3, 1, 1)


def pooled(pool, fakes, draws, size):
    """The paper's pool, as a Python list."""
    shown = []
    for fake, (whether, which) in zip(fakes, draws.tolist(), strict=True):
        if len(pool) < size:
            pool.append(fake)
            shown.append(fake)
        elif whether >= 0.5:
            place = int(which * size)
            shown.append(pool[place])
            pool[place] = fake
        else:
            shown.append(fake)
    return torch.stack(shown)


def by_hand(model, batches, steps):
    """The loop of the paper in plain PyTorch: sections 3, 4 and 7.1."""
    hp = model.hp
    g, d = copy.deepcopy(model.generators), copy.deepcopy(model.discriminators)
    adam_g, adam_d = (torch.optim.Adam(network.parameters(), hp.lr, hp.betas) for network in (g, d))
    pools = {"a": [], "b": []}
    for step in range(steps):
        for adam in (adam_g, adam_d):
            adam.param_groups[0]["lr"] = hp.lr * min(1.0, 2 - 2 * step / hp.steps)
        a, b = batches[step]
        draws = rng("draws", hp.seed, step)
        fake_b, fake_a = g["a2b"](a), g["b2a"](b)
        judged_b, judged_a = d["b"](fake_b), d["a"](fake_a)
        loss = mse_loss(judged_b, torch.ones_like(judged_b)) + mse_loss(
            judged_a, torch.ones_like(judged_a)
        )
        turned = fake_b
        if hp.invert_probability:
            negative = torch.rand(len(a), 1, 1, 1, generator=draws) < hp.invert_probability
            turned = torch.where(negative, -fake_b, fake_b)
        loss = loss + 10 * l1_loss(g["b2a"](turned), a) + 10 * l1_loss(g["a2b"](fake_a), b)
        loss = loss + 5 * l1_loss(g["b2a"](a), a) + 5 * l1_loss(g["a2b"](b), b)
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        shown = {
            "a": pooled(
                pools["a"], fake_a.detach(), torch.rand(len(a), 2, generator=draws), hp.pool_size
            ),
            "b": pooled(
                pools["b"], fake_b.detach(), torch.rand(len(b), 2, generator=draws), hp.pool_size
            ),
        }
        adam_d.zero_grad()
        loss = 0
        for domain, real in (("a", a), ("b", b)):
            on_real, on_fake = d[domain](real), d[domain](shown[domain])
            loss = loss + mse_loss(on_real, torch.ones_like(on_real)) / 2
            loss = loss + mse_loss(on_fake, torch.zeros_like(on_fake)) / 2
        loss.backward()
        adam_d.step()
    return g, d


@pytest.mark.parametrize(("steps", "negatives"), [(1, 0.0), (6, 0.0), (6, 0.5)])
def test_training_equals_a_loop_written_by_hand_bit_for_bit(steps, negatives):
    model = ganzoo.create(
        "cyclegan",
        **{**MINI, "steps": 6},
        identity_weight=0.5,
        invert_probability=negatives,
        seed=3,
    )
    trainer = ganzoo.Trainer(model, "digits-photo", device="cpu")
    g, d = by_hand(model, trainer.batches, steps)
    for _ in range(steps):
        next(trainer)
    for ours, theirs in ((model.generators, g), (model.discriminators, d)):
        assert_same_weights(ours, theirs)


def test_the_pool_gives_back_half_of_what_it_is_shown_and_keeps_the_rest():
    from ganzoo_cyclegan.translator import ImagePool

    pool, kept = ImagePool(4), []
    for step in range(50):
        fakes = torch.full((2, 1, 2, 2), float(step)) + torch.tensor([0.0, 0.5]).view(2, 1, 1, 1)
        draws = torch.rand(2, 2, generator=rng("test", step))
        shown = pool.exchange(fakes, draws, seen=2 * step)
        assert torch.equal(shown, pooled(kept, fakes, draws, 4))
        assert torch.equal(pool.images[: len(kept)], torch.stack(kept))
    assert torch.equal(ImagePool(0).exchange(fakes, draws, seen=9), fakes)


def test_published_weights_do_not_contain_the_pool_and_training_state_does(tmp_path):
    from safetensors.torch import load_file

    trainer = ganzoo.Trainer(ganzoo.create("cyclegan-mini", **MINI), "digits-photo", device="cpu")
    for _ in range(3):
        next(trainer)
    trainer.save(tmp_path / "run")
    assert not [name for name in load_file(tmp_path / "run/model.safetensors") if "pool" in name]
    saved = load_file(tmp_path / "run/train/step-000003/training.safetensors")
    for domain in "ab":
        (name,) = (name for name in saved if f"pools.{domain}" in name)
        assert torch.equal(saved[name], trainer.model.pools[domain].images)
        assert saved[name].any()


def test_pix2pix_equals_a_loop_written_by_hand_bit_for_bit():
    settings = {
        "image_size": 16,
        "load_size": 18,
        "width": 4,
        "patch_layers": 1,
        "batch_size": 2,
        "steps": 4,
    }
    model = ganzoo.create("pix2pix", **settings)
    source = torch.randint(0, 256, (6, 3, 18, 18), dtype=torch.uint8)
    trainer = ganzoo.Trainer(model, (source, 255 - source), device="cpu")
    g, d = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    adam_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    for step in range(3):
        for adam in (adam_g, adam_d):
            adam.param_groups[0]["lr"] = 2e-4 * min(1.0, 2 - 2 * step / 4)
        given, target = trainer.batches[step]
        with seeded("step", 0, step, device=torch.device("cpu")):  # for dropout
            fake = g(given)
        on_real = d(torch.cat([given, target], 1))
        on_fake = d(torch.cat([given, fake.detach()], 1))
        loss = softplus(-on_real).mean() / 2 + softplus(on_fake).mean() / 2
        entropy = binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real)) / 2
        entropy += binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake)) / 2
        torch.testing.assert_close(loss, entropy)
        adam_d.zero_grad()
        loss.backward()
        adam_d.step()
        on_fake = d(torch.cat([given, fake], 1))
        loss = softplus(-on_fake).mean() + 100 * l1_loss(fake, target)
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        next(trainer)
    for ours, theirs in ((model.generator, g), (model.discriminator, d)):
        assert_same_weights(ours, theirs)


def test_pix2pix_can_learn_from_right_to_left():
    model = ganzoo.create("pix2pix", image_size=16, width=2, patch_layers=1, direction="b2a")
    pair = ganzoo.Pair(torch.zeros(1), torch.ones(1))
    assert [float(side) for side in model.ordered(pair)] == [1, 0]
    assert model.directions == ("b2a",)


def without(module, part):
    return {name: tensor for name, tensor in module.state_dict().items() if part not in name}


def cast(module, dtype=torch.float32, *, nan=False):
    found = {name: tensor.to(dtype) for name, tensor in module.state_dict().items()}
    return {name: tensor * float("nan") for name, tensor in found.items()} if nan else found


def save(module, path):
    torch.save(module.state_dict(), path)
    return path


@pytest.mark.parametrize("dropout", [False, True])
def test_the_authors_weights_are_read_and_translate_identically(tmp_path, ganzoo_command, dropout):
    torch.manual_seed(0)
    nets = {name: TheirGenerator(6, 2, dropout) for name in ("G_A", "G_B")}
    nets |= {name: TheirDiscriminator(6, 3) for name in ("D_A", "D_B")}
    files = [save(net, tmp_path / f"latest_net_{name}.pth") for name, net in nets.items()]
    done = ganzoo_command("import", "cyclegan", *files, "--out", "horse")
    assert done.exit_code == 0, done.output
    assert "60 of 60" in done.output
    assert "discriminators" not in done.output
    model = ganzoo.load("horse")
    assert (model.hp.width, model.hp.blocks, model.hp.channels, model.hp.patch_layers) == (
        6,
        2,
        3,
        3,
    )
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    for net in nets.values():
        net.eval()
    assert torch.equal(model.translate(images, "a2b"), nets["G_A"](images))
    assert torch.equal(model.translate(images, "b2a"), nets["G_B"](images))
    assert torch.equal(model.discriminators["b"](images), nets["D_A"](images))
    assert torch.equal(model.discriminators["a"](images), nets["D_B"](images))
    assert "translate(images" in Path("horse/README.md").read_text()


def test_generators_alone_are_enough_and_old_norms_statistics_are_left_out(
    tmp_path, ganzoo_command
):
    for name in ("G_A", "G_B"):
        tensors = {
            f"module.{key}": value for key, value in TheirGenerator(4, 1).state_dict().items()
        }
        tensors["module.model.2.running_mean"] = torch.zeros(4)
        torch.save(tensors, tmp_path / f"latest_net_{name}.pth")
    done = ganzoo_command("import", "cyclegan", *sorted(tmp_path.glob("*.pth")), "--out", "run")
    assert done.exit_code == 0, done.output
    assert "discriminators.a" in done.output
    refused = ganzoo_command("import", "cyclegan", *sorted(tmp_path.glob("*.pth")), "--out", "run")
    assert refused.exit_code == 2
    assert "--out run" in refused.stderr


class Evil:
    def __reduce__(self):
        return os.mkdir, ("hacked",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"not a checkpoint"), "code"),
        (lambda path: torch.save(Evil(), path), "code"),
        (lambda path: torch.save([1, 2], path), "state dict"),
        (lambda path: torch.save({}, path), "state dict"),
        (lambda path: save(TheirGenerator(4, 2), path), "generators.b2a.11.body.1.weight"),
        (
            lambda path: torch.save(without(TheirGenerator(4, 1), "model.14"), path),
            "generators.b2a.14.weight",
        ),
        (lambda path: torch.save(without(TheirGenerator(4, 1), "_block.5.b"), path), "body.5.bias"),
        (lambda path: torch.save(cast(TheirGenerator(4, 1), torch.int64), path), "int64"),
        (lambda path: torch.save(cast(TheirGenerator(4, 1), nan=True), path), "finite"),
        (lambda path: torch.save({0: torch.zeros(2)}, path), "state dict"),
        (lambda path: save(TheirGenerator(8, 1), path), "(8, 3, 7, 7)"),
        (
            lambda path: torch.save({"odd.weight": torch.zeros(2)}, path),
            "generators.b2a.odd.weight",
        ),
        (lambda path: torch.save({"model.model.0.weight": torch.zeros(2)}, path), "U-Net"),
        (lambda path: None, "No such file"),
    ],
)
def test_weights_that_do_not_fit_are_one_line_and_nothing_is_written(
    tmp_path, ganzoo_command, make, message
):
    save(TheirGenerator(4, 1), tmp_path / "latest_net_G_A.pth")
    make(tmp_path / "latest_net_G_B.pth")
    files = [tmp_path / "latest_net_G_A.pth", tmp_path / "latest_net_G_B.pth"]
    done = ganzoo_command("import", "cyclegan", *files, "--out", "run")
    assert done.exit_code == 1
    assert message in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("run").exists()
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [(["latest_net_G_A.pth"], "_net_G_B"), (["latest.pth"], "_net_D_B")],
)
def test_which_network_a_file_is_stands_in_its_name(tmp_path, ganzoo_command, names, message):
    files = [save(TheirGenerator(4, 1), tmp_path / name) for name in names]
    done = ganzoo_command("import", "cyclegan", *files, "--out", "run")
    assert (done.exit_code, message in done.stderr) == (1, True), done.stderr
    other = ganzoo_command("import", "dcgan", *files, "--out", "run")
    assert (other.exit_code, "DCGAN" in other.stderr) == (1, True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of some steps."""
    run = tmp_path_factory.mktemp("trained") / "run"
    trainer = ganzoo.Trainer(
        ganzoo.create("cyclegan-mini", **MINI),
        open_data("digits-photo", ganzoo.create("cyclegan-mini", **MINI).hp, ganzoo.Domains),
        device="cpu",
    )
    for _ in range(2):
        next(trainer)
    trainer.save(run)
    return run


def photos(folder):
    """Pictures as people have them."""
    folder.mkdir()
    (folder / "deep").mkdir()
    random = np.random.default_rng(0)
    for name, size, mode in [
        ("holiday.jpg", (37, 23), "RGB"),
        ("deep/grey.png", (16, 16), "L"),
        ("alpha.png", (9, 30), "RGBA"),
        ("old.gif", (20, 20), "P"),
    ]:
        pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / name)
    return folder


def test_a_folder_of_any_sizes_is_translated_under_its_own_names(trained, tmp_path, ganzoo_command):
    folder = photos(tmp_path / "photos")
    done = ganzoo_command("translate", trained, folder, "out", "--direction", "b2a")
    assert done.exit_code == 0, done.output
    assert "4 of 4" in done.output
    made = sorted(
        path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()
    )
    assert made == ["alpha.png", "deep/grey.png", "holiday.jpg", "old.gif.png"]
    for name in ("alpha.png", "holiday.jpg"):
        with Image.open(folder / name) as before, Image.open(Path("out", name)) as after:
            assert before.size == after.size
    with Image.open(folder / "deep/grey.png") as picture:
        pixels = torch.from_numpy(np.asarray(picture.convert("RGB")).copy()).permute(2, 0, 1)[None]
    expected = ganzoo.to_pil(ganzoo.load(trained).translate(pixels.float() / 127.5 - 1, "b2a"))[0]
    with Image.open("out/deep/grey.png") as after:
        assert np.array_equal(np.asarray(after), np.asarray(expected))


def test_a_file_is_translated_into_a_file_or_a_folder(trained, tmp_path, ganzoo_command):
    source = photos(tmp_path / "photos") / "holiday.jpg"
    assert (
        ganzoo_command("translate", trained, source, "small.png", "--max-side", 20).exit_code == 0
    )
    with Image.open("small.png") as small:
        assert small.size == (20, 12)
    Path("into").mkdir()
    assert ganzoo_command("translate", trained, source, "into").exit_code == 0
    assert Path("into/holiday.jpg").exists()
    for out, message in [(source, "holiday.jpg"), ("a.mp4", ".png")]:
        done = ganzoo_command("translate", trained, source, out)
        assert done.exit_code == 2
        assert message in done.stderr
    done = ganzoo_command("translate", trained, source.parent, source.parent)
    assert (done.exit_code, str(source.parent) in done.stderr) == (2, True)


def test_bad_input_to_translate_is_one_line(trained, tmp_path, ganzoo_command):
    folder = photos(tmp_path / "photos")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "words.txt").write_text("words")
    (tmp_path / "empty").mkdir()
    for words, code, message in [
        ((trained, folder, "out", "--direction", "c2d"), 2, "a2b, b2a"),
        ((trained, tmp_path / "words.txt", "out"), 1, "words.txt"),
        ((trained, tmp_path / "empty", "out"), 1, "empty"),
        ((trained, tmp_path / "nothing", "out"), 1, "nothing"),
        ((tmp_path / "no-run", folder, "out"), 1, "no-run"),
    ]:
        done = ganzoo_command("translate", *words)
        assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not Path("out").exists()
    done = ganzoo_command("translate", trained, folder, "out")
    assert done.exit_code == 1
    assert "broken.jpg" in done.stderr
    assert "4 of 5" in done.output
    trainer = ganzoo.Trainer(
        ganzoo.create("dcgan-mini", image_size=8, width=2), "digits", device="cpu"
    )
    next(trainer)
    trainer.save("digits-run")
    done = ganzoo_command("translate", "digits-run", folder, "out2")
    assert done.exit_code == 1
    assert "dcgan-mini" in done.stderr
    done = ganzoo_command("sample", trained)
    assert (done.exit_code, "cyclegan-mini" in done.stderr) == (1, True)
    model = ganzoo.load(trained)
    with pytest.raises(ganzoo.UsageError, match=r"\(2, 1, 8, 8\)"):
        model.translate(torch.zeros(2, 1, 8, 8))


def test_grey_tensors_for_a_model_in_colour_are_refused():
    grey = torch.zeros(4, 1, 16, 16, dtype=torch.uint8)
    with pytest.raises(ganzoo.DataError, match="channels"):
        ganzoo.Trainer(ganzoo.create("cyclegan-mini", **MINI), (grey, grey))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("cyclegan", {"image_size": 30}, "image_size.*30"),
        ("pix2pix", {"image_size": 96}, "64.*128"),
        ("cyclegan", {"image_size": 16}, "patch_layers"),
        ("cyclegan", {"generator": "transformer"}, "transformer"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, settings, message):
    with pytest.raises(ganzoo.HparamError, match=message):
        ganzoo.create(name, **settings)


def test_trained_on_a_folder_the_picture_shows_all_for_both_directions(tmp_path, ganzoo_command):
    for domain in "AB":
        (tmp_path / "two" / domain).mkdir(parents=True)
        for i in range(9):
            Image.new("RGB", (20, 20), (200 if domain == "A" else 0, 10 * i, 50)).save(
                tmp_path / f"two/{domain}/{i}.png"
            )
    words = ["--data", tmp_path / "two", *WORDS, "--set", "batch_size=1", "--set", "load_size=18"]
    done = ganzoo_command("train", "cyclegan", *words)
    assert done.exit_code == 0, done.output
    assert "ganzoo translate runs/cyclegan" in done.output
    with Image.open("runs/cyclegan/samples.png") as picture:
        columns, rows = 8, 8
        factor = picture.width // (columns * 18 + 2)
        assert picture.size == (factor * (columns * 18 + 2), factor * (rows * 18 + 2))
        assert (
            picture.getpixel((factor * 5, factor * 5))[0] > 150
        )  # A in the first column, B in the fifth
        assert picture.getpixel((factor * (4 * 18 + 5), factor * 5))[0] < 100
    assert json.loads(Path("runs/cyclegan/config.json").read_text())["task"] == "image-to-image"


@pytest.mark.parametrize(
    "settings", [("pix2pix", {}), ("cyclegan", {"generator": "unet", "load_size": 16})]
)
def test_at_its_own_size_a_u_net_sees_the_picture_and_nothing_else(settings):
    name, more = settings
    model = ganzoo.create(name, image_size=16, width=2, patch_layers=1, **more).eval()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    rng = model.network(model.directions[0])
    assert torch.equal(model.translate(images), rng(images))


def test_a_resnet_of_pix2pix_has_its_norms_and_its_dropout():
    model = ganzoo.create(
        "pix2pix", generator="resnet", image_size=16, width=2, blocks=1, patch_layers=1
    )
    norms = [layer for layer in model.generator.modules() if isinstance(layer, nn.InstanceNorm2d)]
    assert all(norm.affine for norm in norms)
    assert sum(isinstance(layer, nn.Dropout) for layer in model.generator.modules()) == 1


def test_the_picture_of_pix2pix_has_a_row_for_what_is_given_made_and_wanted():
    model = ganzoo.create("pix2pix", image_size=16, width=2, patch_layers=1)
    pair = ganzoo.Pair(torch.full((8, 3, 16, 16), -1.0), torch.full((8, 3, 16, 16), 1.0))
    shown = model.preview(pair)
    assert len(shown) == 24
    assert (shown[:8] == -1).all()
    assert (shown[16:] == 1).all()


def test_weights_inside_a_checkpoint_of_lightning_are_found_and_two_of_one_network_refused(
    tmp_path, ganzoo_command
):
    for name in ("G_A", "G_B"):
        torch.save(
            {"state_dict": TheirGenerator(4, 1).state_dict(), "epoch": 3},
            tmp_path / f"latest_net_{name}.pth",
        )
    files = sorted(tmp_path.glob("*.pth"))
    assert ganzoo_command("import", "cyclegan", *files, "--out", "run").exit_code == 0
    twice = save(TheirGenerator(4, 1), tmp_path / "5_net_G_A.pth")
    done = ganzoo_command("import", "cyclegan", *files, twice, "--out", "other")
    assert done.exit_code == 1
    assert "5_net_G_A" in done.stderr
    Path("here").mkdir()
    os.chdir("here")
    # the shell stands in that folder, which a finished one would replace
    assert ganzoo_command("import", "cyclegan", *files, "--out", ".").exit_code == 2


def test_nothing_takes_the_place_of_what_is_translated(trained, tmp_path, ganzoo_command):
    folder = photos(tmp_path / "photos")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for out in (folder, folder / "deep", folder / "new"):
        done = ganzoo_command("translate", trained, folder, out)
        assert done.exit_code == 2
        assert str(out) in done.stderr
    (folder / "old.gif.png").write_bytes((folder / "alpha.png").read_bytes())
    done = ganzoo_command("translate", trained, folder, "out")
    assert done.exit_code == 2
    assert "old.gif.png" in done.stderr
    assert not Path("out").exists()
    assert {path: path.read_bytes() for path in before} == before


def test_what_systems_hide_is_left_alone_and_odd_names_are_written(
    trained, tmp_path, ganzoo_command
):
    folder = photos(tmp_path / "photos")
    (folder / ".DS_Store").write_bytes(b"Bud1")
    (folder / "two\nlines.png").write_bytes((folder / "alpha.png").read_bytes())
    for _ in range(2):
        done = ganzoo_command("translate", trained, folder, "out")
        assert done.exit_code == 0, done.output
        assert "5 of 5" in done.output
        assert "4" in done.output  # of them had to be converted


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("x" * 300, "out.png", "File name too long"),
        ("wide.png", "y" * 300 + ".png", "File name too long"),
        ("wide.png", "wide.webp", "16400x8"),
    ],
)
def test_paths_and_sizes_that_cannot_be_are_one_line(trained, ganzoo_command, source, out, message):
    Image.new("RGB", (16400, 8)).save("wide.png")
    done = ganzoo_command("translate", trained, source, out)
    assert done.exit_code in (1, 2)
    assert message in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "images", [torch.zeros(1, 3, 8, 8, dtype=torch.int64), torch.zeros(1, 3, 0, 8)]
)
def test_tensors_that_are_no_images_are_refused(images):
    with pytest.raises(ganzoo.UsageError, match=r"\[-1, 1\]"):
        ganzoo.create("cyclegan-mini", **MINI).translate(images)


def test_half_the_losses_are_not_rounded_to_bf16():
    model = ganzoo.create("cyclegan-mini", **MINI)
    step = next(ganzoo.Trainer(model, "digits-photo", device="cpu", precision="bf16"))
    assert {loss.dtype for loss in step.losses.values()} == {torch.float32}


def test_grey_pictures_for_a_model_in_colour_are_said(tmp_path, caplog):
    for i in range(3):
        Image.new("L", (20, 20), 60 * i).save(tmp_path / f"{i}.png")
    hp = ganzoo.create("dcgan", image_size=8, width=2, batch_size=2).hp
    open_data(str(tmp_path), hp)
    (note,) = caplog.messages
    assert "channels" in note
