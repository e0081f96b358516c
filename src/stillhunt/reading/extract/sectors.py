"""Sectors: what victims do, where a text speaks of a whole trade and not of one firm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from stillhunt.knowledge.sectors import SECTORS, sector_of
from stillhunt.reading.mention import Mention

__all__ = ["find_sectors"]

_TRADES = (
    *("aerospace", "aviation", "airline", "airlines", "space", "agriculture", "agricultural", "food", "chemical"),
    *("construction", "engineering", "defence", "defense", "defence industrial base", "defense industrial base"),
    *("military", "education", "educational", "academic", "academia", "higher education", "university", "research"),
    *("energy", "oil and gas", "oil", "gas", "power", "electricity", "electric", "utility", "utilities", "nuclear"),
    *("public utilities", "gaming", "video game", "video gaming", "gambling", "casino", "entertainment", "finance"),
    *("financial", "financial services", "banking", "bank", "insurance", "cryptocurrency", "fintech", "investment"),
    *("government", "governmental", "public", "diplomatic", "law enforcement", "health", "healthcare", "health care"),
    *("hospital", "medical", "pharmaceutical", "biotechnology", "biomedical", "life sciences", "legal", "law"),
    *("manufacturing", "industrial", "automotive", "electronics", "semiconductor", "steel", "maritime", "shipping"),
    *("naval", "shipbuilding", "media", "news media", "news", "broadcasting", "publishing", "mining", "metals"),
    *("non-profit", "nonprofit", "non-governmental", "think tank", "retail", "e-commerce", "hospitality", "hotel"),
    *("technology", "high-tech", "information technology", "IT", "IT services", "software", "cyber security"),
    *("cybersecurity", "telecommunications", "telecommunication", "telecoms", "telecom", "transport", "internet"),
    *("transportation", "logistics", "travel", "tourism", "water", "critical infrastructure", "real estate", "sports"),
)
_PLURAL_HEADS = (
    *("companies", "firms", "organisations", "organizations", "institutions", "entities", "agencies", "providers"),
    *("operators", "contractors", "suppliers", "manufacturers", "bodies", "services", "departments", "ministries"),
    *("facilities", "businesses", "enterprises", "carriers", "retailers"),
)
_SECTOR_HEADS = ("sector", "sectors", "industry", "industries", "vertical", "verticals")
_ALONE = (
    *("aerospace", "aviation", "academia", "automotive", "banking", "healthcare", "hospitality", "manufacturing"),
    *(
        "telecommunications",
        "telecoms",
        "pharmaceuticals",
        "semiconductors",
        "critical infrastructure",
        "higher education",
    ),
    *("financial services", "oil and gas", "think tanks", "defence industrial base", "defense industrial base"),
    *("universities", "banks", "hospitals", "airlines", "embassies", "journalists", "dissidents", "NGOs", "law firms"),
    *("utilities", "public utilities", "financial institutions", "government agencies", "news media", "diplomats"),
)
"""Words that name a trade without a word for one beside them."""


def _any(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


@cache
def _pattern() -> re.Pattern[str]:
    trades = _any(_TRADES)
    listed = rf"(?:{trades})(?:(?:,\s+(?:and\s+)?|\s+and\s+|\s*/\s*|,?\s+or\s+)(?:the\s+)?(?:{trades}))*"
    return re.compile(
        rf"\b(?P<list>{listed})[-\s]+(?P<head>{_any(_SECTOR_HEADS + _PLURAL_HEADS)})\b|\b(?P<alone>{_any(_ALONE)})\b",
        re.IGNORECASE,
    )


@cache
def _trade() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_any(_TRADES)})\b", re.IGNORECASE)


def find_sectors(text: str) -> Iterator[Mention]:
    """Yield the sectors in a text, in order; of `energy, water and transport companies` each."""
    for match in _pattern().finditer(text):
        if match["alone"]:
            yield _mention(text, match.start(), match.end(), match["alone"], 0.8)
            continue
        trades = list(_trade().finditer(text, match.start("list"), match.end("list")))
        for number, trade in enumerate(trades):
            end = match.end() if number == len(trades) - 1 else trade.end()
            score = 0.9 if match["head"].casefold() in _SECTOR_HEADS else 0.8
            yield _mention(text, trade.start(), end, trade.group(), score)


def _mention(text: str, start: int, end: int, trade: str, score: float) -> Mention:
    return Mention(
        kind="sector",
        start=start,
        end=end,
        text=text[start:end],
        how="word of a trade",
        score=score,
        stands_for=_ours(trade.casefold()) or _ours(text[start:end].casefold()),
    )


def _ours(trade: str) -> str:
    """Return the base's word for a sector; empty if it has none."""
    found = sector_of(trade) or sector_of(trade.removesuffix("s"))
    if found:
        return found
    return (
        next((sector_of(word) or "" for word in trade.split() if sector_of(word)), "")
        if trade not in SECTORS
        else trade
    )
