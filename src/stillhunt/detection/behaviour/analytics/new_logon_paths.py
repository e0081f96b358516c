"""Logon paths never seen: an account that in one day reaches many machines it never logged on to.

Method: a path is an account, where it comes from, and the machine it logs on to over the network or remotely. After a
fortnight of logs, the new paths of every account and day are counted and compared with those of all accounts and days
(modified z-score): administrators open new paths now and then, an intruder who looks around opens many in a day.
Apart from that, a remote desktop from a machine to a machine between which there never was one is told if the account
has a month of history without it.

Source of the idea: King and Huang, "Euler: detecting network lateral movement via scalable temporal graph link
prediction", NDSS 2022, and simpler ones before it: lateral movement is new edges.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.detection.behaviour.baseline import modified_z
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, by_account, uses_of
from stillhunt.detection.behaviour.wording import count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_LEARNING_DAYS = 14
_NEW_HOSTS, _STRANGE = 5, 3.5
_DESKTOP_DAYS, _DESKTOP_ACTIVE = 30, 10
_NETWORK, _DESKTOP = frozenset({"3", "10"}), "10"
_SHOWN = 20


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    uses = [
        use
        for use in uses_of(tables[SIGN_INS.name])
        if use.service == "windows" and use.outcome == "success" and use.logon in _NETWORK and use.address
    ]
    if not uses:
        return
    begin = min(use.day for use in uses)
    accounts = by_account(uses)
    new: dict[tuple[str, int], list[Use]] = {}
    counts: dict[tuple[str, int], int] = {}
    for account, own in accounts.items():
        seen: set[str] = set()
        for use in own:
            counts.setdefault((account, use.day), 0)
            if use.host not in seen and use.day - begin >= _LEARNING_DAYS:
                new.setdefault((account, use.day), []).append(use)
                counts[account, use.day] += 1
            seen.add(use.host)
        yield from _desktops(account, own)
    learned = [count for (_, day), count in counts.items() if day - begin >= _LEARNING_DAYS]
    for (account, day), opened in new.items():
        z = modified_z(len(opened), learned, least_spread=0.5)
        if len(opened) >= _NEW_HOSTS and z >= _STRANGE:
            yield _observed(account, day, opened, z)


def _desktops(account: str, own: list[Use]) -> Iterator[Observation]:
    """Yield the first remote desktop between two machines by an account that had none like it for a month."""
    known: set[tuple[str, str]] = set()
    days: set[int] = set()
    sources: set[str] = set()
    for use in own:
        path = (use.address, use.host)
        is_settled = bool(days) and use.day - min(days) >= _DESKTOP_DAYS and len(days) >= _DESKTOP_ACTIVE
        if use.logon == _DESKTOP and path not in known and use.address not in sources and is_settled:
            sentence = (
                f"{account} opened a remote desktop on {use.host} from {use.address} on "
                f"{day_words(use.first.at)}, for the "
                f"first time from there in {count_words(use.day - min(days), 'day')} of its logons"
            )
            yield Observation(
                identity=(account, *path),
                sentence=sentence,
                why=(
                    ("days of logons before", f"{len(days):,} (threshold {_DESKTOP_ACTIVE})"),
                    ("machines that the account came from before", f"{len(sources):,}"),
                ),
                places=(use.first,),
                entities=(("host", use.host, ""), ("account", account, "target"), ("address", use.address, "source")),
                count=use.n,
                n_days=1,
                level=Level.LOW,
            )
        known.add(path)
        sources.add(use.address)
        days.add(use.day)


def _observed(account: str, day: int, opened: list[Use], z: float) -> Observation:
    hosts = sorted({use.host for use in opened})
    addresses = sorted({use.address for use in opened})
    opened.sort(key=lambda use: use.first)
    sentence = (
        f"{account} logged on to {len(hosts):,} machines on {day_words(opened[0].first.at)} that it had never "
        "logged on to, "
        f"from {', '.join(addresses[:3])}"
    )
    entities: list[EntityKey] = [("host", host, "target") for host in hosts[:_SHOWN]]
    entities += [("account", account, "target"), *(("address", address, "source") for address in addresses[:_SHOWN])]
    return Observation(
        identity=(account, str(day)),
        sentence=sentence,
        why=(
            ("machines never logged on to before", f"{len(hosts):,} (threshold {_NEW_HOSTS})"),
            ("against all accounts and days", f"{z:.1f} robust deviations above the median (threshold {_STRANGE})"),
        ),
        places=tuple(dict.fromkeys(use.first for use in (*opened[:4], opened[-1]))),
        entities=tuple(entities),
        count=sum(use.n for use in opened),
        n_days=1,
        measured={"hosts": len(hosts)},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-new-logon-paths",
        title="Logons to machines never logged on to before",
        description="An account reaches many machines in a day that it never logged on to, or opens a remote desktop "
        "from a machine it never came from.",
        level=Level.MEDIUM,
        path="behaviour/new_logon_paths",
        tactics=("lateral-movement",),
        techniques=("T1021", "T1078"),
        false_positives=("Inventories and roll-outs by administrators",),
    ),
    logs="network and remote logons (Windows 4624)",
    thresholds={
        "learning": f"nothing is new in the first {_LEARNING_DAYS} days of the logons",
        "machines": f"{_NEW_HOSTS} new ones in a day, and {_STRANGE} robust deviations above what accounts do in a day",
        "remote desktop": f"told alone after {_DESKTOP_DAYS} days of history with {_DESKTOP_ACTIVE} active ones",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
