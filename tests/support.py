"""What tests share: small settings of models, and a way to kill a training."""

import signal

SETTINGS = ["image_size=8", "channels=1", "width=4", "batch_size=8"]
"""Settings of dcgan-mini that make a step a matter of milliseconds."""
TINY_SETTINGS = [word for setting in SETTINGS for word in ("--set", setting)]
TINY = ["--data", "digits", *TINY_SETTINGS]
"""Options of `ganzoo train dcgan-mini` with these settings, on digits."""

TRANSLATOR = {"image_size": 16, "width": 2, "patch_layers": 1}
SMALL = {
    "attribute-dcgan": {"image_size": 8, "channels": 1, "width": 4},
    "dcgan": {"image_size": 8, "channels": 1, "width": 4},
    "dcgan-mini": {"image_size": 16, "channels": 1, "width": 4},
    "cdcgan": {"image_size": 8, "channels": 1, "width": 4},
    "cdcgan-mini": {"image_size": 16, "channels": 1, "width": 4},
    "cyclegan": {**TRANSLATOR, "load_size": 18, "blocks": 1, "pool": 3},
    "cyclegan-mini": {**TRANSLATOR, "blocks": 1, "pool": 3},
    "finetune": {
        "backbone": "test_resnet",
        "pretrained": False,
        "image_size": 32,
        "channels": 1,
        "unfreeze_at": (0.5,),
    },
    "cut": {**TRANSLATOR, "load_size": 18, "blocks": 1, "patches": 8, "features": 4},
    "lsgan": {"image_size": 8, "channels": 1, "width": 4},
    "pix2pix": {**TRANSLATOR, "load_size": 18},
    "pix2pix-mini": TRANSLATOR,
    "r3gan": {"image_size": 8, "channels": 1, "width": 8, "group_size": 4, "blocks": 1},
    "sngan": {"image_size": 8, "channels": 1, "width": 4, "critic_steps": 2},
    "wgan-gp": {"image_size": 8, "channels": 1, "width": 4, "critic_steps": 2},
}


def kill_after(count, running):
    """Kills a training as soon as its n-th report is read."""
    for line in running.stdout:
        count -= line.startswith("step ")
        if not count:
            running.kill()
            break
    running.communicate(timeout=120)
    assert running.returncode == -signal.SIGKILL


def write_metadata(site, name, version, entry_points):
    """Writes a dist-info of entry points: `{"ganzoo.models": {"model": "module:Class"}}`."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, entries in entry_points.items():
        lines += [f"[{group}]", *(f"{entry} = {target}" for entry, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
