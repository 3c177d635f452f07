"""The cache: where the operating system keeps it, or where the user says."""

import sys
from pathlib import Path

import pytest

import ganzoo


def test_the_environment_says_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "mine"))
    assert ganzoo.cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GANZOO_CACHE", "~/mine")
    assert ganzoo.cache_folder() == tmp_path / "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_on_linux_the_cache_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert ganzoo.cache_folder() == Path(tmp_path, ".cache/ganzoo")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert ganzoo.cache_folder() == Path(tmp_path, "xdg/ganzoo")
