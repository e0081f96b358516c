"""Every example in a docstring is true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import stillhunt

MODULES = sorted(m.name for m in pkgutil.walk_packages(stillhunt.__path__, "stillhunt."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples_at_all():
    finder = doctest.DocTestFinder()
    tried = sum(len(t.examples) for n in MODULES for t in finder.find(importlib.import_module(n)))
    assert tried >= 20
