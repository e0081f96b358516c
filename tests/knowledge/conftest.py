"""What tests of the knowledge base may ask for."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from stillhunt.knowledge.claim import Claims, Likelihood, claim_of, entity_id, source_of
from stillhunt.knowledge.embedded import embedded
from stillhunt.knowledge.store import Store
from stillhunt.terms.marking import Tlp

TYPES = ("intrusion-set", "malware", "tool", "identity", "location", "campaign", "indicator", "attack-pattern")
ENTITIES = [entity_id(kind, str(n)) for kind in TYPES for n in range(3)]
SPEAKERS = [entity_id("identity", f"speaker {n}") for n in range(4)]
LINKS = ("uses", "same-as", "attributed-to", "targets", "linked-to")
VALUES = ("name", "alias", "description", "note", "sanctioned", "external-id", "country-code")


@pytest.fixture(scope="session")
def embedded_store():
    """The base that comes with stillhunt, built once for all tests."""
    with embedded() as store:
        yield store


@pytest.fixture
def store(tmp_path):
    """An empty base."""
    opened = Store(tmp_path / "knowledge.db")
    yield opened
    opened.close()


_words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=20)
_said = _words.filter(lambda text: text.strip())
_dates = st.sampled_from(["", "2021", "2022-02", "2024-03-25", "2024-03-25T10:00:00Z", "2024-03-25T10:00:00.123456Z"])
_marks = st.sampled_from(list(Tlp))


@st.composite
def sources(draw):
    text = draw(st.sampled_from(["", "APT31 is behind it. The embassy denies that."]))
    return source_of(
        kind=draw(st.sampled_from(["report", "catalogue", "press"])),
        title=draw(_said),
        publisher=draw(st.sampled_from(["", "somebody"])),
        published=draw(_dates),
        url=draw(st.sampled_from(["", "https://example.org/a", "not an address"])),
        tlp=draw(_marks),
        reliability=draw(st.sampled_from(["", "A", "F"])),
        text=text,
    )


@st.composite
def claims_of(draw, source):
    is_link = draw(st.booleans())
    start = draw(st.integers(0, 10)) if source.text and draw(st.booleans()) else None
    quote = draw(_said) if start is None else source.text[start : start + draw(st.integers(2, 12))]
    if not quote.strip():
        start, quote = None, "said"
    likely = draw(st.sampled_from([None, Likelihood(term="likely", scale="phia", low=0.55, high=0.75)]))
    return claim_of(
        subject=draw(st.sampled_from(ENTITIES)),
        predicate=draw(st.sampled_from(LINKS if is_link else VALUES)),
        object=draw(st.sampled_from(ENTITIES)) if is_link else "",
        value="" if is_link else draw(_said),
        polarity=draw(st.sampled_from(["asserts", "asserts", "denies"])),
        speaker=draw(st.sampled_from(SPEAKERS)),
        source=source,
        quote=quote,
        start=start,
        likelihood=likely,
        confidence=draw(st.sampled_from(["", "low", "high"])),
        credibility=draw(st.sampled_from([None, 1, 6])),
        valid_from=draw(_dates),
        valid_until=draw(_dates),
        tlp=draw(_marks),
        method=draw(st.sampled_from(["human", "import:x"])),
        recorded="2025-01-02T03:04:05.000006Z",
    )


@st.composite
def knowledge(draw, max_size=12):
    """Claims of every shape with their sources."""
    known = draw(st.lists(sources(), min_size=1, max_size=3))
    said = [draw(claims_of(draw(st.sampled_from(known)))) for _ in range(draw(st.integers(0, max_size)))]
    used = {c.source for c in said}
    return Claims(
        sources={s.id: s for s in sorted(known, key=lambda s: s.id) if s.id in used},
        claims={c.id: c for c in sorted(said, key=lambda c: c.id)},
    )


@pytest.fixture(scope="session")
def any_knowledge():
    """Makes a strategy of claims of every shape, at most so many."""
    return knowledge
