"""A document's claims: sentence by sentence, each with its words, its speaker, how sure, when.

The grammar is told of names and dates by the document's mentions; everything else it works out itself. A claim is
accepted at :data:`ACCEPT` and above, and a proposal for the reading queue below.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from stillhunt.reading import sorts
from stillhunt.reading.draft import ARTICLE, ClaimTime, Draft, Hedge, ReadClaim, Slot
from stillhunt.reading.extract.aliases import find_aliases
from stillhunt.reading.extract.attribution import find_attribution
from stillhunt.reading.extract.capabilities import find_capabilities
from stillhunt.reading.extract.charges import find_charges
from stillhunt.reading.extract.incidents import find_incidents
from stillhunt.reading.extract.indicators import indicator_claims, own_sites
from stillhunt.reading.extract.organisations import find_organisations
from stillhunt.reading.extract.roles import find_roles
from stillhunt.reading.extract.sanctions import find_sanctions
from stillhunt.reading.extract.statements import find_statements
from stillhunt.reading.extract.targets import find_targets
from stillhunt.reading.extract.techniques import technique_claims
from stillhunt.reading.frames import Setting
from stillhunt.reading.grammar.tokens import Token, tokens_of
from stillhunt.reading.hedges import hedge_in, strongest
from stillhunt.reading.introduced import introduced_groups
from stillhunt.reading.passages import Passage, passages
from stillhunt.reading.scene import Memory, Scene, squeeze
from stillhunt.reading.speakers import Said, Talk, speakers_in
from stillhunt.reading.times import DateSpan, dates_in, time_of

__all__ = ["ACCEPT", "Document", "Known", "Mention", "as_gold", "claims_in", "claims_of", "setting_of"]

ACCEPT = 0.8
"""Score from which on a claim is accepted."""

_FINDERS: tuple[Callable[[Scene, Setting], Iterator[Draft]], ...] = (
    find_targets,
    find_incidents,
    find_attribution,
    find_aliases,
    find_organisations,
    find_charges,
    find_sanctions,
    find_roles,
    find_capabilities,
    find_statements,
)
_MENTIONED = {
    **dict.fromkeys(("group", "intrusion-set", "threat-actor", "campaign"), "groups"),
    **dict.fromkeys(("malware", "tool", "software"), "software"),
    **dict.fromkeys(("person", "individual"), "people"),
}
_LONGEST = 160
"""Tokens of a sentence; longer ones are tables or lists gone wrong, and are read in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the document's mentions tell the grammar: spans of names, and of dates.

    Attributes:
        groups: (start, end, name) of groups and campaigns.
        software: Likewise of malware and tools.
        people: Likewise of persons.
        dates: Date expressions with their values; None to read absolute dates only.
    """

    groups: tuple[tuple[int, int, str], ...] = ()
    software: tuple[tuple[int, int, str], ...] = ()
    people: tuple[tuple[int, int, str], ...] = ()
    dates: tuple[DateSpan, ...] | None = None


class Document(Protocol):
    """What the grammar wants of a document."""

    @property
    def text(self) -> str:
        """Its text, in which offsets count."""


class Mention(Protocol):
    """What it wants of a name that was found in one."""

    @property
    def kind(self) -> str:
        """What it names: ``group``, ``malware``, ``person`` ..."""

    @property
    def start(self) -> int:
        """Where it begins."""

    @property
    def end(self) -> int:
        """Where it ends."""


def claims_of(
    document: Document,
    mentions: Iterable[Mention] = (),
    *,
    dates: Sequence[DateSpan] | None = None,
    setting: Setting | None = None,
) -> tuple[ReadClaim, ...]:
    """Return the claims of a document, in order of place.

    Args:
        document: With its text.
        mentions: Names in it; groups, campaigns, malware, tools and persons are used.
        dates: Its date expressions; worked out, counting from its day of publication, if None.
        setting: What sort of document it is; worked out from the text if None.
    """
    spans: dict[str, list[tuple[int, int, str]]] = {"groups": [], "software": [], "people": []}
    mentions = list(mentions)
    for mention in mentions:
        sort = _MENTIONED.get(mention.kind)
        if sort is not None:
            spans[sort].append((mention.start, mention.end, document.text[mention.start : mention.end]))
    if dates is None:
        # relative dates count from the day of publication, where the document knows it
        published = getattr(document, "published", None)
        dates = dates_in(document.text, published=published.date if published is not None else "")
    known = Known(
        groups=tuple(sorted(spans["groups"])),
        software=tuple(sorted(spans["software"])),
        people=tuple(sorted(spans["people"])),
        dates=tuple(sorted(dates, key=lambda d: d.start)),
    )
    read = claims_in(document.text, known, setting=setting)
    return tuple(sorted((*read, *_facts(document, mentions, read)), key=_place))


def _place(claim: ReadClaim) -> tuple[int, int, str, str]:
    return claim.start, claim.end, claim.kind, claim.id


def _facts(document: Document, mentions: Sequence[Mention], read: Sequence[ReadClaim]) -> list[ReadClaim]:
    """Return what is read without grammar: indicators and techniques."""
    groups = Counter(document.text[m.start : m.end] for m in mentions if m.kind == "group")
    most = groups.most_common(1)
    principal = _principal(read, frozenset()) or (most[0][0] if most and most[0][1] * 2 > groups.total() else "")
    return [
        *indicator_claims(document.text, own=own_sites(document.text, by=getattr(document, "publisher", ""))),
        *technique_claims(document.text, mentions, principal=principal),
    ]


def claims_in(text: str, known: Known = Known(), *, setting: Setting | None = None) -> tuple[ReadClaim, ...]:  # frozen
    """Return the claims of a text, in order of place.

    Args:
        text: The document's text.
        known: Names and dates in it.
        setting: What sort of document it is; worked out from the text if None.
    """
    dates = list(known.dates) if known.dates is not None else dates_in(text)
    known = replace(known, groups=introduced_groups(text, known.groups))
    frame = setting or setting_of(text)
    first, persons = _read(text, known, dates, frame)
    principal = _principal(first, persons)
    suspects = _suspects(first)
    if (principal and not frame.principal) or suspects - frame.suspects:
        frame = replace(frame, principal=frame.principal or principal, suspects=frame.suspects | suspects)
        first, _ = _read(text, known, dates, frame)
    return tuple(_finished(first, terse=frame.kind in {"release", "sanctions", "indictment", "advisory"}))


def _read(
    text: str, known: Known, dates: Sequence[DateSpan], setting: Setting
) -> tuple[list[ReadClaim], frozenset[str]]:
    memory = Memory(
        groups={a: (b, n) for a, b, n in known.groups},
        software={a: (b, n) for a, b, n in known.software},
        people={a: (b, n) for a, b, n in known.people},
    )
    spans = [(d.start, d.end) for d in dates]
    talk = Talk()
    out: list[ReadClaim] = []
    begun: dict[int, int] = {}
    for passage in passages(text):
        begun.setdefault(passage.paragraph, passage.start)
        for toks in _parts(_tokens(text, passage, spans)):
            if sum(t.text[0].isalpha() for t in toks) < 2:
                continue
            scene = Scene(text, toks, memory, paragraph=passage.paragraph, paragraph_start=begun[passage.paragraph])
            said = speakers_in(scene, talk)
            drafts = [d for find in _FINDERS for d in find(scene, setting)]
            for draft in drafts:
                if not _is_whole(draft) or _is_count(scene, draft) or _is_open(scene, draft):
                    continue
                if draft.kind == "attribution" and not draft.negated:
                    memory.note("agent", toks[draft.at].start, draft.subject.text)
                out.append(_claim(scene, draft, said, dates, setting))
            scene.close()
    return out, frozenset(n.casefold() for n in memory.persons.values())


def _tokens(text: str, passage: Passage, dates: Sequence[tuple[int, int]]) -> list[Token]:
    toks: list[Token] = []
    at = passage.start
    dates = dates[bisect_left(dates, (passage.start, 0)) : bisect_left(dates, (passage.end, 0))]
    for a, b in (*passage.holes, (passage.end, passage.end)):
        toks += tokens_of(text, at, a, dates=dates)
        at = b
    return toks


def _parts(toks: list[Token]) -> Iterator[list[Token]]:
    while len(toks) > _LONGEST:
        cut = next((i for i in range(_LONGEST, _LONGEST // 2, -1) if toks[i].text in {";", "•", ":"}), _LONGEST)
        yield toks[: cut + 1]
        toks = toks[cut + 1 :]
    if toks:
        yield toks


def _is_count(scene: Scene, draft: Draft) -> bool:
    """Say whether a draft only spells out what somebody is charged with."""
    if draft.kind not in {"incident", "attribution", "target", "capability"}:
        return False
    charge = next((c for c in scene.clauses if c.base in {"charge", "indict"} and c.after <= draft.at), None)
    lows = scene.lows(charge.after, draft.at) if charge is not None else []
    return "counts" in lows or "count" in lows or ("with" in lows[:3] and "conspiracy" in lows)


def _is_open(scene: Scene, draft: Draft) -> bool:
    """Say whether a draft is only asked or left open: `unclear how much was stolen`, `whether X was behind it`."""
    if draft.kind not in {"incident", "attribution", "target", "sponsor", "capability"}:
        return False
    before = scene.lows(0, draft.at)
    if draft.kind in {"attribution", "sponsor"} and not draft.negated and _is_unproven(scene, draft):
        return True
    return "whether" in before or (
        "how" in before and bool({"many", "much", "the", "they"} & set(before[before.index("how") :]))
    )


def _is_unproven(scene: Scene, draft: Draft) -> bool:
    """Say whether an attribution stands under `not enough evidence to say` or `could not confirm that`."""
    before = scene.lows(0, draft.at)
    for i, low in enumerate(before):
        if low == "evidence" and set(before[max(0, i - 4) : i]) & {
            "no",
            "not",
            "insufficient",
            "without",
            "little",
            "n't",
        }:
            return True
    return any(c.negated and c.base in _PROVING and c.verb < draft.at for c in scene.clauses)


_PROVING = frozenset(
    {"confirm", "say", "attribute", "determine", "establish", "prove", "verify", "conclude", "suggest", "have"}
)


def _is_whole(draft: Draft) -> bool:
    if draft.predicate == "known-as" and not re.search(r"[^a-z\W]|\d", draft.object.text):
        return False  # `calling them "groundless"` gives nobody a name
    return bool(draft.subject.text) and draft.last > draft.first and len(draft.object.text) < 400


def _claim(scene: Scene, draft: Draft, said: Sequence[Said], dates: Sequence[DateSpan], setting: Setting) -> ReadClaim:
    toks = scene.toks
    start, end = toks[draft.first].start, toks[draft.last - 1].end
    draft = replace(draft, subject=_party(draft.subject))
    speaker, alleged = _speaker(draft, said, setting)
    at = toks[min(draft.at, len(toks) - 1)].start
    hedge = draft.hedge or _hedge(scene, draft, speaker, alleged, setting)
    time = draft.time or time_of(scene.text, dates, scene.start, scene.end, at)
    draft = _value(draft, time)
    quote = scene.text[start:end]
    reasons = []
    score = draft.score
    if draft.subject.how != "written":
        reasons.append(f"subject {draft.subject.how}")
    if end - start > 420:
        score -= 0.05
        reasons.append("long quote")
    return ReadClaim(
        id=_id(quote, start, draft),
        kind=draft.kind,
        subject=draft.subject,
        predicate=draft.predicate,
        object=draft.object,
        polarity="negated" if draft.negated else "affirmed",
        time=time,
        speakers=tuple(dict.fromkeys((setting.speaker, speaker))),
        hedge=hedge,
        quote=quote,
        start=start,
        end=end,
        score=round(score, 3),
        accepted=score >= ACCEPT,
        method=draft.method,
        reasons=tuple(reasons),
        qualifiers=draft.qualifiers,
    )


def _party(slot: Slot) -> Slot:
    """Return whom the caption of a case is against: `United States of America v. X` is about X."""
    _, versus, accused = slot.text.rpartition(" v. ")
    return replace(slot, text=accused) if versus else slot


def _id(quote: str, start: int, draft: Draft) -> str:
    content = "\x1f".join((str(start), quote, draft.kind, draft.subject.text, draft.predicate, draft.object.text))
    return f"read-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _speaker(draft: Draft, said: Sequence[Said], setting: Setting) -> tuple[str, str]:
    """Return who says a draft, and the word by which it is only alleged."""
    if draft.speaker and draft.speaker.casefold() not in {"we", "i"}:
        return draft.speaker, ""
    inside = [s for s in said if s.first <= draft.at < s.last and (s.of is None or not s.of <= draft.at < s.of + 1)]
    if not inside:
        return setting.speaker, "alleged" if setting.alleged else ""
    own = min(inside, key=lambda s: (s.last - s.first, -s.first))
    alleged = ""
    if own.verb in {"allege", "accuse", "charge", "claim"}:
        alleged = own.verb
    elif own.paper and any(w in own.speaker.casefold() for w in ("indictment", "complaint", "affidavit")):
        alleged = own.verb or "said"
    return own.speaker, alleged


def _value(draft: Draft, time: ClaimTime | None) -> Draft:
    """Return a draft that says when something was found or made public, with the date as a value."""
    if draft.predicate not in {"detected", "first-disclosed"} or time is None or not time.start:
        return draft
    value = time.start[:4] if time.precision == "year" else time.start[:7] if time.precision == "month" else time.start
    return replace(draft, object=replace(draft.object, text=value))


def _hedge(scene: Scene, draft: Draft, speaker: str, alleged: str, setting: Setting) -> Hedge:
    if draft.kind == "denial":
        return Hedge(phrase=scene.toks[draft.at].text, cls="denied")
    del speaker, setting
    a, b = scene.toks[draft.first].start, scene.toks[draft.last - 1].end
    # a modal or adverb right before the quote belongs to it
    lead = max(scene.start, a - 24) if draft.first and scene.toks[draft.first - 1].tag in {"ADV", "MOD", "AUX"} else a
    own = hedge_in(scene.text, lead, b)
    if (
        draft.kind in {"role", "charge", "sanction", "statement"}
        and own is not None
        and own.cls in {"possible", "attempted"}
    ):
        own = None
    if own is not None and own.cls == "approx" and (draft.kind == "date/founding" or draft.method.startswith("number")):
        return own
    return strongest(own, alleged_by=alleged)


def _principal(claims: Iterable[ReadClaim], persons: frozenset[str]) -> str:
    """Return the actor that a document is about: one who gets several names, or whom most claims are about."""
    aliases = [
        c for c in claims if c.kind == "alias/part-of" and c.predicate == "known-as" and c.polarity == "affirmed"
    ]
    counts: dict[str, int] = {}
    for claim in aliases:
        if claim.subject.text.casefold() in persons or "malware" in claim.subject.text:
            continue
        counts[claim.subject.text] = counts.get(claim.subject.text, 0) + 1
    best = max(counts.items(), key=lambda i: (i[1], i[0]), default=("", 0))
    if best[1] < 2:
        return ""
    if any(w in best[0].casefold() for w in ("conspirator", "defendant", "actors", "hackers", "officers")):
        return next(c.object.text for c in aliases if c.subject.text == best[0])
    return best[0] if re.search(r"\d|[A-Z]", best[0]) and " and " not in best[0] else ""


def _suspects(claims: Iterable[ReadClaim]) -> frozenset[str]:
    """Return the names of persons who are charged, sanctioned or serve behind a group."""
    found: set[str] = set()
    for claim in claims:
        whom = (
            claim.object.text
            if claim.kind in {"charge", "sanction"}
            else claim.subject.text
            if claim.kind == "sponsor"
            else ""
        )
        if claim.kind == "role" and claim.predicate == "employee-of":
            whom = claim.subject.text
        for name in re.findall(r"[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+){1,3}", whom):
            if not sorts.country_of(name):
                found.add(name.casefold())
    return frozenset(found)


def _finished(claims: Sequence[ReadClaim], *, terse: bool) -> Iterator[ReadClaim]:
    """Yield each claim once, in order of place, with `an alleged front company` by the name it is given elsewhere."""
    fronts = {c.subject.text for c in claims if c.kind == "front-company" and re.search(r"[A-Z]", c.subject.text[:1])}
    seen: set[tuple[str, ...]] = set()
    spoken = " | ".join(s for c in claims for s in c.speakers[1:]).casefold()
    offices: set[str] = set()
    for claim in sorted(claims, key=lambda c: (c.start, c.end, c.kind, c.subject.text, c.object.text)):
        one = claim
        if claim.kind == "sanction" and "front company" in claim.object.text and len(fronts) == 1:
            slot = claim.object
            one = replace(
                claim,
                object=Slot(
                    text=next(iter(fronts)), written=slot.written, start=slot.start, end=slot.end, how="resolved"
                ),
            )
        key = (
            one.kind,
            one.subject.text.casefold(),
            one.object.text.casefold(),
            one.predicate if one.kind == "incident" else "",
        )
        near = (*key, str(one.start // 400))
        if near in seen:
            continue
        seen.add(near)
        if one.method == "role:title" and one.predicate == "holds-position":
            # the names at the foot of a release say nothing about anybody; those of speakers and of the accused do
            who = one.subject.text.casefold()
            if who in offices or (terse and who.split()[-1] not in spoken):
                continue
            offices.add(who)
        yield one


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "indictment",
        re.compile(
            r"UNITED STATES DISTRICT COURT|THE GRAND JURY CHARGES|The Grand Jury charges|"
            r"relevant to this Indictment|INDICTMENT\b.{0,80}COUNT",
            re.DOTALL,
        ),
    ),
    ("release", re.compile(r"(?:FOR )?IMMEDIATE RELEASE|Office of Public Affairs|PRESS RELEASE", re.IGNORECASE)),
    (
        "sanctions",
        re.compile(
            r"Office of Foreign Assets Control|sanctions list|statement of reasons|designated pursuant to|asset freeze",
            re.IGNORECASE,
        ),
    ),
    ("advisory", re.compile(r"(?:cybersecurity|security) advisory|\bTLP:|indicators of compromise", re.IGNORECASE)),
    (
        "statement",
        re.compile(
            r"\b(?:Mr|Madam) Speaker\b|I commend this statement|\bHon\.? Members?\b|the House\b.{0,40}\bstatement",
            re.IGNORECASE,
        ),
    ),
)


def setting_of(text: str) -> Setting:
    """Return what sort of document a text is, by what stands in its head and its turns of phrase."""
    head = text[:6000]
    kind = next((k for k, pattern in _KINDS if pattern.search(head)), "report")
    american = bool(
        re.search(
            r"Department of Justice|U\.S\. Attorney|United States of America|Justice Department|grand jury|OFAC|"
            r"District Court",
            head,
            re.IGNORECASE,
        )
    )
    british = bool(
        re.search(
            r"Foreign Secretary|Home Secretary|Office of Financial Sanctions|HM Treasury|FCDO|House of Commons", head
        )
    )
    country = "United States" if american else "Britain" if british else ""
    if kind == "indictment":
        return Setting(kind=kind, speaker="the indictment", alleged=True, country=country)
    return Setting(kind=kind, speaker=ARTICLE, country=country)


def as_gold(claims: Iterable[ReadClaim]) -> list[dict[str, object]]:
    """Return claims in the fields of the gold files, for scoring; those have no indicators or techniques."""
    return [
        {
            "kind": c.kind,
            "subject": c.subject.text,
            "predicate": c.predicate,
            "object": c.object.text,
            "polarity": c.polarity,
            "time": None if c.time is None else _gold_time(c.time),
            "said_by": c.said_by,
            "confidence": {"phrase": c.hedge.phrase or None, "cls": c.hedge.cls},
            "quote": squeeze(c.quote),
            "start": c.start,
            "end": c.end,
        }
        for c in claims
        if c.kind not in {"indicator", "technique"}
    ]


def _gold_time(time: ClaimTime) -> dict[str, str]:
    value = time.start[:4] if time.precision == "year" else time.start[:7] if time.precision == "month" else time.start
    return {"text": time.text, "value": value, "start": time.start, "end": time.end}
