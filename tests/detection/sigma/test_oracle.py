"""The kernel and the reference interpreter give the same answer to random rules over random events."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from datetime import datetime
from ipaddress import ip_address, ip_network
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma.rule import SigmaRule

from stillhunt.detection.sigma.compile import compile_rule

N_EXAMPLES, N_RULES, N_EVENTS = 1_000, 2, 10
"""20,000 pairs of a rule and an event."""

FIELDS = ("Image", "Command Line", "event.data", "Data")

# Few letters and short texts, so that literals meet. Beside them what the grammar of values treats specially, what
# has case beyond ASCII, and what regular expressions would read as their own.
LETTERS = "abA"
ODD = [
    "é",
    "É",
    "\u017f",
    "\u212a",
    "ß",
    "\u03a3",
    "\u0130",
    "日",
    "a\nb",
    "",
    " ",
    "'",
    '"',
    "%a%",
    "[a]",
    "a|b",
    "^a$",
    ".",
    "+",
    "(",
    "{2}",
]
WILD = ["*", "?", "**", "a*b", "?b", "*a*", "\\*", "\\?", "\\\\*", "\\\\?", "\\", "\\\\", "\\a", "a\\", "\\\\\\*"]
DASHES = ["-a", "/b", " -a", " /b -a", "\u2013a", "a-b"]
SHORT = st.text(LETTERS, min_size=1, max_size=2)
PLAIN = SHORT | SHORT | st.sampled_from(ODD) | st.builds("{}{}".format, SHORT, st.sampled_from(ODD + DASHES))
TEXT = PLAIN | st.sampled_from(WILD + DASHES) | st.builds("{}{}{}".format, SHORT, st.sampled_from(WILD), SHORT)
ASCII = st.text("ab1*-", min_size=1, max_size=4).map(lambda text: text.replace("*", "\\*"))
NUMBERS = st.sampled_from([0, 1, 2, 7, 16, 31, -1, -7, 1.5, -0.5, 4688, 0x1410, 2**53])

ENDS = st.sampled_from(["", "|contains", "|contains", "|startswith", "|endswith"])
LINKS = st.sampled_from(["", "", "", "|all", "|neq", "|all|neq"])
ENCODINGS = st.sampled_from(
    [
        "|base64",
        "|base64|contains",
        "|base64|cased|contains",
        "|cased|base64|contains",
        "|base64offset|contains",
        "|wide|base64offset|contains",
        "|utf16le|base64|contains",
        "|utf16|base64|contains",
        "|utf16be|base64offset|contains",
        "|wide|contains",
    ]
)
REGEXES = {
    "a": "a",
    "^a": "a",
    "b$": "b",
    "^$": "",
    "a+b": "aab",
    "[ab]{2}": "ab",
    "[^a]": "b",
    "a|b": "b",
    "(ab)+A": "ababA",
    r"\\": "\\",
    "a.b": "a\nb",
    r"\.": ".",
    "(a|A)?b": "Ab",
    "a{0,2}b*": "",
    "^a.*b$": "aAb",
    "é|ß": "É",
    "[0-9]+": "42",
    r"\$|\|": "$",
    "[$]": "$",
    "a$|^b": "a\n",
}


def values_of(scalars):
    return scalars | scalars | st.lists(scalars, min_size=1, max_size=3)


def chains(*parts):
    return st.tuples(*parts).map("".join)


CASES = st.sampled_from(["", "", "", "|cased"])
TEXT_MODIFIERS = chains(ENDS, CASES, LINKS) | chains(CASES, ENDS, LINKS)
ITEMS_BY_KIND = {
    "text": (TEXT_MODIFIERS, values_of(TEXT)),
    "expand": (chains(st.just("|expand"), ENDS, LINKS), values_of(SHORT | st.sampled_from(WILD))),
    "windash": (chains(CASES, st.just("|windash"), ENDS, CASES, LINKS), values_of(st.sampled_from(DASHES) | PLAIN)),
    "encoded": (chains(ENCODINGS, LINKS), values_of(ASCII)),
    "mixed": (LINKS, values_of(PLAIN | NUMBERS | st.booleans() | st.none())),
    "empty": (LINKS, st.just([]) | st.none()),
    "number": (LINKS, values_of(NUMBERS)),
    "compare": (chains(st.sampled_from(["|gt", "|gte", "|lt", "|lte"]), LINKS), values_of(NUMBERS)),
    "exists": (st.just("|exists"), st.booleans()),
    "regex": (
        chains(st.sampled_from(["|re", "|re|i", "|re|m", "|re|s", "|re|i|m|s"]), ENDS, LINKS),
        values_of(st.sampled_from(sorted(REGEXES))),
    ),
    "cidr": (
        chains(st.just("|cidr"), LINKS),
        values_of(
            st.sampled_from(["10.0.0.0/8", "10.1.2.3/32", "fe80::/10", "::1/128", "::ffff:10.0.0.0/104", "::/0"])
        ),
    ),
    "time": (
        chains(st.sampled_from(["|minute", "|hour", "|day", "|week", "|month", "|year"]), LINKS),
        values_of(st.sampled_from([0, 1, 3, 8, 24, 34, 53, 2021, 2020])),
    ),
    "fieldref": (chains(st.just("|fieldref"), ENDS, LINKS), values_of(st.sampled_from([*FIELDS, "Absent"]))),
}
KINDS = st.sampled_from(["text"] * 5 + [*ITEMS_BY_KIND])
ITEMS = KINDS.flatmap(lambda kind: st.tuples(st.sampled_from(FIELDS), *ITEMS_BY_KIND[kind]))
MAPS = st.lists(ITEMS, min_size=1, max_size=3).map(
    lambda items: {f"{field}{mods}": value for field, mods, value in items}
)
KEYWORDS = st.lists(TEXT | NUMBERS | st.booleans(), min_size=1, max_size=3)
MODIFIED_KEYWORDS = st.one_of(
    st.builds(lambda mods, value: {f"{mods or '|contains'}": value}, TEXT_MODIFIERS, values_of(TEXT)),
    *(
        st.builds(lambda mods, value: {mods or "|all": value}, *ITEMS_BY_KIND[kind])
        for kind in ("windash", "encoded", "number", "compare", "regex", "cidr", "time")
    ),
)
DETECTIONS = st.sampled_from(
    [MAPS] * 6
    + [st.lists(MAPS, min_size=1, max_size=3), KEYWORDS, MODIFIED_KEYWORDS, TEXT]
    + [st.lists(MAPS | KEYWORDS | MODIFIED_KEYWORDS, min_size=2, max_size=3)]
).flatmap(lambda strategy: strategy)
NAMES = ("selection_a", "selection_b", "filter_a", "not-one", "_hidden")
LEAVES = st.sampled_from(
    [*NAMES, "selection_a", "selection_b"]
    + [f"{q} of {p}" for q in ("1", "any", "all") for p in ("them", "selection_*", "*_a", "_*", "filter_a")]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        part.map(lambda one: f"not {one}"),
        *(st.builds(f"{{}} {word} {{}}".format, part, part) for word in ("and", "or", "and not")),
        st.builds("({} or {}) and {}".format, part, part, part),
        part.map(lambda one: f"not ({one})"),
    ),
    max_leaves=4,
)
RULES = st.builds(
    lambda detections, condition: {
        "title": "a rule",
        "logsource": {"product": "windows"},
        "detection": dict(zip(NAMES, detections, strict=True)) | {"condition": condition},
    },
    st.tuples(*[DETECTIONS] * len(NAMES)),
    CONDITIONS | st.lists(CONDITIONS, min_size=1, max_size=2),
)


class Forge:
    """Makes events that rules are likely to match, or to miss by a little: from their own literals.

    Args:
        rules: As they are given to pySigma.
        seed: Events are the same for the same seed.
    """

    def __init__(self, rules, seed):
        self._random = Random(seed)
        self._wanted = {field: [] for field in FIELDS}
        for rule in rules:
            for name, detection in rule["detection"].items():
                if name != "condition":
                    self._read(detection)

    def event(self):
        choice = self._random.choice
        event = {}
        for field in FIELDS:
            kind = choice(["one"] * 6 + ["several", "empty", "absent", "null", "other"])
            wanted = self._wanted[field] or [("", "a")]
            if kind == "several" or (field == "Data" and kind == "one"):
                event[field] = [self._text(*choice(wanted)) for _ in range(self._random.randrange(4))]
            elif kind != "absent":
                text = self._text(*choice(wanted))
                event[field] = {"one": text, "empty": "", "null": None, "other": choice(["x", "a", "7"])}[kind]
        for field, modifiers, reference in self._references():
            if self._random.random() < 0.6 and isinstance(event.get(reference), str):
                event[field] = self._around(event[reference], modifiers)
        return event

    def _read(self, detection):
        if isinstance(detection, dict):
            for key, value in detection.items():
                field, _, modifiers = key.partition("|")
                for one in value if isinstance(value, list) else [value]:
                    for wanted in [field] if field else FIELDS:
                        self._wanted[wanted].append((modifiers, one))
        elif isinstance(detection, list):
            for part in detection:
                self._read(part)
        elif detection is not None:
            self._read({"": detection})

    def _references(self):
        for field, wanted in self._wanted.items():
            for modifiers, value in wanted:
                if "fieldref" in modifiers:
                    yield field, modifiers, value

    def _text(self, modifiers, value):
        mods = modifiers.split("|")
        if "re" in mods:
            return self._around(REGEXES[value], modifiers)
        if "cidr" in mods:
            return self._address(ip_network(value))
        if isinstance(value, bool) or value is None:
            return self._random.choice([str(value), str(value).lower(), "", "x"])
        if isinstance(value, int | float):
            is_time = {"minute", "hour", "day", "week", "month", "year"} & set(mods)
            return self._time(*is_time, value) if is_time else self._number(value)
        text = self._unescaped(value)
        if {"base64", "base64offset"} & set(mods):
            return self._encoded(text, mods)
        if "wide" in mods:
            text = "".join(f"{character}\0" for character in text)
        if "windash" in mods:
            text = text.replace("-", self._random.choice("-/\u2013\u2014\u2015"))
        return self._around(text, modifiers)

    def _encoded(self, text, mods):
        codes = {"wide": "utf-16le", "utf16le": "utf-16le", "utf16": "utf-16le", "utf16be": "utf-16be"}
        code = next((codes[mod] for mod in mods if mod in codes), "utf-8")
        n_before = self._random.randrange(3) if "base64offset" in mods else 0
        before = b"\xff\xfe" if "utf16" in mods else b"x" * n_before
        return b64encode(before + text.encode(code)).decode()

    def _unescaped(self, pattern):
        choice, text, at = self._random.choice, "", 0
        while at < len(pattern):
            character = pattern[at]
            if character == "\\" and pattern[at + 1 : at + 2] in ("*", "?", "\\"):
                character, at = pattern[at + 1], at + 1
            elif character in "*?":
                character = choice(["", "a", "é", "\n", "b a"]) if character == "*" else choice("aé\n")
            text, at = text + character, at + 1
        return text

    def _around(self, text, modifiers):
        """Change the case, the ends or a character, or nothing."""
        choice = self._random.choice
        before = choice(["", "x", "a ", "\n"]) if "contains" in modifiers or "ends" in modifiers else ""
        after = choice(["", "x", " b", "\n"]) if "contains" in modifiers or "starts" in modifiers else ""
        change = choice(["none"] * 4 + ["upper", "lower", "swap", "cut", "add", "double"])
        if change == "cut" and text:
            at = self._random.randrange(len(text))
            text = text[:at] + text[at + 1 :]
        elif change == "add":
            text = choice(["x", "\n", "\u017f", "\\"]) + text
        elif change == "double":
            text += text
        else:
            text = {"upper": text.upper(), "lower": text.lower(), "swap": text.swapcase()}.get(change, text)
        return before + text + after

    def _number(self, number):
        number += self._random.choice([0, 0, 0, 1, -1, 0.5])
        forms = [str(number), f"{number}.0", f"+{number}", f"0{number}", f" {number}", f"{number}x", f"x{number}"]
        if isinstance(number, int) and number >= 0:
            forms += [hex(number), hex(number).upper(), f"0x0{number:x}", str(number)]
        return self._random.choice([str(number), *forms])

    def _address(self, network):
        last = min(network.num_addresses - 1, 300)
        address = network.network_address + self._random.randrange(last + 1)
        if self._random.random() < 0.2:
            address = ip_address(self._random.choice(["9.255.255.255", "11.0.0.0", "fec0::", "::2", "::ffff:10.1.2.3"]))
        forms = [str(address), str(address).upper(), address.exploded, f" {address}", f"{address}/32", "-"]
        forms += [f"::ffff:{address}"] if address.version == 4 else [f"{address}%eth0"]
        return self._random.choice([str(address), *forms])

    def _time(self, part, number):
        at = datetime.fromisoformat("2021-08-24T03:08:09.123456")
        if part == "week":
            at = datetime.fromisocalendar(2020, min(max(int(number), 1), 53), 4)
        elif number in {"minute": range(60), "hour": range(24), "day": range(1, 32), "month": range(1, 13)}.get(
            part, range(1, 9_999)
        ):
            at = at.replace(**{part: int(number)})
        forms = [at.isoformat(), f"{at}", f"{at:%Y-%m-%dT%H:%M:%S}Z", f"{at:%Y-%m-%d %H:%M:%S}+09:00", f"{at} UTC"]
        return self._random.choice([*forms, f"{at:%Y-%m-%d}", "", "now"])


def test_columns_and_rows_give_the_same_answer_to_20_000_questions(oracle, matched):
    answers = Counter()

    @settings(max_examples=N_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(RULES, min_size=N_RULES, max_size=N_RULES), st.integers(0, 2**32))
    def compare(rules, seed):
        forge = Forge(rules, seed)
        events = [forge.event() for _ in range(N_EVENTS)]
        parsed = [SigmaRule.from_dict(rule) for rule in rules]
        expected = [[row for row, event in enumerate(events) if oracle.holds(rule, event)] for rule in parsed]
        assert matched([compile_rule(rule) for rule in parsed], events) == expected, events
        answers[True] += sum(map(len, expected))
        answers[False] += len(rules) * len(events) - sum(map(len, expected))

    compare()
    assert answers.total() >= N_EXAMPLES * N_RULES * N_EVENTS
    # Neither the empty answer nor its opposite would do.
    assert 0.15 < answers[True] / answers.total() < 0.85
