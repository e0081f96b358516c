"""Questions to name servers: who asks for names of which domain, how many different ones, and how much they carry."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.join import hashed, places, text
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.names import entropy, registered_domain
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["QUESTIONS", "is_encoded"]

_INT: Any = pa.int64()
_LEAST_LENGTH, _LEAST_ENTROPY, _LEAST_DIGITS = 20, 3.1, 0.08
_HEX = re.compile(r"[0-9a-f]+")
_WORDS = re.compile(r"[a-z]{3,}")
_VOWELS = frozenset("aeiou")
_CARRYING = frozenset({"TXT", "NULL", "KEY", "DNSKEY", "CNAME", "MX", "SRV", "PRIVATE"})
"""Types of records that tunnels fetch their answers with."""


@lru_cache(maxsize=100_000)
def is_encoded(below: str) -> bool:
    """Tell whether the part of a name below its registered domain carries data rather than words.

    It is long, its characters are spread evenly, and it has digits as encodings have, or no syllables.

    >>> is_encoded("4d5a8f3c1e07b92264d1ffaa0c35e8b9"), is_encoded("images.static.mail")
    (True, False)
    """
    plain = below.lower().replace(".", "").replace("-", "").replace("_", "")
    if len(plain) < _LEAST_LENGTH or entropy(plain) < (2.5 if _HEX.fullmatch(plain) else _LEAST_ENTROPY):
        return False
    if _HEX.fullmatch(plain):
        return any(letter.isdigit() for letter in plain)
    digits = sum(letter.isdigit() for letter in plain) / len(plain)
    longest = max((len(word) for word in re.split(r"[.\-_]", below)), default=0)
    if digits >= _LEAST_DIGITS:
        return longest >= 12
    vowels = sum(letter in _VOWELS for letter in plain) / len(plain)
    return longest >= _LEAST_LENGTH and not 0.25 <= vowels <= 0.6


def _is_question(event_class: EventClass) -> bool:
    return "dns_query" in event_class.categories or "dns" in event_class.categories | event_class.services


def _rows(batch: EventBatch) -> pa.Table | None:
    data = batch.data
    asked: Any = data.column("destination.domain")
    names = [(value or "").lower().rstrip(".") for value in asked.dictionary.to_pylist()]
    domains = [registered_domain(name) if not name.endswith((".arpa", ".local")) else "" for name in names]
    below = [
        name[: -len(domain) - 1] if domain and name != domain else ""
        for name, domain in zip(names, domains, strict=True)
    ]
    is_known: Any = pc.fill_null(
        pa.array([bool(part) for part in below], pa.bool_()).take(asked.indices), pa.scalar(False)
    )
    rows: Any = pc.indices_nonzero(is_known)
    if not len(rows):
        return None
    looks = ["encoded" if part and is_encoded(part) else "plain" for part in below]
    is_windows = batch.event_class.product == "windows"
    kinds: Any = text(batch, "record_type")
    carrying: Any = pa.array([int((kind or "").upper() in _CARRYING) for kind in kinds.dictionary.to_pylist()], _INT)
    columns = {
        "source": data.column("host.name" if is_windows else "source.ip"),
        "domain": _coded(domains, asked),
        "looks": _coded(looks, asked),
        "names": hashed(asked),
        "carried": pa.array([len(part) for part in below], _INT).take(asked.indices),
        "longest": pa.array([len(part) for part in below], _INT).take(asked.indices),
        "odd": pc.fill_null(carrying.take(kinds.indices), pa.scalar(0, _INT)),
        **places(batch),
    }
    return pa.table({name: column.take(rows) for name, column in columns.items()})


def _coded(values: list[str], like: Any) -> Any:
    return pa.DictionaryArray.from_arrays(like.indices, pa.array(values, pa.string()))


QUESTIONS = Aggregate(
    name="questions",
    wants=_is_question,
    fields=("record_type",),
    keys=("source", "domain", "looks"),
    measures={"names": "least", "carried": "sum", "longest": "max", "odd": "sum"},
    rows=_rows,
)
"""Names asked for below a registered domain, those that carry data apart: how many, and their characters."""
