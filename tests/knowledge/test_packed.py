"""The embedded knowledge base from the cache is that of the packages, and nothing unsound is taken for it."""

from __future__ import annotations

import os

import msgspec
import pytest

from stillhunt.knowledge import attack, packed


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_CACHE", str(tmp_path))
    packed.load_knowledge.__wrapped__()
    return tmp_path / "knowledge.msgpack"


def never():
    pytest.fail("the packages were read")


def test_what_was_kept_is_what_the_packages_hold(cached, monkeypatch):
    joined = attack.load_knowledge()
    monkeypatch.setattr(attack, "load_knowledge", never)
    again = packed.load_knowledge.__wrapped__()
    assert again is not joined
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(joined)
    assert again.edges_of("G0007") == joined.edges_of("G0007") != ()


@pytest.mark.parametrize(
    "harm",
    [lambda b: b[:-1], lambda b: b[:400] + b"\0" + b[401:], lambda _: b"", lambda b: b[1:]],
    ids=["cut", "changed", "empty", "moved"],
)
def test_what_was_damaged_is_made_anew(cached, harm):
    sound = cached.read_bytes()
    cached.write_bytes(harm(sound))
    packed.load_knowledge.__wrapped__()
    assert cached.read_bytes() == sound


def test_other_packages_or_other_code_make_it_anew(cached, monkeypatch):
    before = cached.read_bytes()
    monkeypatch.setattr(packed, "_version", lambda name: f"{name} 9")
    packed.load_knowledge.__wrapped__()
    assert cached.read_bytes() != before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody forbids it here")
def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path, monkeypatch):
    (tmp_path / "c").mkdir(mode=0o500)
    monkeypatch.setenv("STILLHUNT_CACHE", str(tmp_path / "c"))
    assert packed.load_knowledge.__wrapped__().groups


def test_without_a_cache_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_CACHE", "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert packed.load_knowledge.__wrapped__() is attack.load_knowledge()
    assert list(tmp_path.iterdir()) == []
