"""Compiled rules are kept between runs, and nothing that lies in the cache can change what a hunt does."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stillhunt.detection.rule import RuleSet
from stillhunt.detection.sigma import cache as caches
from stillhunt.detection.sigma import load as loader
from stillhunt.detection.sigma.cache import Cache
from stillhunt.detection.sigma.load import load_rules

RULE = """\
title: Rule {n}
id: 00000000-0000-4000-8000-{n:012}
description: {filler}
logsource: {{product: windows, category: process_creation}}
tags: [attack.execution, attack.t1059]
detection:
    selection:
        Image|endswith: '\\{n}.exe'
        CommandLine|re: 'a{n}.*b'
        GrantedAccess: 5136
    other: {{Image: null}}
    condition: selection and not other
level: high
"""
KEY = bytes(32)


@pytest.fixture
def rules(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    for n in range(40):
        (folder / f"{n:02}.yml").write_text(RULE.format(n=n, filler="x" * 900))
    (folder / "broken.yml").write_text("title: broken\ndetection: 5\nlogsource: {product: windows}\n")
    (folder / "other.yml").write_text("a: b\n")
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def here(monkeypatch, tmp_path):
    """The folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def compilations(monkeypatch):
    """How often rules were compiled."""
    counted = []
    real = loader._compiled
    monkeypatch.setattr(loader, "_compiled", lambda *args: counted.append(1) or real(*args))
    return counted


def only_file(cache):
    (path,) = cache.glob("*")
    return path


def test_a_second_load_compiles_nothing_and_says_the_same(rules, cache, compilations):
    first, second, without = (load_rules([rules], cache=c) for c in (cache, cache, "off"))
    assert first == second == without
    assert len(first.rules) == 40
    assert first.refused
    assert first.problems
    assert len(compilations) == 2


@pytest.mark.parametrize("change", ["content", "name", "another", "gone"])
def test_any_change_of_the_rules_is_seen(rules, cache, compilations, change):
    load_rules([rules], cache=cache)
    if change == "content":
        (rules / "00.yml").write_text(RULE.format(n=99, filler="x"))
    elif change == "name":
        (rules / "00.yml").rename(rules / "000.yml")
    elif change == "another":
        (rules / "z.yml").write_text(RULE.format(n=99, filler="x"))
    else:
        (rules / "00.yml").unlink()
    assert load_rules([rules], cache=cache) == load_rules([rules], cache="off")
    assert len(compilations) == 3


def test_lists_of_values_are_part_of_the_key(rules, cache):
    (rules / "p.yml").write_text(
        RULE.format(n=99, filler="x").replace("Image|endswith: '\\99.exe'", "User|expand: '%u%'")
    )
    values = rules.parent / "values.yml"
    found = []
    for text in ("u: [alice]", "u: [bob]"):
        values.write_text(text)
        found.append(load_rules([rules], values=[values], cache=cache))
        assert found[-1] == load_rules([rules], values=[values], cache=cache)
    assert found[0] != found[1]
    assert len(load_rules([rules], cache=cache).rules) == 40


@pytest.mark.parametrize("changed", ["_PACKAGES", "_CODE", "_MAGIC"])
def test_another_version_of_what_compiles_has_another_key(rules, cache, compilations, monkeypatch, changed):
    load_rules([rules], cache=cache)
    monkeypatch.setattr(caches, changed, {"_PACKAGES": ("stillhunt",), "_CODE": ("kernel",), "_MAGIC": b"2"}[changed])
    load_rules([rules], cache=cache)
    assert len(compilations) == 2


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def framed(body, *, magic=caches._MAGIC, key=None):
    return lambda real: magic + (real if key is None else key) + hashlib.sha256(body).digest() + body


DAMAGE = {
    "cut off": lambda content: content[:-100],
    "almost empty": lambda content: content[:10],
    "empty": lambda content: b"",
    "one bit": lambda content: content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
    "longer": lambda content: content + b"x",
    "a pickle": lambda content: pickle.dumps(Bomb()),
}
FORGED = {
    "a framed pickle": framed(pickle.dumps(Bomb())),
    "of another format": framed(msgspec.msgpack.encode(RuleSet(rules=())), magic=b"stillhunt rules 0\n"),
    "of other rules": framed(msgspec.msgpack.encode(RuleSet(rules=())), key=bytes(32)),
    "of other types": framed(msgspec.msgpack.encode({"rules": [{"detector": 5}]})),
    "no message": framed(b"\xc1" * 1_000),
    "nested without end": framed(b"\x91" * 1_000_000),
    "deep conditions": framed(b"\x81\xa5rules\x91\x81\xa9condition" + b"\x81\xa8children\x91" * 100_000),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_ignored_and_written_anew(rules, cache, compilations, how):
    sound = load_rules([rules], cache=cache)
    content = only_file(cache).read_bytes()
    only_file(cache).write_bytes(DAMAGE[how](content))
    assert load_rules([rules], cache=cache) == sound
    assert only_file(cache).read_bytes() == content
    assert len(compilations) == 2


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_file_is_ignored_written_anew_and_runs_nothing(rules, cache, compilations, here, how):
    sound = load_rules([rules], cache=cache)
    content = only_file(cache).read_bytes()
    key = content[len(caches._MAGIC) :][:32]
    only_file(cache).write_bytes(FORGED[how](key))
    assert load_rules([rules], cache=cache) == sound
    assert only_file(cache).read_bytes() == content
    assert len(compilations) == 2
    assert not (here / "exploded").exists()


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(rules, tmp_path, compilations):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for _ in range(2):
        assert len(load_rules([rules], cache=blocked / "below").rules) == 40
    assert len(compilations) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_costs_time_and_nothing_else(rules, cache):
    cache.mkdir(mode=0o500)
    assert len(load_rules([rules], cache=cache).rules) == 40
    assert list(cache.iterdir()) == []


def test_a_full_disk_leaves_no_half_file(rules, cache, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert len(load_rules([rules], cache=cache).rules) == 40
    assert list(cache.iterdir()) == []


def test_rules_that_cannot_be_written_down_exactly_are_not_kept(rules, cache):
    (rules / "large.yml").write_text(
        RULE.format(n=99, filler="x").replace("GrantedAccess: 5136", f"GrantedAccess: {2**53 + 1}")
    )
    assert load_rules([rules], cache=cache) == load_rules([rules], cache=cache) == load_rules([rules], cache="off")


def test_only_the_newest_files_are_kept(cache):
    store = Cache(cache)
    rules = RuleSet(rules=())
    for n in range(12):
        store.save(bytes([n]) * 32, rules)
        os.utime(store._path(bytes([n]) * 32), (n, n))
    store.save(b"x" * 32, rules)
    assert sorted(path.name[6:8] for path in cache.iterdir()) == ["05", "06", "07", "08", "09", "0a", "0b", "78"]
    assert store.load(bytes([5]) * 32) == rules  # which is now the newest
    store.save(b"y" * 32, rules)
    assert store.load(bytes([5]) * 32) == rules


def test_what_a_killed_process_left_half_written_is_thrown_away_later(cache):
    cache.mkdir()
    old, new = cache / ".rules-old.tmp", cache / ".rules-new.tmp"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    Cache(cache).save(KEY, RuleSet(rules=()))
    assert not old.exists()
    assert new.exists()


def test_files_of_others_in_the_folder_are_left_alone(cache):
    cache.mkdir()
    (cache / "notes.txt").write_text("mine")
    store = Cache(cache)
    for n in range(12):
        store.save(bytes([n]) * 32, RuleSet(rules=()))
    assert (cache / "notes.txt").read_text() == "mine"


SAVE_OFTEN = """
import sys
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.sigma.cache import Cache
store = Cache(sys.argv[1])
for _ in range(200):
    store.save(bytes(32), RuleSet(rules=()))
    assert store.load(bytes(32)) is not None
"""


def test_two_processes_may_write_at_once(cache):
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", SAVE_OFTEN, str(cache)]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert [path.name for path in cache.iterdir()] == [Cache(cache)._path(KEY).name]


def test_few_rules_leave_the_cache_to_larger_corpora(tmp_path, cache):
    (tmp_path / "one.yml").write_text(RULE.format(n=1, filler="x"))
    load_rules([tmp_path / "one.yml"], cache=cache)
    assert not cache.exists()


def test_the_folder_is_the_users_or_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.delenv("STILLHUNT_CACHE", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Cache().folder == tmp_path / "stillhunt"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert Cache().folder == Path.home() / ".cache" / "stillhunt"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Cache().folder == Path.home() / "Library" / "Caches" / "stillhunt"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert Cache().folder == tmp_path / "stillhunt" / "Cache"
    monkeypatch.setenv("STILLHUNT_CACHE", str(tmp_path / "elsewhere"))
    assert Cache().folder == tmp_path / "elsewhere"
    monkeypatch.setenv("STILLHUNT_CACHE", "off")
    assert Cache().folder is None
    assert Cache(tmp_path).folder == tmp_path


def test_without_a_home_there_is_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.delenv("STILLHUNT_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert Cache().folder is None


def test_the_folder_is_for_its_owner_alone(cache):
    Cache(cache).save(KEY, RuleSet(rules=()))
    assert cache.stat().st_mode & 0o077 == 0
    assert only_file(cache).stat().st_mode & 0o077 == 0


SCRIPT = """
import sys
from stillhunt.detection.sigma.load import load_rules
rules = load_rules([sys.argv[1]], cache=sys.argv[2])
assert not {"sigma", "yaml"} & set(sys.modules)
print(len(rules.rules))
"""


@pytest.mark.slow
def test_a_whole_release_is_the_same_from_the_cache_without_a_parser(shared_data, cache):
    release = shared_data / "sigma" / "sigma_8eaafff1f.zip"
    compiled = load_rules([release], cache=cache)
    assert load_rules([release], cache=cache) == compiled
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(release), str(cache)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(len(compiled.rules))]
