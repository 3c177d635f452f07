"""A stranger's files load as they are meant or end in a GanzooError, within bounds."""

import hashlib
import json
import resource
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

import ganzoo

OLD = Path(__file__).parent / "format-1"
"""The published part of a run of format 1, by ganzoo 0.1.0, before it had scores."""
ROOM = 2**30
"""Bytes of address space that loading may take."""

settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("same")


@pytest.fixture
def bounded():
    """Allocations beyond ROOM fail inside the test."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Path(shutil.copytree(OLD, tmp_path_factory.mktemp("stranger") / "run"))


def outcome(folder):
    """The model, or None when it was refused in a way that a person can read."""
    try:
        return ganzoo.load(folder)
    except ganzoo.GanzooError as error:
        assert str(error)  # noqa: PT017  (either outcome is right)
        return None


def put(folder, config, weights):
    (folder / "config.json").write_bytes(config)
    (folder / "model.safetensors").write_bytes(weights)


CONFIG, WEIGHTS = (OLD / "config.json").read_bytes(), (OLD / "model.safetensors").read_bytes()
HEADER_SIZE = struct.unpack("<Q", WEIGHTS[:8])[0]
HEADER, BODY = json.loads(WEIGHTS[8 : 8 + HEADER_SIZE]), WEIGHTS[8 + HEADER_SIZE :]
numbers = (
    st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([10**9, 10**400, -1, 0, 1, 2, 64])
)
values = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | st.text(max_size=8)
    | st.sampled_from(["ganzoo", "F32", "dcgan", "../x"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)


def paths(document, here=()):
    yield here
    if isinstance(document, dict | list):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from paths(document[key], (*here, key))


def replaced(document, path, value):
    if not path:
        return value
    copy = json.loads(json.dumps(document))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return copy


def at_random(data, document):
    """The document with one to three of its parts replaced by something else."""
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(paths(document), key=str)))
        document = replaced(document, path, data.draw(values))
    return document


def altered(data, header):
    """The header with another type, shape, place or name for one to three of its tensors."""
    header = json.loads(json.dumps(header))
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(set(header) - {"__metadata__"})))
        entry = header[name]
        what = data.draw(st.sampled_from(["dtype", "shape", "data_offsets", "swap", "name"]))
        if what == "dtype":
            entry["dtype"] = data.draw(
                st.sampled_from(["F32", "I32", "U32", "F16", "F64", "BOOL", "F8_E4M3", "C64"])
            )
        elif what == "shape":
            entry["shape"] = data.draw(
                st.permutations(entry["shape"]) | st.lists(st.integers(0, 2**40), max_size=5)
            )
        elif what == "data_offsets":
            entry["data_offsets"] = sorted(
                data.draw(st.lists(st.integers(0, 4000), min_size=2, max_size=2))
            )
        elif what == "swap":
            other = data.draw(st.sampled_from(sorted(set(header) - {"__metadata__"})))
            header[name], header[other] = header[other], header[name]
        else:
            header[data.draw(st.text(max_size=12))] = header.pop(name)
    return header


def flipped(data, content):
    """The bytes with some of them changed, or cut off, or more of them."""
    found = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        found[data.draw(st.integers(0, len(found) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.none() | st.integers(0, len(found)))
    return bytes(found[:end]) + data.draw(st.binary(max_size=20))


def dumped(document):
    return json.dumps(document).encode()


@pytest.mark.parametrize("examples", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_a_configuration_of_any_content_loads_or_is_refused(folder, bounded, examples):
    @settings(max_examples=examples)
    @given(st.data())
    def holds(data):
        put(folder, dumped(at_random(data, json.loads(CONFIG))), WEIGHTS)
        model = outcome(folder)
        if model is not None:
            for name, tensor in load_file(OLD / "model.safetensors").items():
                assert torch.equal(model.state_dict()[name], tensor)

    holds()


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_a_header_of_any_content_loads_or_is_refused(folder, bounded, examples):
    """config.json has the sha256 of the damaged file: only its content can be refused."""

    @settings(max_examples=examples)
    @given(st.data())
    def holds(data):
        header = dumped(
            at_random(data, HEADER) if data.draw(st.booleans()) else altered(data, HEADER)
        )
        weights = struct.pack("<Q", len(header)) + header + BODY
        config = replaced(
            json.loads(CONFIG), ("weights", "sha256"), hashlib.sha256(weights).hexdigest()
        )
        put(folder, dumped(config), weights)
        model = outcome(folder)
        if model is not None:
            for name, tensor in load_file(folder / "model.safetensors").items():
                loaded = model.state_dict()[name]
                torch.testing.assert_close(
                    loaded, tensor.to(loaded.dtype), rtol=0, atol=0, equal_nan=True
                )

    holds()


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_bytes_of_any_content_load_or_are_refused(folder, bounded, examples):
    @settings(max_examples=examples)
    @given(st.data())
    def holds(data):
        weights = flipped(data, WEIGHTS)
        config = CONFIG
        if data.draw(st.booleans()):
            config = dumped(
                replaced(
                    json.loads(CONFIG), ("weights", "sha256"), hashlib.sha256(weights).hexdigest()
                )
            )
        else:
            config = flipped(data, CONFIG)
        put(folder, config, weights)
        outcome(folder)

    holds()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 10**9),
        ("width", 4096),
        ("image_size", 10**9),
        ("latent_dim", 10**9),
        ("steps", 10**30),
    ],
)
def test_sizes_without_bound_are_refused_before_anything_is_made(folder, bounded, key, value):
    put(folder, dumped(replaced(json.loads(CONFIG), ("hyperparameters", key), value)), WEIGHTS)
    with pytest.raises(ganzoo.StateError):
        ganzoo.load(folder)


def test_a_configuration_that_is_deep_or_large_is_refused(folder, bounded):
    for config, expected in {b"[" * 100_000: "recursion", b" " * (2**24 + 1): "16,777,216"}.items():
        put(folder, config, WEIGHTS)
        with pytest.raises(ganzoo.StateError, match=expected):
            ganzoo.load(folder)


def test_a_folder_of_the_first_format_still_loads():
    """The figures are those that the ganzoo which wrote it printed."""
    images = ganzoo.load(OLD).sample(2)
    assert images.mean().item() == pytest.approx(0.0006877422565594316, abs=1e-7)
    assert images.std().item() == pytest.approx(0.001977998297661543, abs=1e-7)


def test_a_newer_format_says_what_to_do(folder):
    put(folder, dumped(replaced(json.loads(CONFIG), ("format",), 2)), WEIGHTS)
    with pytest.raises(ganzoo.StateError, match="pip install -U ganzoo"):
        ganzoo.load(folder)


def test_a_model_that_is_not_installed_says_which_package_to_install(folder):
    config = replaced(
        json.loads(CONFIG),
        ("model",),
        {"name": "wgan", "distribution": "ganzoo-wgan", "version": "2"},
    )
    put(folder, dumped(config), WEIGHTS)
    with pytest.raises(ganzoo.StateError, match="pip install ganzoo-wgan"):
        ganzoo.load(folder)
