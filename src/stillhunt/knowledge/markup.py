"""The words of ATT&CK's descriptions without their markup, and the reports that they cite."""

from __future__ import annotations

import re

__all__ = ["cited", "plain"]

_CITATION = re.compile(r"\s*\(Citation: ((?:[^()]|\([^()]*\))+)\)")
_CUT_CITATION = re.compile(r"\s*\((?:C|Ci|Cit|Cita|Citat|Citati|Citatio|Citation(?::[^)]*)?)?[.]{3}$")
_LINK = re.compile(r"\[([^\]]*)\]\((?:https?://[^)\s]*)\)")
_CUT_LINK = re.compile(r"\[([^\]]*)\]\([^)]*[.]{3}$")
_MARKUP = re.compile(r"</?code>|</?br ?/?>|[*]{2}|</?sup>")
_CUT_MARKUP = re.compile(r"</?[a-z]{0,4}[.]{3}$")


def plain(text: str) -> str:
    """Return a description's words: no links, no citation marks, one space between words.

    >>> plain("[APT1](https://attack.mitre.org/groups/G0006) used <code>net</code>.(Citation: A (2013))")
    'APT1 used net.'
    """
    text = _CUT_MARKUP.sub(" ...", _CUT_CITATION.sub(" ...", text))
    text = _CUT_LINK.sub(r"\1 ...", _LINK.sub(r"\1", _CITATION.sub("", text)))
    return " ".join(_MARKUP.sub("", text).split())


def cited(text: str) -> list[str]:
    """Return the names of the reports that a description cites, in order, each once.

    >>> cited("It did.(Citation: A (2013))(Citation: B)")
    ['A (2013)', 'B']
    """
    return list(dict.fromkeys(_CITATION.findall(text)))
