"""DNS tunnelling and exfiltration: data carried in names that are asked for, by the thousand or seven in a year.

Method: names below one registered domain are divided by whether they look like encoded data (length, entropy of their
characters, digits). A tunnel asks for very many different names of one domain; a slow theft for few, but all of them
encoded, hardly one twice, of a domain that nobody else asks for. Neither depends on how many other questions there
are. After Born and Gustafson, "Detecting DNS tunnels using character frequency analysis" (2010), and RITA's count of
subdomains.

Reputation services of virus scanners and mail filters ask in the same way; those that are known are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import source_entity
from stillhunt.detection.behaviour.population import Population
from stillhunt.detection.behaviour.questions import QUESTIONS
from stillhunt.detection.behaviour.wording import bytes_words, count_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_MANY_NAMES, _MANY_BYTES = 100, 4_000
_FEW_NAMES, _FEW_BYTES, _MEAN_LENGTH = 5, 150, 26
_PLAIN_NAMES = 500
_SHARE_ENCODED, _SHARE_NEW = 0.5, 0.7

_REPUTATION = frozenset(
    [
        "abuseat.org",
        "avast.com",
        "avcdn.net",
        "barracudabrts.com",
        "barracudacentral.org",
        "bitdefender.net",
        "cymru.com",
        "dnswl.org",
        "e5.sk",
        "eset.com",
        "f-secure.com",
        "habeas.com",
        "kaspersky-labs.com",
        "kaspersky.com",
        "mailspike.net",
        "mcafee.com",
        "njabl.org",
        "nobreak.com",
        "senderbase.org",
        "senderscore.com",
        "sophosxl.com",
        "sophosxl.net",
        "sorbs.net",
        "spamcop.net",
        "spamhaus.net",
        "spamhaus.org",
        "surbl.org",
        "symantec.com",
        "trendmicro.com",
        "uribl.com",
        "webcfs00.com",
        "webrootcloudav.com",
    ]
)
"""Domains whose owners let questions carry hashes and addresses: reputation of files, senders and sites."""

_CONTENT = frozenset(
    [
        "akadns.net",
        "akamai.net",
        "akamaiedge.net",
        "akamaihd.net",
        "amazonaws.com",
        "azure.com",
        "cloudflare.net",
        "edgekey.net",
        "edgesuite.net",
        "fastly.net",
        "fbcdn.net",
        "google.com",
        "googleapis.com",
        "googleusercontent.com",
        "googlevideo.com",
        "gvt1.com",
        "gvt2.com",
        "icloud.com",
        "microsoft.com",
        "office.com",
        "office.net",
        "msedge.net",
        "trafficmanager.net",
        "windows.net",
        "windows.com",
        "windowsupdate.com",
    ]
)
"""Domains with so many names of machines that long ones say nothing; data to them goes by other ways."""

Row = dict[str, Any]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    table = tables[QUESTIONS.name]
    population = Population.of(table, "domain")
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows_of(table):
        if row["domain"] not in _REPUTATION | _CONTENT:
            pairs.setdefault((row["source"], row["domain"]), {})[row["looks"]] = row
    for looks in pairs.values():
        encoded, plain = looks.get("encoded"), looks.get("plain")
        if encoded is not None and population.is_rare(encoded["domain"]):
            n_plain = distinct(plain["names"]) if plain is not None else 0
            n_names = distinct(encoded["names"])
            if n_names >= _MANY_NAMES and encoded["carried"] >= _MANY_BYTES:
                yield _observed(encoded, n_names, population, is_slow=False)
                continue
            if _is_slow(encoded, n_names, n_plain):
                yield _observed(encoded, n_names, population, is_slow=True)
                continue
        if plain is not None and population.is_rare(plain["domain"]):
            n_names = distinct(plain["names"])
            if n_names >= _PLAIN_NAMES and n_names >= _SHARE_NEW * plain["n"]:
                yield _observed(plain, n_names, population, is_slow=False)


def _is_slow(row: Row, n_names: int, n_plain: int) -> bool:
    return (
        n_names >= _FEW_NAMES
        and row["carried"] >= max(_FEW_BYTES, _MEAN_LENGTH * row["n"])
        and n_names >= _SHARE_NEW * row["n"]
        and n_names >= _SHARE_ENCODED * (n_names + n_plain)
    )


def _observed(row: Row, n_names: int, population: Population, *, is_slow: bool) -> Observation:
    names = "names that look like encoded data" if row["looks"] == "encoded" else "different names"
    about = "about " if n_names > 256 else ""
    common = f", asked by {population.words(row['domain'])}" if population.is_telling else ""
    sentence = (
        f"{row['source']} asked for {about}{n_names:,} {names} below {row['domain']} over "
        f"{span_words(row['first_at'], row['last_at'])}, carrying {bytes_words(row['carried'])}{common}"
    )
    threshold = (
        f"{_FEW_NAMES} or more, hardly one twice"
        if is_slow
        else f"{_MANY_NAMES if row['looks'] == 'encoded' else _PLAIN_NAMES} or more"
    )
    return Observation(
        identity=(row["source"], row["domain"], row["looks"]),
        sentence=sentence,
        why=(
            ("different names", f"{about}{n_names:,} in {count_words(row['n'], 'question')} ({threshold})"),
            (
                "characters carried",
                f"{row['carried']:,}, {row['carried'] // row['n']:,} on average, longest {row['longest']:,}",
            ),
            ("questions for records that carry data", f"{row['odd']:,}"),
            ("sources that ask for this domain", f"{population.words(row['domain'])} (few are up to {population.few})"),
        ),
        places=tuple(dict.fromkeys((first_place(row), last_place(row)))),
        entities=(source_entity(row["source"]), ("domain", row["domain"], "destination")),
        count=row["n"],
        level=Level.MEDIUM if is_slow or row["looks"] == "plain" else None,
        measured={"names": n_names, "carried": row["carried"]},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-dns-tunnelling",
        title="DNS tunnelling or exfiltration: names that carry data",
        description="A machine asks name servers for names that look like encoded data, of a domain that few others "
        "ask for. Name servers pass such questions on to whoever owns the domain, out of networks that let out nothing "
        "else.",
        level=Level.HIGH,
        path="behaviour/dns_tunnelling",
        tactics=("command-and-control", "exfiltration"),
        techniques=("T1071.004", "T1048.003"),
        false_positives=("Reputation services and telemetry of products that only a few machines have",),
        references=("https://github.com/activecm/rita",),
    ),
    logs="questions to name servers (Zeek dns, Suricata dns, Sysmon 22)",
    thresholds={
        "tunnel": f"{_MANY_NAMES} different encoded names of one domain with {_MANY_BYTES:,} characters, or "
        f"{_PLAIN_NAMES} different names of any look, of which hardly one is asked for twice",
        "slow theft": f"{_FEW_NAMES} different encoded names with {_FEW_BYTES} characters, {_MEAN_LENGTH} on "
        "average: less "
        f"carries nothing worth having; {_SHARE_NEW:.0%} of the questions are for a new name, and "
        f"{_SHARE_ENCODED:.0%} of "
        "all names of the domain are encoded",
        "rarity": "at most one in 500 of the sources, or three, ask for names of the domain",
    },
    aggregates=(QUESTIONS,),
    findings=_findings,
)
