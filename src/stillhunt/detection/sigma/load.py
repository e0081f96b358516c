"""Sigma rules, ready to run: compiled, or from the cache of an earlier run.

Every YAML document ends as a rule that runs, or in the ledger with the reason why it does not. Neither pySigma nor
a YAML parser is imported where the cache holds the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stillhunt.detection.rule import RuleSet
from stillhunt.detection.sigma.cache import Cache, cache_key
from stillhunt.detection.sigma.files import BUILTIN, Given, RuleFile, read_all, read_values
from stillhunt.errors import RuleError

__all__ = ["BUILTIN", "load_rules"]

_WORTH_KEEPING = 1 << 15
"""Bytes of rules below which compiling them takes no longer than a glance, and the cache is kept for others."""


def load_rules(
    paths: Sequence[str | Path] = (), *, values: Sequence[str | Path] = (), cache: str | Path | None = None
) -> RuleSet:
    """Load rules.

    Args:
        paths: Files, folders (walked) and zip archives of rules; the word ``builtin`` stands for the built-in
            pack, which is also loaded if nothing is given. Of a Sigma release, only the folders of rules that
            are meant to run are loaded, and a problem says what was left out. Of rules with the same id, the
            first by path is kept. Rule filters apply to all rules given, whatever file they stand in.
        values: YAML files with lists of values for placeholders: a mapping from their names to lists.
        cache: Folder of compiled rules, or the word ``off``; by default what the environment variable
            ``STILLHUNT_CACHE`` says, else the user's cache folder. It changes nothing but the time this takes.

    Returns:
        The rules that run, those that do not, and what else was found.

    Raises:
        RuleError: A path cannot be read, or not one rule can run.
    """
    given, lists = read_all(paths), read_values(values)
    rules = _through_cache(given, lists, Cache(cache))
    if not rules.rules:
        where = ", ".join(one.path for one in given)
        reason = f"{rules.refused[0].path}: {rules.refused[0].reason}" if rules.refused else "no file holds a rule"
        raise RuleError(f"not one rule can run: {reason}", where=where, hint="give Sigma rules, or `builtin`")
    return rules


def _through_cache(given: Sequence[Given], values: Sequence[RuleFile], cache: Cache) -> RuleSet:
    if not cache.folder or sum(one.n_bytes for one in given) < _WORTH_KEEPING:
        return _compiled(given, values)
    digests = [one.digest() for one in given]
    key = cache_key(
        [
            *digests,
            b"values",
            *(part for file in values for part in (file.path.encode(), file.content)),
        ]
    )
    rules = cache.load(key)
    if rules is None:
        rules = _compiled(given, values)
        cache.save(key, rules)
    return rules


def _compiled(given: Sequence[Given], values: Sequence[RuleFile]) -> RuleSet:
    from stillhunt.detection.sigma.corpus import Corpus  # noqa: PLC0415 - pySigma is imported only where it works

    return Corpus.read(given, values).rule_set()
