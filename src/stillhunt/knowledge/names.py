"""Names to keys under which spellings of one name meet."""

from __future__ import annotations

import unicodedata

__all__ = ["name_key"]


def name_key(name: str) -> str:
    """Return a name without case, width, spaces and punctuation.

    Letters of every script are kept, so that different names never meet by losing them.

    >>> name_key("APT 29") == name_key("apt-29")
    True
    >>> name_key("Безымянные")
    'безымянные'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if c.isalnum())
