"""Runs the README's code, with fewer steps."""

import pages

import ganzoo

README = pages.README.read_text(encoding="utf-8")
BLOCKS = [block.code for block in pages.blocks_of(pages.README) if block.language == "python"]


def block_with(words):
    (block,) = (block for block in BLOCKS if words in block)
    return block


def test_the_thirty_seconds(capsys):
    code = (
        block_with("ganzoo.list_models")
        .replace("steps=200", "steps=2, width=4")
        .replace("steps=400", "steps=4")
        .replace("% 50", "% 1")
    )
    names = {}
    exec(code, names)  # noqa: S102  (our own README)
    assert "'discriminator/real'" in capsys.readouterr().out
    assert names["model"].hp.steps == 2
    assert names["trainer"].steps_done == 2
    assert [picture.size for picture in names["pictures"]] == [(32, 32)] * 8


def test_published_weights():
    names = {"ganzoo": ganzoo}
    exec(block_with("pretrained=True"), names)  # noqa: S102  (our own README)
    assert names["model"].sample(1).isfinite().all()


def test_every_block_of_python_is_run():
    assert len(BLOCKS) == 3


def test_your_own_model(distribution, ganzoo_command):
    distribution("my-package", {"my-gan": "my_gan:MyGAN"}, my_gan=block_with("class MyGAN"))
    assert 'my-gan = "my_gan:MyGAN"' in README
    outputs = []
    for command in ("list", "train my-gan --data digits --set steps=3", "sample runs/my-gan"):
        done = ganzoo_command(*command.split())
        assert done.exit_code == 0, done.output
        outputs.append(done.output)
    assert "linear" in outputs[0]
    assert ganzoo.load("runs/my-gan").hp.image_size == 32
