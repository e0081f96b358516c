"""Names in a text: groups, malware and tools that the knowledge base knows, and those that the text itself introduces.

One pass of an automaton finds the names of the base in any case; a name that is also a word of the language counts
only where something beside it says what it is (`Hive ransomware`), and then in the whole text. Numbered designators
(`UNC2452`, `TA505`) are groups whether the base has them or not, and their numbers must be the same: nothing is matched
roughly. A name is typed by what stands beside it before it is typed by the base: `the Winnti group`, `Winnti malware`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import resources

import ahocorasick_rs

from stillhunt.knowledge.claim import type_of
from stillhunt.reading.mention import Mention

__all__ = ["Mention", "Names"]

_KINDS = {
    "intrusion-set": "group",
    "threat-actor": "group",
    "campaign": "campaign",
    "malware": "malware",
    "tool": "tool",
}
_SHORTEST = 3
_LETTER = re.compile(r"\w")
_MALWARE_WORDS = (
    r"malware|ransomware|trojan|backdoor|RAT|loader|downloader|dropper|stealer|infostealer|botnet|implant|wiper|rootkit|"
    r"bootkit|keylogger|worm|spyware|webshell|web shell|crypter|miner|cryptominer|bot|payloads?|samples?|"
    r"binary|binaries|"
    r"variants?|infections?|family|executable|DLL|module|beacons?|C2|C&C|shellcode|macro|builder"
)
_GROUP_WORDS = (
    r"group|threat actors?|actor|APT|APT group|crew|team|hackers?|collective|hacking group|"
    r"threat group|espionage group|"
    r"adversary|intrusion set|activity group|gang"
)
_TOOL_WORDS = r"tools?|toolkit|framework|utility|scanner|post-exploitation"
_AFTER = re.compile(
    rf"[\s”\"’')*\]]{{1,3}}(?:(?P<malware>{_MALWARE_WORDS})|(?P<group>{_GROUP_WORDS})|(?P<tool>{_TOOL_WORDS}))\b"
)
_BEFORE = re.compile(
    rf"\b(?:(?P<malware>{_MALWARE_WORDS})|(?P<group>{_GROUP_WORDS})|(?P<tool>{_TOOL_WORDS}))"
    r"(?:,? (?:(?:that )?(?:we |is |was |are |have |has )?(?:been )?(?:previously )?(?:called|call|named|dubbed|dub|"
    r"known as|"
    r"tracked as|track as|refer to as|referred to as)|like|such as|aka|\(?a\.k\.a\.))?[\s“\"‘'(*\[,]{1,3}$"
)
_DESIGNATOR = re.compile(
    r"(?<![\w/.#-])(?:APT[- ]?C?[- ]?\d{1,2}|UNC\d{3,5}|TA[- ]?\d{3,5}|FIN\d{1,2}|DEV-\d{4}|STORM-\d{4}|Storm-\d{4}|"
    r"UAC-\d{4}|TG-\d{4}|"
    r"TAG-\d{1,3}|CL-(?:STA|CRI|UNK)-\d{3,4}|UTA\d{4}|ITG\d{2}|ATK\d{1,3}|TEMP\.[A-Z]\w+|SIG\d{2}|DPRK-\d+|UAT-\d{4}|"
    r"UNK_\w+|CTG-\d{4}|Group ?123|Moonlight Maze|Earth [A-Z][a-z]+|"
    r"[A-Z]\w+ (?:Panda|PANDA|Bear|BEAR|Kitten|KITTEN|Chollima|CHOLLIMA|Tiger|TIGER|Buffalo|Jackal|JACKAL|Leopard|Lynx|"
    r"Typhoon|Blizzard|Sandstorm|Sleet|Tempest|Tsunami|Taurus|Scorpius|Libra|Ursa|Serpens))(?![\w/]|-\d|\.\d)"
)
_NEW = re.compile(
    r"(?:\b(?:malware|ransomware|trojan|backdoor|loader|downloader|stealer|RAT|botnet|implant|wiper|dropper|family|toolkit|"
    r"tool)(?: family| variant| strain)?,? (?:is |was |that is )?(?:called|named|dubbed|known as|tracked as|we call)|"
    r"\b(?:dubbed|named|which we call|we call|calls?|have named|known as)) (?:the )?"
    r"[“\"‘'*]{0,2}(?P<called>[A-Z][\w.]{3,24})"
    r"|(?<![.!?\n] )\b(?P<kind>[A-Z][\w.]{3,24})[”\"’*]{0,2} (?:malware|ransomware|trojan|backdoor|RAT|loader|"
    r"downloader|[Ss]tealer|botnet|implant|wiper|dropper|infostealer|keylogger|crypter)\b"
)
_EXE = re.compile(r"\.exe\b", re.IGNORECASE)
_SORT = re.compile(r"[ \u00a0](?:RAT|[Rr]ansomware|[Mm]alware|[Tt]rojan)$")
_SQUASH = re.compile(r"[\s_\u00a0-]+")
_TAIL = re.compile(
    r"(?:group|gang|team|rat|malware|ransomware|stealer|trojan|backdoor|loader|bot|botnet|framework|kit)$"
)
_DEFINITE = re.compile(r"\d|[a-z][A-Z]|^[A-Z]{4,}$| ")
"""Spelling that no ordinary word has."""


@cache
def _words() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    kind = ""
    for line in resources.files("stillhunt.reading").joinpath("data/words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[] ")
        elif line and not line.startswith("#"):
            found.setdefault(kind, set()).update(line.split())
    return {k: frozenset(v) for k, v in found.items()}


class Names:
    """Finds names.

    Args:
        known: Pairs of a name and the entity that bears it.
    """

    def __init__(self, known: Iterable[tuple[str, str]]) -> None:
        bearers: dict[str, set[str]] = {}
        spelled: dict[str, set[str]] = {}
        squashed: dict[str, set[str]] = {}
        for name, entity in known:
            if type_of(entity) in _KINDS and len(name) >= _SHORTEST and not name.isdecimal():
                bearers.setdefault(_low(name), set()).add(entity)
                spelled.setdefault(_low(name), set()).add(name)
                squashed.setdefault(_squashed(name), set()).add(entity)
        # `NetWire` is written `NetwireRAT` too
        for name in [n for n in bearers if n.isalpha() and len(n) > 4 and not n.endswith("rat")]:
            if f"{name}rat" not in bearers and any(type_of(e) == "malware" for e in bearers[name]):
                bearers[f"{name}rat"], spelled[f"{name}rat"] = bearers[name], {f"{name.capitalize()}RAT"}
        # `Fancy Bear` is written `FancyBear` too, and `APT40` `APT 40`
        for key, name in [(_squashed(n), n) for n in bearers if " " in n or "-" in n]:
            if key not in bearers and len(key) > 6 and not key.isdecimal():
                bearers[key], spelled[key] = bearers[name], {key.upper(), key.capitalize()}
        self._squashed = {k: tuple(sorted(v)) for k, v in squashed.items() if len(k) >= _SHORTEST}
        for tool in (_words()["tool"] | _words()["system"]) - bearers.keys():
            bearers[tool], spelled[tool] = set(), {tool.capitalize()}
        self._names = sorted(bearers)
        self._known_names = frozenset(bearers)
        self._bearers = [tuple(sorted(bearers[name])) for name in self._names]
        self._spelled = [frozenset(spelled[name]) for name in self._names]
        self._automaton = ahocorasick_rs.AhoCorasick(self._names, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def entities(self, written: str) -> tuple[str, ...]:
        """Return who bears a name, in whatever spelling, with or without `group` or `RAT` behind it; nobody if new.

        Numbers must be the same, as must every letter: blanks, hyphens and case alone may differ.
        """
        key = _squashed(written.strip(" \"'“”‘’()[]*.,:;")).removesuffix("’s").removesuffix(".exe")
        # `Lazarus` is the Lazarus Group, whoever else goes by the short name
        found = {e for form in (key, key + "group", key + "team") for e in self._squashed.get(form, ())}
        for form in (key.removeprefix("the"), key.removeprefix("aka"), _TAIL.sub("", key), key + "rat"):
            if not found and len(form) > 3:
                found |= set(self._squashed.get(form, ()))
        return tuple(sorted(found))

    def mentions(self, text: str) -> list[Mention]:
        """Return the names in a text, in order of place."""
        found = {m.start: m for m in self._known(text)}
        for mention in (*self._designated(text), *self._introduced(text)):
            if not any(o.start < mention.end and mention.start < o.end for o in _near(found, mention)):
                found[mention.start] = mention
        return _agreed([found[start] for start in sorted(found)], text)

    def _known(self, text: str) -> Iterator[Mention]:
        low = _low(text)
        hits = [(n, a, b) for n, a, b in self._automaton.find_matches_as_indexes(low) if _is_whole(text, a, b)]
        beside = {n for n, a, b in hits if self._names[n] in _words()["beside"] and _beside(text, a, b)}
        # `hive` in an address says nothing of the word
        lower = Counter(
            n for n, a, b in hits if text[a:b].islower() and text[a - 1 : a] in " (“" and text[b : b + 1] in " ,;)"
        )
        lower -= Counter(n for n, a, b in hits if not text[a:b].islower())
        told = {self._names[n].split(" ")[0] for n, _, _ in hits if " " in self._names[n]}
        beside |= {n for n, _, _ in hits if self._names[n] in _words()["beside"] & told}
        plain = {n for n in lower if not self._names[n].isdecimal() and self._names[n].isalpha()}
        for number, start, end in hits:
            if self._counts(text, number, start, end, told=number in beside, plain=number in plain):
                yield self._mention(text, number, start, end)

    def _counts(self, text: str, number: int, start: int, end: int, *, told: bool, plain: bool) -> bool:
        """Tell whether a match is a name here."""
        name, written = self._names[number], text[start:end]
        words = _words()
        if name.endswith(".exe"):
            return name[:-4] in words["tool"] or name[:-4] in words["system"] or self._is_tool(number)
        if name in words["never"] or (name in words["product"] and name not in words["tool"]):
            return False
        if _EXE.match(text, end):
            return name in words["tool"] or name in words["system"] or self._is_tool(number)
        if name in words["system"]:
            return False
        if text[end : end + 1] in {".", "/", "\\"} and _LETTER.match(text[end + 1 : end + 2]):
            return False  # part of an address or path
        if (start and text[start - 1] in "/\\@#%=") or (
            text[start - 1 : start] == "." and start > 1 and not text[start - 2].isspace()
        ):
            return False
        if name in words["beside"]:
            return told and not written.islower()
        if name in words["tool"]:
            return len(name) > 4 or written.isupper() or bool(_beside(text, start, end))
        if written.islower():
            return (written in self._spelled[number] and bool(re.search(r"\d", name))) or (
                len(name) > 7 and " " not in name and bool(_beside(text, start, end))
            )
        exact = written in self._spelled[number]
        if plain and not _DEFINITE.search(written):
            return bool(_beside(text, start, end))
        if exact:
            return not _is_word(text, start, written)
        return len(name) >= 5 and (any(c.isdigit() for c in name) or not plain)

    def _mention(self, text: str, number: int, start: int, end: int) -> Mention:
        entities = self._bearers[number]
        kinds = Counter(_KINDS[type_of(entity)] for entity in entities)
        exe = _EXE.match(text, end)
        end = exe.end() if exe else end
        sort = _SORT.search(text, start, end)
        if sort is not None and _low(text[start : sort.start()]) in self._known_names:
            end = sort.start()  # `Ryuk ransomware` is Ryuk
        if exe or text[start:end].endswith(".exe") or self._names[number] in _words()["tool"] or self._is_tool(number):
            kind = "tool"
        else:
            kind = next(k for k in ("group", "malware", "campaign") if kinds[k])
        return Mention(kind=kind, start=start, end=end, text=text[start:end], entities=entities)

    def _is_tool(self, number: int) -> bool:
        """Tell whether nobody calls it anything but a tool; many remote access trojans are sold as tools."""
        return bool(self._bearers[number]) and all(type_of(e) == "tool" for e in self._bearers[number])

    def _designated(self, text: str) -> Iterator[Mention]:
        for match in _DESIGNATOR.finditer(text):
            first = match.group().split()[0].casefold()
            if first in _words()["never"] or first in {"the", "this", "these", "our"}:
                continue
            yield Mention(
                kind="group",
                start=match.start(),
                end=match.end(),
                text=match.group(),
                entities=self.entities(match.group()),
            )

    def _introduced(self, text: str) -> Iterator[Mention]:
        """Yield malware that the text names as such, wherever it does: `a new loader dubbed X`, `X ransomware`."""
        named: set[str] = set()
        for match in _NEW.finditer(text):
            name = (match["called"] or match["kind"]).rstrip(".")
            if _is_new_name(name) or (match["called"] and _is_new_word(text, name)):
                named.add(name)
        for name in sorted(named):
            for match in re.finditer(rf"(?<![\w/.@-]){re.escape(name)}(?![\w/]|\.\w)", text):
                yield Mention(
                    kind="malware", start=match.start(), end=match.end(), text=name, entities=self.entities(name)
                )


def _is_new_name(name: str) -> bool:
    """Tell whether a word that malware is called by is a name that no list has: by capitals or digits inside it."""
    low = name.casefold()
    words = _words()
    if low in words["never"] or low in words["product"] or low in words["tool"] or "." in name:
        return False
    return bool(re.search(r"[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z]", name)) and not name.isupper()


def _is_new_word(text: str, name: str) -> bool:
    """Tell whether a plain word that something is called by is its name: it is not used as a word, and used often."""
    low = name.casefold()
    if any(low in _words()[k] for k in ("never", "product", "tool")) or not name.isalpha() or not name[1:].islower():
        return False
    return len(re.findall(rf"\b{name}\b", text)) > 3 and not re.search(rf"\b{low}\b", text)


def _low(text: str) -> str:
    """Return a text in lower case, every character in its place."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _squashed(name: str) -> str:
    return _SQUASH.sub("", name.casefold())


def _near(found: dict[int, Mention], mention: Mention) -> Iterator[Mention]:
    for start in range(max(0, mention.start - 60), mention.end):
        other = found.get(start)
        if other is not None:
            yield other


def _beside(text: str, start: int, end: int) -> str:
    """Return what kind the words beside a name say it is; empty if they say nothing."""
    match = _AFTER.match(text, end) or _BEFORE.search(text, max(0, start - 48), start)
    return (match.lastgroup or "") if match else ""


def _agreed(mentions: list[Mention], text: str) -> list[Mention]:
    """Return mentions of one name with one kind: the one that the words beside it say most often, if they are clear.

    A name is a group's as well as malware's for many families; a report mostly means one of them.
    """
    votes: dict[str, Counter[str]] = {}
    for mention in mentions:
        said = _beside(text, mention.start, mention.end)
        if said:
            votes.setdefault(mention.text.casefold(), Counter())[said] += 1
    out = []
    for mention in mentions:
        told = votes.get(mention.text.casefold(), Counter())
        kind = mention.kind
        if kind == "malware" and not mention.entities and told["group"] > told["malware"]:
            kind = "group"
        elif kind == "group" and told["malware"] > 2 * told["group"] + 1 and not re.search(r"\d", mention.text):
            kind = "malware"
        out.append(mention if kind == mention.kind else replace(mention, kind=kind))
    return out


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_LETTER.match(before) or _LETTER.match(after))


def _is_word(text: str, start: int, name: str) -> bool:
    """Tell whether a single capitalised word begins a sentence, where every word is capitalised."""
    is_plain = name.isalpha() and name[0].isupper() and name[1:].islower()
    before = text[max(0, start - 3) : start].rstrip()
    return is_plain and len(name) <= 5 and (not before or before[-1] in ".!?\n")
