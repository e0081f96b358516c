"""What victims do, in one word each, by whatever words a source uses for it."""

from __future__ import annotations

from collections.abc import Mapping

from stillhunt.knowledge.names import name_key

__all__ = ["SECTORS", "sector_of"]

SECTORS: Mapping[str, tuple[str, ...]] = {
    "aerospace": ("aerospace", "aviation", "space", "airline"),
    "agriculture": ("agriculture", "food"),
    "chemical": ("chemical", "chemicals"),
    "construction": ("construction", "engineering"),
    "defence": ("defense", "defence", "military", "defense industry", "national security"),
    "education": ("education", "university", "universities", "higher education", "research innovation", "academia"),
    "energy": ("energy", "oil", "oil gas", "electric", "utilities", "nuclear", "electricity"),
    "entertainment": ("video games", "gaming", "gambling", "casino casinos gambling", "entertainment", "leisure"),
    "finance": ("finance", "financial", "financial services", "bank", "banks", "banking", "insurance", "crypto"),
    "government": (
        *("government", "government administration", "diplomacy", "public sector", "police law enforcement"),
        *("government national", "government local", "embassies", "foreign affairs", "parliament", "intelligence"),
    ),
    "health": ("health", "healthcare", "hospital", "medical", "pharmacy", "pharmaceuticals", "pharmaceutical"),
    "legal": ("legal", "law firms", "justice"),
    "manufacturing": ("manufacturing", "industrial", "automotive", "electronic", "semiconductors"),
    "maritime": ("maritime", "shipping", "naval"),
    "media": ("media", "news media", "news", "journalist", "journalists", "publishing"),
    "mining": ("mining", "metals"),
    "ngo": (
        *("ngo", "ngos", "non profit", "nonprofit", "civil society", "activists", "dissidents", "think tanks"),
        *("think tank", "human rights", "political party", "religion"),
    ),
    "retail": ("retail", "retailer", "e commerce", "hospitality", "consumer", "restaurants", "hotels"),
    "technology": ("technology", "high tech", "information technology", "it services", "software", "it", "security"),
    "telecommunications": ("telecommunications", "telecoms", "telecom", "communications", "isp"),
    "transport": ("transport", "transportation", "logistics", "travel"),
    "water": ("water", "water sanitation"),
}
"""Our word for a sector, and what it is called in MISP's, Tidal's and ATT&CK's lists."""

_BY_KEY = {name_key(name): sector for sector, names in SECTORS.items() for name in (sector, *names)}


def sector_of(name: str) -> str | None:
    """Return our word for a sector, or None if it is none we know.

    >>> sector_of("Government, Administration")
    'government'
    >>> sector_of("Private sector") is None
    True
    """
    return _BY_KEY.get(name_key(name))
