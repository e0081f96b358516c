"""A registry lists by file name, imports on use, and suggests the nearest name."""

from __future__ import annotations

import sys

import pytest

from stillhunt.errors import UnknownNameError
from stillhunt.registry import Registry


@pytest.fixture
def registry(tmp_path, monkeypatch):
    package = tmp_path / "things_for_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "iis.py").write_text("THING = 'the iis thing'\n")
    (package / "broken.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry[str]("thing", package="things_for_test", constant="THING", group="stillhunt.nothing")
    for name in [n for n in sys.modules if n.startswith("things_for_test")]:
        del sys.modules[name]


def test_listing_imports_no_thing(registry):
    assert registry.names() == ["broken", "iis"]
    assert "things_for_test.iis" not in sys.modules


def test_a_thing_is_its_files_constant(registry):
    assert registry["iis"] == "the iis thing"


def test_an_unknown_name_suggests_the_nearest(registry):
    with pytest.raises(UnknownNameError, match="unknown thing `iss`") as caught:
        registry["iss"]
    assert caught.value.hint == "did you mean `iis`?"
