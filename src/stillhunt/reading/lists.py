"""Lists that recognise names: given names, Chinese surnames, organisations, places; read once, all facts, all ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

__all__ = [
    "country_names",
    "given_names",
    "han_places",
    "latin_places",
    "organisation_names",
    "place_names",
    "surnames_han",
    "surnames_pinyin",
]


def _lines(name: str) -> Iterator[str]:
    text = (files("stillhunt.reading") / "data" / name).read_text("utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def given_names() -> frozenset[str]:
    """Return given names that are common where reports name people, as they are written."""
    return frozenset(name for line in _lines("given_names.txt") for name in line.split())


@cache
def surnames_han() -> Mapping[str, str]:
    """Return Chinese surnames in Han letters, of one or two, with how each is romanised."""
    found: dict[str, str] = {}
    for line in _lines("chinese_surnames.tsv"):
        han, pinyin = line.split("\t")
        if not han.isascii():
            found.setdefault(han, pinyin)
    return found


@cache
def surnames_pinyin() -> frozenset[str]:
    """Return Chinese surnames as they are romanised, in lower case."""
    return frozenset(pinyin.casefold().replace("ü", "u") for pinyin in surnames_han().values()) | {"lv", "lyu"}


@cache
def organisation_names() -> Mapping[str, str]:
    """Return names of organisations with the one that each is listed under."""
    found: dict[str, str] = {}
    for line in _lines("organisations.txt"):
        names = line.split("|")
        for name in names:
            found.setdefault(name, names[0])
    return found


@cache
def place_names() -> Mapping[str, str]:
    """Return names of places and words for who lives there, with the country or region of each; no Han names."""
    found: dict[str, str] = {}
    for line in _lines("places.txt"):
        names, where = line.split("\t")
        for name in names.split("|"):
            if name.isascii() or not any("\u4e00" <= letter <= "\u9fff" for letter in name):
                found.setdefault(name, where)
    for name, where in _countries():
        found.setdefault(name, where)
    return dict(country_names()) | found


@cache
def country_names() -> Mapping[str, str]:
    """Return what else countries are called, who lives in them and their adjectives, with the name of each."""
    found: dict[str, str] = {}
    for line in _lines("peoples.txt"):
        names, where = line.split("\t")
        found.update((name, where) for name in names.split("|"))
    return found


@cache
def latin_places() -> Mapping[str, str]:
    """Return Han names of places with their English ones."""
    found: dict[str, str] = {}
    for line in _lines("places.txt"):
        names = line.split("\t")[0].split("|")
        found.update((name, names[0]) for name in names if "\u4e00" <= name[0] <= "\u9fff")
    return dict(_countries(han=True)) | found


@cache
def han_places() -> Mapping[str, str]:
    """Return Han names of places with the country or region of each."""
    found: dict[str, str] = {}
    for line in _lines("places.txt"):
        names, where = line.split("\t")
        found.update((name, where) for name in names.split("|") if "\u4e00" <= name[0] <= "\u9fff")
    found.update((name, where) for name, where in _countries(han=True))
    return found


def _countries(*, han: bool = False) -> Iterator[tuple[str, str]]:
    """Yield names of countries of the base; codes of two and three letters are words too often to be names."""
    text = (files("stillhunt.knowledge") / "data" / "places.tsv").read_text("utf-8")
    for line in text.splitlines()[1:]:
        _, _, name, others = line.split("\t")
        for one in (name, *others.split("|")):
            is_han = bool(one) and "\u4e00" <= one[0] <= "\u9fff"
            if one and is_han == han and (han or len(one) > 3 or one in {"UAE", "USA"}):
                yield one, name
    if not han:
        for one in ("US", "U.S.", "UK", "U.K.", "PRC", "P.R.C."):
            yield one, {"U": "United States", "P": "China"}[one[0]] if "K" not in one else "United Kingdom"
