"""A sentence with what came before it: its phrases and clauses, and who `it`, `the group`, `Mr X` are.

Coreference is by rule and by recency, and every replacement is recorded: a slot says whether its text was written or
resolved.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from stillhunt.reading import sorts
from stillhunt.reading.draft import Slot
from stillhunt.reading.grammar.clauses import Clause, clauses
from stillhunt.reading.grammar.phrases import Phrase, items, noun_phrase
from stillhunt.reading.grammar.tokens import Token

__all__ = ["Memory", "Scene", "squeeze"]

_SPACE = re.compile(r"\s+")
_GROUP = re.compile(
    r"\b(?:APT|UNC|TA|FIN|UAC-|DEV-|Storm-|TEMP[._]|TAG-|CL-STA-|STAC|SideWinder|G0)\s?-?\d+\b"
    r"|\b[A-Z][\w-]*\s?(?:Panda|Bear|Kitten|Typhoon|Blizzard|Sandstorm|Sleet|Tempest|Chollima|Buffalo|Leopard|Jackal|Tsunami"
    r"|Taurus|Ursa|Libra|Scorpius|Spider|Sprite|Dust|Flood|Rain|Cyclone)\b"
    r"|\b(?:Sandworm|Turla|Lazarus|Kimsuky|Gamaredon|Equation|Winnti|Leviathan|MuddyWater|OilRig|Volt Typhoon|"
    r"Salt Typhoon)\b"
    r"|\b(?:[A-Z][\w-]+\s){1,2}(?:Group|Team)\b"
)
_TRANSPARENT = frozenset(
    [
        "range",
        "variety",
        "series",
        "number",
        "hundreds",
        "thousands",
        "millions",
        "dozens",
        "host",
        "set",
        "array",
        "lot",
        "majority",
        "kind",
        "sort",
        "type",
        "types",
        "pair",
        "couple",
        "score",
        "scores",
        "most",
        "some",
        "many",
        "all",
        "half",
        "handful",
        "percent",
        "list",
        "wave",
        "hundred",
        "thousand",
        "million",
        "dozen",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "total",
        "spate",
        "string",
        "amount",
        "terabyte",
        "terabytes",
        "gigabyte",
        "gigabytes",
        "volume",
        "volumes",
    ]
)
_ANAPHORIC = frozenset({"the", "this", "that", "these", "those", "such", "both"})
_MEASURING = frozenset({"more", "less", "almost", "nearly", "approximately", "roughly"})
_BRANCHES = frozenset({"sector", "industry", "field", "vertical"})
_EVENTS = frozenset(
    {
        "attack",
        "cyberattack",
        "breach",
        "intrusion",
        "incident",
        "hack",
        "compromise",
        "campaign",
        "operation",
        "leak",
        "theft",
        "raid",
    }
)
_EXPLAINED = re.compile(r"\s*\((?:also|aka|a/k/a|formerly|previously|or|known|tracked)\b[^)]*\)")
_TITLES = frozenset(
    [
        "mr",
        "mr.",
        "mrs",
        "mrs.",
        "ms",
        "ms.",
        "dr",
        "dr.",
        "sir",
        "lord",
        "lady",
        "dame",
        "prof",
        "prof.",
        "gen.",
        "lt.",
        "col.",
        "sen.",
        "rep.",
        "gov.",
        "defendant",
        "defendants",
    ]
)


def squeeze(text: str) -> str:
    """Return a text with every stretch of white space as one space."""
    return _SPACE.sub(" ", text).strip()


@dataclass(slots=True)
class Memory:
    """What a document has named so far, by sort, in order of place.

    Attributes:
        seen: By sort: (offset, name) in order.
        persons: Full name by last name in lower case.
        employers: Organisation by full name of a person.
        groups: Spans of names of groups that the document's mentions give, by offset: (end, name).
        software: Likewise of malware and tools.
        offices: Likewise of organisations.
        people: Likewise of persons.
        acronyms: Long form by short form, as the document defines them.
        tools: Names that the document itself explains as malware: `X, a custom backdoor`.
        gangs: Names that it explains as groups.
    """

    seen: defaultdict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    persons: dict[str, str] = field(default_factory=dict)
    employers: dict[str, str] = field(default_factory=dict)
    groups: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    software: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    people: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    acronyms: dict[str, str] = field(default_factory=dict)
    tools: set[str] = field(default_factory=set)
    gangs: set[str] = field(default_factory=set)

    def note(self, sort: str, at: int, name: str) -> None:
        """Remember that a thing of this sort was named at an offset."""
        if name:
            insort(self.seen[sort], (at, name))

    def last(self, sort: str, before: int, *, after: int = -1) -> str:
        """Return the name of the last thing of a sort before an offset; empty if there is none."""
        known = self.seen.get(sort, [])
        k = bisect_left(known, (before, "")) - 1
        return known[k][1] if k >= 0 and known[k][0] > after else ""


class Scene:
    """A sentence.

    Args:
        text: The document's text.
        toks: Tokens of the sentence.
        memory: What was named before; what is named here is added.
        paragraph: Number of its paragraph.
        paragraph_start: Where that begins.
    """

    def __init__(
        self, text: str, toks: Sequence[Token], memory: Memory, *, paragraph: int = 0, paragraph_start: int = 0
    ) -> None:
        self.text = text
        self.toks = toks
        self.memory = memory
        self.paragraph = paragraph
        self.paragraph_start = paragraph_start
        self.start = toks[0].start
        self.end = toks[-1].end
        self.clauses: list[Clause] = clauses(toks)
        self._sorts: dict[tuple[int, int], frozenset[str]] = {}
        self._explained()
        self.phrases = self._scan()
        self._remember()

    # -- words ---------------------------------------------------------------------------------------------------

    def raw(self, first: int, last: int) -> str:
        """Return the words of tokens ``first`` up to ``last``, on one line."""
        if last <= first:
            return ""
        text = self.text[self.toks[first].start : self.toks[last - 1].end]
        if not any(
            a.end < b.start and not self.text[a.end : b.start].isspace() for a, b in pairwise(self.toks[first:last])
        ):
            return squeeze(text)
        # a page number or the like lies between two tokens
        pieces = [
            self.text[t.start : t.end] + (" " if self.text[t.end : t.end + 1].isspace() else "")
            for t in self.toks[first:last]
        ]
        return squeeze("".join(pieces))

    def words(self, phrase: Phrase) -> str:
        """Return the words of a phrase."""
        return self.raw(phrase.first, phrase.last)

    def low(self, i: int) -> str:
        """Return a token in lower case; empty beyond the sentence."""
        return self.toks[i].low if 0 <= i < len(self.toks) else ""

    def lows(self, first: int, last: int) -> list[str]:
        """Return tokens in lower case."""
        return [t.low for t in self.toks[max(first, 0) : last]]

    def head(self, phrase: Phrase) -> str:
        """Return the head noun in the singular; of `a range of companies`, `company`."""
        head = singular = sorts.singular(self.toks[phrase.head].low)
        at = phrase.head
        while (
            head in _TRANSPARENT or singular in _TRANSPARENT or self.toks[at].tag == "DET" or head == "one"
        ) and self.low(at + 1) == "of":
            inner = noun_phrase(self.toks, at + 2, deep=False)
            if inner is None or inner.head >= phrase.last:
                break
            at = inner.head
            head = singular = sorts.singular(self.toks[at].low)
        return head

    def sorts(self, phrase: Phrase) -> frozenset[str]:
        """Return what sorts of thing a phrase names: ``group`` ``actor`` ``company`` ``agency`` ``person`` ..."""
        key = (phrase.first, phrase.last)
        if key not in self._sorts:
            self._sorts[key] = frozenset(self._sorts_of(phrase))
        return self._sorts[key]

    def _sorts_of(self, phrase: Phrase) -> Iterator[str]:
        words = self.words(phrase)
        head = self.head(phrase)
        token = self.toks[phrase.head]
        if token.tag == "PRON":
            yield "person" if token.low in {"he", "she", "him"} else "pronoun"
            return
        core_end = self._core_end(phrase)
        core = self.raw(phrase.first, core_end)
        if self._named(self.memory.groups, phrase.first, core_end) or _GROUP.search(core):
            yield "group"
        if self._named(self.memory.software, phrase.first, core_end) or (
            token.tag == "PN" and token.text in self.memory.tools
        ):
            yield "malware"
        if token.tag == "PN" and token.text in self.memory.gangs:
            yield "group"
        if sorts.DEFENDERS.search(core):
            yield "defender"
        table = (
            ("actor", sorts.ACTORS),
            ("attack", sorts.ATTACKS),
            ("data", sorts.DATA),
            ("system", sorts.SYSTEMS),
            ("victim", sorts.VICTIMS),
            ("people", sorts.PEOPLE),
            ("agency", sorts.AGENCIES),
            ("company", sorts.COMPANIES),
            ("malware", sorts.MALWARE),
            ("paper", sorts.PAPERS),
            ("role", sorts.ROLES),
            ("sector", sorts.SECTORS),
            ("safe", sorts.SAFE_HEADS),
        )
        last = head.rpartition("-")[2]
        for sort, heads in table:
            if (
                sort == "actor"
                and head == "member"
                and not re.search(r"\b(?:group|gang|team|crew|APT|conspiracy|unit)\b", words, re.IGNORECASE)
            ):
                continue
            if head in heads or last in heads:
                yield sort
        if sorts.country_of(core) and core.casefold().removeprefix("the ").strip("“” ") in sorts.COUNTRIES:
            yield "country"
        if self._is_person(phrase, core_end):
            yield "person"

    def _core_end(self, phrase: Phrase) -> int:
        for i in range(phrase.first, phrase.last):
            if self.toks[i].tag == "PREP" or self.toks[i].text in {"(", "["}:
                return max(i, phrase.first + 1)
        return phrase.last

    def _named(self, spans: Mapping[int, tuple[int, str]], first: int, last: int) -> str:
        for token in self.toks[first:last]:
            found = spans.get(token.start)
            if found is not None:
                return found[1]
        return ""

    def group_in(self, phrase: Phrase) -> str:
        """Return the name of the group that a phrase names; empty if it names none."""
        head = self.toks[phrase.head]
        if head.tag == "PN" and (head.start in self.memory.groups or head.text in self.memory.gangs):
            return self.memory.groups[head.start][1] if head.start in self.memory.groups else head.text
        known = self._named(self.memory.groups, phrase.first, phrase.last)
        if known:
            return known
        found = _GROUP.search(self.words(phrase))
        return found.group() if found else ""

    def _is_person(self, phrase: Phrase, core_end: int) -> bool:
        toks = self.toks[phrase.first : core_end]
        if any(t.start in self.memory.people for t in toks):
            return True
        if len(toks) == 1 and toks[0].low in self.memory.persons and toks[0].text[0].isupper():
            return True
        names = [t for t in toks if t.tag == "PN"]
        if not names:
            return False
        if toks[0].low in _TITLES:
            return True
        if any(t.low.strip(".") in _NOT_PERSONS for t in toks) or sorts.DEFENDERS.search(
            self.raw(phrase.first, core_end)
        ):
            return False
        if len(toks) == 1:
            return toks[0].low in self.memory.persons
        plain = [t for t in toks if t.text not in {"“", "”", '"', "."}]
        if not all(t.tag == "PN" and t.text[0].isupper() and not any(c.isdigit() for c in t.text) for t in plain):
            return False
        if any(sorts.singular(t.low) in sorts.ROLES for t in plain):
            return False
        if not 2 <= len(plain) <= 4 or sorts.country_of(" ".join(t.text for t in plain)):
            return False
        if all(t.text.isupper() and len(t.text) > 3 for t in plain[:1]) and plain[-1].text.isupper():
            return len(plain) <= 3 and not self._named(self.memory.groups, phrase.first, core_end)
        tail = sorts.singular(plain[-1].low)
        return not (
            tail in sorts.ACTORS
            or tail in sorts.AGENCIES
            or tail in sorts.COMPANIES
            or tail in sorts.SYSTEMS
            or tail in sorts.VICTIMS
            or tail in sorts.MALWARE
            or tail in sorts.PAPERS
            or tail in sorts.SECTORS
            or tail in sorts.ROLES
            or tail in sorts.ATTACKS
            or _GROUP.search(self.raw(phrase.first, core_end))
            or self._named(self.memory.software, phrase.first, core_end)
            or self._named(self.memory.groups, phrase.first, core_end)
            or (phrase.first > 0 and self.toks[phrase.first - 1].low == "the")
        )

    # -- phrases -------------------------------------------------------------------------------------------------

    def _scan(self) -> list[Phrase]:
        found: list[Phrase] = []
        i = 0
        while i < len(self.toks):
            phrase = noun_phrase(self.toks, i, deep=False)
            if phrase is None or phrase.last <= i:
                i += 1
                continue
            found.append(phrase)
            i = phrase.last
        return found

    def _explained(self) -> None:
        """Learn what the sentence explains: `X, a custom backdoor,`, `X, a subgroup of Y`, `the X malware`."""
        toks = self.toks
        for i in range(1, len(toks) - 2):
            if toks[i].text == "," and toks[i - 1].tag == "PN" and toks[i + 1].low in {"a", "an", "the"}:
                behind = noun_phrase(toks, i + 1, deep=False)
                if behind is None or toks[behind.head].tag == "PN":
                    continue
                head = sorts.singular(toks[behind.head].low)
                if head in sorts.MALWARE and head not in {"family", "beacon", "variant"}:
                    self.memory.tools.add(toks[i - 1].text)
                elif head in {"group", "subgroup", "gang", "actor", "cluster", "subset", "crew", "collective"} and not (
                    i > 1 and toks[i - 2].tag == "PN"
                ):
                    self.memory.gangs.add(toks[i - 1].text)
            elif (
                toks[i].low in {"malware", "ransomware", "backdoor", "trojan", "wiper", "implant"}
                and toks[i - 1].tag == "PN"
                and toks[i - 1].text.casefold() not in sorts.COUNTRIES
                and toks[i - 1].text[0].isupper()
            ):
                self.memory.tools.add(toks[i - 1].text)

    def _remember(self) -> None:
        memory = self.memory
        for phrase in self.phrases:
            at = self.toks[phrase.first].start
            words = self.words(phrase)
            kinds = self.sorts(phrase)
            group = self.group_in(phrase)
            if group:
                memory.note("group", self.toks[phrase.head].start, group)
            generic = self._is_anaphor(phrase)
            if "person" in kinds and self.toks[phrase.head].tag == "PN":
                self._remember_person(phrase)
            if generic:
                continue
            named = any(t.tag == "PN" for t in self.toks[phrase.first : phrase.last])
            if "actor" in kinds and not group and "person" not in kinds:
                memory.note("actor", at, words)
            if "company" in kinds and named and not group:
                memory.note("company", at, self.plain(phrase))
            if "paper" in kinds:
                memory.note("paper", at, words)
            if "attack" in kinds and self.head(phrase).rpartition("-")[2] in _EVENTS:
                memory.note("attack", at, self.plain(phrase))
            if "malware" in kinds and named:
                memory.note("malware", at, self.plain(phrase))
            for token in self.toks[phrase.first : phrase.last]:
                country = sorts.country_of(token.text) if token.tag == "PN" else ""
                if country:
                    memory.note("country", token.start, country)
            country = sorts.country_of(words)
            if country and country.casefold() in words.casefold():
                memory.note("country", self.toks[phrase.last - 1].start, country)

    def _remember_person(self, phrase: Phrase) -> None:
        toks = [t for t in self.toks[phrase.first : self._core_end(phrase)] if t.tag == "PN" and t.low not in _TITLES]
        name = " ".join(t.text for t in toks)
        if len(toks) > 1:
            self.memory.persons.setdefault(toks[-1].low, name)
            if toks[0].text.isupper() or len(toks) == 2:
                self.memory.persons.setdefault(toks[0].low, name)  # family name first, as in Chinese
            self.memory.note("person", toks[0].start, name)
        elif toks:
            self.memory.note("person", toks[0].start, self.memory.persons.get(toks[0].low, name))

    def plain(self, phrase: Phrase) -> str:
        """Return the words of a phrase without article and quotation marks."""
        words = self.words(phrase)
        words = _EXPLAINED.sub("", words).strip("“”\"’‘' ")
        return re.sub(
            r"^(?:the|a|an|this|that|these|those|both|each|another)\s+", "", words, flags=re.IGNORECASE
        ).strip('“”" ')

    # -- who is meant --------------------------------------------------------------------------------------------

    def _is_anaphor(self, phrase: Phrase) -> bool:
        toks = self.toks[phrase.first : phrase.last]
        if len(toks) == 3 and toks[1].low == "same":  # "the same group"
            return True
        return toks[0].low in _ANAPHORIC and len(toks) <= 2

    def slot(self, phrase: Phrase, *, actor: bool = False) -> Slot:
        """Return a phrase as a slot, with pronouns and short forms replaced by what they stand for.

        Args:
            phrase: The phrase.
            actor: Whether it stands where an intruder does: then a pronoun is the last group rather than the last
                subject.
        """
        written = self.words(phrase)
        text = self._resolved(phrase, actor=actor)
        return Slot(
            text=text,
            written=written,
            start=self.toks[phrase.first].start,
            end=self.toks[phrase.last - 1].end,
            how="written" if text == self.plain(phrase) or text == written else "resolved",
        )

    def _resolved(self, phrase: Phrase, *, actor: bool) -> str:
        at = self.toks[phrase.first].start
        token = self.toks[phrase.first]
        if self.toks[phrase.head].tag == "PRON" and phrase.last - phrase.first == 1:
            return self._pronoun(token, actor=actor) or token.text
        if "person" in self.sorts(phrase):
            core = [
                t
                for t in self.toks[phrase.first : self._core_end(phrase)]
                if t.tag in {"PN", "N"} and t.text[0].isupper() and t.low not in _TITLES
            ]
            if len(core) == 1 and core[0].low in self.memory.persons:
                return self.memory.persons[core[0].low]
            if core and self.toks[phrase.first].low in _TITLES:
                return " ".join(t.text for t in core)
        if self._is_anaphor(phrase) and phrase.last - phrase.first >= 2:
            found = self._definite(sorts.singular(self.toks[phrase.head].low), at)
            if found:
                return found
        pieces: list[str] = []
        replaced_any = False
        i = phrase.first
        while i < phrase.last:
            replaced, after = self._piece(i, phrase)
            pieces.append(replaced)
            replaced_any = replaced_any or after > i + 1 or replaced != self.text[self.toks[i].start : self.toks[i].end]
            i = after
        if not replaced_any:
            return self.plain(phrase)
        text = squeeze(" ".join(p for p in pieces if p))
        text = re.sub(r"\s+([’'](?:s\b|(?=\s))|[,.;:)\]”])", r"\1", text)
        text = re.sub(r"([(\[“$£€])\s+", r"\1", text)
        text = re.sub(r"^(?:the|a|an|this|that|these|those|both|each|another)\s+", "", text, flags=re.IGNORECASE)
        return text.strip('“”" ,') or self.plain(phrase)

    def _piece(self, i: int, phrase: Phrase) -> tuple[str, int]:
        token = self.toks[i]
        at = token.start
        if token.tag == "POSS" and token.low in {"its", "their", "his", "her"}:
            owner = self._owner(token, phrase)
            return (f"{owner}’s" if owner else token.text), i + 1
        if (
            token.low in _ANAPHORIC
            and i + 1 < phrase.last
            and (i + 2 >= phrase.last or self.toks[i + 2].tag in {"GEN", "PREP", "P"})
            and i + 1 != phrase.head
        ):
            found = self._definite(sorts.singular(self.toks[i + 1].low), at)
            if found:
                return found, i + 2
        return self.text[token.start : token.end], i + 1

    def _owner(self, token: Token, phrase: Phrase) -> str:
        at = token.start
        head = self.head(phrase)
        if token.low in {"his", "her"}:
            person = self.memory.last("person", at)
            if head in {"company", "agency", "firm", "organisation", "organization", "department"}:
                return self.memory.employers.get(person, person)
            return person
        if (
            head in {"company", "member", "malware", "tool", "hacker", "operator", "infrastructure"}
            and token.low == "its"
        ):
            group = self.memory.last("group", at)
            if group:
                return group
        if head in sorts.VICTIMS | sorts.AGENCIES | sorts.SYSTEMS:
            own = [
                p
                for c in self.clauses
                for p in c.subjects
                if p.last <= len(self.toks) and self.toks[p.first].start < at and "country" in self.sorts(p)
            ]
            if own:
                return self.plain(own[0])
        inside = self.memory.last("subject", at, after=self.start - 1)
        return (
            inside
            or self.memory.last("group", at, after=self.paragraph_start - 1)
            or self.memory.last("subject", at)
            or self.memory.last("group", at)
        )

    def _pronoun(self, token: Token, *, actor: bool) -> str:
        at = token.start
        if token.low in {"he", "she", "him", "himself", "herself"}:
            return self.memory.last("person", at)
        if token.low in {"i", "we", "us", "you", "one", "who", "whom"}:
            return ""
        if actor:
            found = self.memory.last("group", at, after=self.paragraph_start - 1)
            actor_at = self.memory.last("actor", at, after=self.paragraph_start - 1)
            if found or actor_at:
                return found or actor_at
            return self.memory.last("group", at) or self.memory.last("actor", at)
        own = [
            p
            for c in self.clauses
            for p in c.subjects
            if self.toks[p.first].start < at
            and c.after < len(self.toks)
            and self.toks[c.verb].end <= at
            and self.toks[p.head].tag != "PRON"
            and "person" not in self.sorts(p)
        ]
        if own and token.low == "it":
            return self.plain(own[-1])
        return self.memory.last("subject", at) or self.memory.last("group", at)

    def _definite(self, head: str, at: int) -> str:
        memory = self.memory
        if head in {
            "group",
            "team",
            "gang",
            "crew",
            "hacker",
            "actor",
            "attacker",
            "intruder",
            "operator",
            "adversary",
            "unit",
            "apt",
        }:
            topic = memory.last("topic", at, after=at - 1500)
            return topic or memory.last("group", at) or memory.last("actor", at)
        if head in {"country", "nation", "state"}:
            return memory.last("country", at)
        if head in {"company", "firm", "contractor", "business"}:
            return memory.last("company", at)
        if head in {"attack", "breach", "incident", "intrusion", "hack", "operation", "compromise"}:
            return memory.last("attack", at)
        if head == "document":
            return memory.last("paper", at)
        if head in {"malware", "backdoor", "trojan", "implant", "ransomware", "worm", "tool"}:
            return memory.last("malware", at)
        return ""

    # -- around a verb -------------------------------------------------------------------------------------------

    def objects(self, clause: Clause) -> tuple[list[Phrase], int]:
        """Return the list of objects right behind a verb group, and where it ends."""
        i = clause.after
        while i < len(self.toks) and self.toks[i].tag == "ADV" and self.toks[i].low not in _MEASURING:
            i += 1
        found, end = items(self.toks, i)
        return self._sectors_apart(self.without_appositions(found)), end

    def _sectors_apart(self, found: list[Phrase]) -> list[Phrase]:
        """Return `firms in the A, B and C sectors` as the firms and the sectors A, B and C."""
        last = next((k for k, p in enumerate(found) if sorts.singular(self.toks[p.head].low) in _BRANCHES), None)
        if not last:
            return found
        for k, phrase in enumerate(found[:last]):
            at = next(
                (i for i in range(phrase.head + 1, phrase.last) if self.toks[i].low in {"in", "within", "across"}), None
            )
            if at is None or not any(t.low in sorts.SECTORS for t in self.toks[at + 1 : phrase.last]):
                continue
            first = at + 1 + (self.toks[at + 1].tag == "DET")
            inner = Phrase(first, phrase.last, phrase.last - 1)
            return [*found[:k], Phrase(phrase.first, at, phrase.head), inner, *found[k + 1 :]]
        return found

    def without_appositions(self, found: list[Phrase]) -> list[Phrase]:
        """Return a list without what only explains or announces a name: `two men, A and B`; `the parliament, the X`."""
        if len(found) < 2 or any(p.example for p in found):
            return found
        first, second = found[0], found[1]
        comma = self.toks[second.first - 1].text == ","
        joined = [self.toks[p.first - 1].tag == "CC" for p in found]
        numbered = self.toks[first.first].tag == "NUM" and self.toks[first.head].tag == "N"
        if comma and numbered and all(self.toks[p.head].tag == "PN" for p in found[1:]):
            return found[1:]
        if comma and len(found) == 2 and not any(joined) and self.toks[second.first].low in {"a", "an", "the"}:
            return [first]
        return found

    def limit(self, clause: Clause) -> int:
        """Return where what belongs to a verb ends: at the next clause that does not depend on it."""
        for other in self.clauses:
            if other.first >= clause.after and other.shape == "finite" and not other.relative:
                i = other.first
                first = min((p.first for p in other.subjects if p.first >= clause.after), default=i)
                while first > clause.after and (
                    self.toks[first - 1].tag in {"CC", "SUB", "Q", "ADV"}
                    or self.toks[first - 1].text in {",", ";", "—"}
                ):
                    first -= 1
                return first
        for i in range(clause.after, len(self.toks)):
            if self.toks[i].text == ";":
                return i
        return len(self.toks)

    def after(self, clause: Clause, *prepositions: str, until: int | None = None) -> list[Phrase]:
        """Return the list behind the first of these prepositions that follows a verb."""
        stop = self.limit(clause) if until is None else until
        for i in range(clause.after, stop):
            if self.toks[i].low in prepositions and self.toks[i].tag in {"PREP", "TO"} and self.toks[i - 1].text != "(":
                found, _ = items(self.toks, i + 1)
                if found:
                    return found
        return []

    def main_subject(self) -> str:
        """Return the subject of the main clause, resolved; empty if there is none."""
        for clause in self.clauses:
            if clause.shape == "finite" and not clause.relative and clause.subjects:
                return "; ".join(self.slot(p).text for p in clause.subjects)
        return ""

    def close(self) -> None:
        """Remember the subjects of this sentence, for the pronouns of the next."""
        for clause in self.clauses:
            if clause.shape == "finite" and clause.subjects and not clause.relative:
                group = next((g for p in clause.subjects if (g := self.group_in(p))), "")
                if group:
                    self.memory.note("topic", self.toks[clause.subjects[0].first].start, group)
                if any("person" in self.sorts(p) for p in clause.subjects) and len(clause.subjects) == 1:
                    continue
                if self.toks[clause.subjects[0].first].tag == "V":
                    continue
                text = "; ".join(self.slot(p).text for p in clause.subjects)
                if text and text.casefold() not in {"it", "they", "he", "she", "this", "that", "these", "there"}:
                    self.memory.note("subject", self.toks[clause.subjects[0].first].start, text)


_NOT_PERSONS = frozenset(
    [
        "the",
        "of",
        "act",
        "party",
        "company",
        "group",
        "team",
        "ministry",
        "department",
        "bureau",
        "agency",
        "office",
        "university",
        "institute",
        "court",
        "house",
        "congress",
        "parliament",
        "commission",
        "committee",
        "council",
        "army",
        "navy",
        "force",
        "service",
        "security",
        "state",
        "states",
        "united",
        "national",
        "international",
        "federal",
        "district",
        "street",
        "avenue",
        "road",
        "city",
        "province",
        "county",
        "republic",
        "kingdom",
        "union",
        "north",
        "south",
        "east",
        "west",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "microsoft",
        "google",
        "windows",
        "linux",
        "android",
        "chrome",
        "exchange",
        "outlook",
        "office365",
        "adobe",
        "cisco",
        "apache",
        "oracle",
        "vmware",
        "citrix",
        "fortinet",
        "ivanti",
        "press",
        "release",
        "operation",
        "project",
        "cyber",
        "threat",
        "intelligence",
        "advanced",
        "persistent",
        "winter",
        "olympics",
        "olympic",
        "games",
        "summer",
        "world",
        "bank",
        "times",
        "post",
        "journal",
        "news",
        "reuters",
        "technology",
        "science",
        "co",
        "ltd",
        "inc",
        "corp",
        "llc",
        "trade",
        "foreign",
        "affairs",
        "defense",
        "defence",
        "justice",
        "treasury",
        "home",
        "secretary",
        "general",
        "attorney",
        "special",
        "prime",
        "deputy",
        "assistant",
        "active",
        "directory",
        "remote",
        "desktop",
        "power",
        "shell",
        "visual",
        "studio",
        "internet",
        "explorer",
        "zero",
        "day",
        "executive",
        "order",
    ]
)
