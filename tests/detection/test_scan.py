from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.detection.fold import N_ENTITIES, N_VALUE_SETS
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.telemetry.collect import Retrieved
from stillhunt.telemetry.event import EventClass
from stillhunt.terms.entity import Entity, EntityKind

START = datetime(2021, 8, 24, 3, 0, tzinfo=UTC)


def unshifted(file, host):
    return 0


def security(event_id, *categories):
    return EventClass(
        product="windows",
        categories=frozenset(categories),
        services=frozenset({"security"}),
        channel="Security",
        provider="Microsoft-Windows-Security-Auditing",
        event_id=event_id,
    )


@pytest.fixture
def rules(tmp_path):
    def load(*detections, source="{product: windows, category: process_creation}"):
        for number, detection in enumerate(detections):
            text = (
                f"title: Rule {number}\nid: {number:08}-0000-4000-8000-000000000000\nlogsource: {source}\n"
                f"tags: [attack.execution, attack.t1059]\nlevel: high\ndetection: {detection}\n"
            )
            (tmp_path / f"{number}.yml").write_text(text)
        return load_rules([tmp_path])

    return load


class Scanning(Scan):
    """A scan that gives its batches again when records are asked for."""

    def __init__(self, rules):
        super().__init__(rules)
        self.fed = []

    def feed(self, batch):
        self.fed.append(batch)
        super().feed(batch)

    def found(self, shift_s=unshifted):
        return self.findings(shift_s, self.fetch)

    def fetch(self, wanted):
        for batch in self.fed:
            numbers = zip(batch.data["event.file"].to_pylist(), batch.data["event.record"].to_pylist(), strict=True)
            yield Retrieved(batch, {(file, number): f"<Event {number}/>" for file, number in numbers})


@pytest.fixture
def scanned(rules, make_batch):
    def scan(detection, *events):
        scanning = Scanning(rules(detection))
        scanning.feed(make_batch(*events))
        return scanning.found()

    return scan


IMAGE = "{sel: {Image|endswith: '\\a.exe'}, condition: sel}"


def test_a_finding_says_which_clause_held_and_what_was_found(scanned):
    detection = (
        "{img: [{Image|endswith: '\\a.exe'}, {OriginalFileName: a}], cli: {CommandLine|contains: [x, y]}, "
        "f: {User: null}, condition: img and cli and not f}"
    )
    (finding,) = scanned(detection, {"Image": "C:\\A.exe", "CommandLine": "do Y", "User": "u"})
    tree = finding.evidence[0].matched
    img, cli, no_filter = tree.children
    assert (tree.kind, img.kind, img.label, cli.kind, cli.label) == ("and", "or", "img", "and", "cli")
    (clause,) = img.children
    assert (clause.kind, clause.label, clause.field, clause.value) == (
        "field",
        "Image|endswith: \\a.exe",
        "Image",
        "C:\\A.exe",
    )
    (values,) = cli.children
    assert (values.kind, values.label) == ("or", "CommandLine|contains")
    assert [c.label for c in values.children] == ["CommandLine|contains: y"]
    assert (no_filter.kind, no_filter.label) == ("not", "f")


def test_a_keyword_says_where_it_was_found(scanned):
    (finding,) = scanned("{keywords: [katz], condition: keywords}", {"Image": "C:\\mimikatz.exe"})
    (clause,) = finding.evidence[0].matched.children
    assert (clause.kind, clause.label, clause.field, clause.value) == (
        "keyword",
        "keyword: katz",
        "",
        "C:\\mimikatz.exe",
    )


def test_an_absent_field_is_shown_as_absent(scanned):
    (finding,) = scanned("{sel: {Image: a, User: null}, condition: sel}", {"Image": "a"})
    clause = finding.evidence[0].matched.children[1]
    assert (clause.label, clause.field, clause.value) == ("User: null", "User", None)


def test_the_same_values_on_the_same_host_are_one_finding(scanned):
    found = scanned(
        IMAGE,
        {"Image": "C:\\a.exe", "User": "one"},
        {"Image": "c:\\A.EXE", "User": "two"},
        {"Image": "D:\\a.exe"},
        {"Image": "C:\\a.exe", "host.name": "web2"},
    )
    assert sorted(f.count for f in found) == [1, 1, 2]
    assert len({f.id for f in found}) == 3


def test_sysmon_and_security_record_one_happening(rules, make_batch):
    detection = (
        "{img: [{OriginalFileName: a.exe}, {Image|endswith: '\\a.exe'}], cli: {CommandLine|contains: x}, "
        "condition: all of them}"
    )
    scan = Scanning(rules(detection))
    scan.feed(make_batch({"Image": "C:\\a.exe", "CommandLine": "a x", "OriginalFileName": "A.exe", "Hashes": "h"}))
    twin = {"Image": "c:\\A.exe", "CommandLine": "A x", "NewProcessName": "c:\\A.exe", "event.file": "Security.evtx"}
    scan.feed(make_batch(twin, event_class=security("4688", "process_creation")))
    (finding,) = scan.found()
    assert finding.count == 2
    assert {e.ref.file for e in finding.evidence} == {"a.evtx", "Security.evtx"}


def test_evidence_is_the_first_four_records_and_the_last(scanned):
    events = [{"Image": "C:\\a.exe", "@timestamp": START + timedelta(minutes=m)} for m in (5, 0, 9, 3, 7, 1)]
    (finding,) = scanned(IMAGE, *events)
    minutes = [(e.ref.at - START) // timedelta(minutes=1) for e in finding.evidence]
    assert minutes == [0, 1, 3, 5, 9]
    assert (finding.count, finding.n_evidence_omitted) == (6, 1)
    assert (finding.first_at, finding.last_at) == (START, START + timedelta(minutes=9))


def test_records_without_a_time_are_counted_and_shown_last(scanned):
    (finding,) = scanned(IMAGE, {"Image": "\\a.exe", "@timestamp": None}, {"Image": "\\a.exe", "@timestamp": START})
    assert [e.ref.record for e in finding.evidence] == [2, 1]
    assert finding.first_at == finding.last_at == START


def test_nothing_with_a_time_leaves_the_finding_undated(scanned):
    (finding,) = scanned(IMAGE, {"Image": "\\a.exe", "@timestamp": None})
    assert finding.first_at is None
    assert finding.evidence[0].ref.at is None


def test_a_shifted_clock_moves_times_and_says_so(rules, make_batch):
    scan = Scanning(rules(IMAGE))
    scan.feed(make_batch({"Image": "\\a.exe", "@timestamp": START, "event.file": "wrong.evtx"}))
    scan.feed(make_batch({"Image": "\\a.exe", "@timestamp": START + timedelta(hours=1), "event.file": "right.evtx"}))
    (finding,) = scan.found(lambda file, host: 25_200 if (file, host) == ("wrong.evtx", "web1") else 0)
    assert [(e.ref.file, e.ref.clock) for e in finding.evidence] == [
        ("right.evtx", "TimeCreated"),
        ("wrong.evtx", "TimeCreated +7:00"),
    ]
    assert finding.first_at == START + timedelta(hours=1)
    assert finding.last_at == START + timedelta(hours=7)


def test_entities_come_from_the_common_columns(scanned):
    (finding,) = scanned(
        IMAGE,
        {
            "Image": "\\a.exe",
            "user.name": "corp\\alice",
            "user.target.name": "-",
            "source.ip": "10.0.0.1",
            "destination.ip": "",
            "process.executable": "C:\\A.exe",
            "process.entity_id": "{1}",
            "process.parent.entity_id": "{0}",
            "file.hash.sha256": "ab",
        },
    )
    assert finding.entities == tuple(
        sorted(
            [
                Entity(EntityKind.HOST, "web1"),
                Entity(EntityKind.ACCOUNT, "corp\\alice", "subject"),
                Entity(EntityKind.ADDRESS, "10.0.0.1", "source"),
                Entity(EntityKind.PROCESS, "c:\\a.exe"),
                Entity(EntityKind.PROCESS_ID, "{1}", "subject"),
                Entity(EntityKind.PROCESS_ID, "{0}", "parent"),
                Entity(EntityKind.HASH, "ab"),
            ]
        )
    )
    assert finding.has_all_entities


def test_a_finding_about_more_than_it_can_hold_says_so(scanned):
    events = [{"Image": "\\a.exe", "user.name": f"u{number:04}"} for number in range(N_ENTITIES + 20)]
    (finding,) = scanned(IMAGE, *events)
    accounts = [e.value for e in finding.entities if e.kind is EntityKind.ACCOUNT]
    assert accounts == [f"u{number:04}" for number in range(N_ENTITIES)]
    assert not finding.has_all_entities


def test_further_sets_of_values_share_a_finding_that_says_so(scanned):
    n_sets = N_VALUE_SETS + 50
    found = scanned(IMAGE, *({"Image": f"C:\\{n}\\a.exe"} for n in range(n_sets)))
    assert len(found) == N_VALUE_SETS + 1
    assert sum(f.count for f in found) == n_sets
    (shared,) = [f for f in found if f.count > 1]
    assert shared.count == 50
    assert all("more than 200 sets of values" in e.matched.label for e in shared.evidence)


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations(range(15)),
    cuts=st.sets(st.integers(1, 11), max_size=4),
    times=st.tuples(st.lists(st.none() | st.integers(0, 6), min_size=12, max_size=12), st.sampled_from([0, 60, 7_200])),
)
def test_the_order_of_files_and_batches_changes_nothing(order, cuts, times, one_rule):
    rule_set, make = one_rule
    minutes, shift = times
    files = [
        [
            {
                "Image": f"C:\\{(file + row) % 2}\\a.exe",
                "@timestamp": None if minutes[row] is None else START + timedelta(minutes=minutes[row] + file),
                "event.file": f"{file}.evtx",
                "event.record": row,
                "user.name": f"u{row}",
            }
            for row in range(12)
        ]
        for file in range(3)
    ]
    bounds = [0, *sorted(cuts), 12]
    batches = [make(*events[a:b]) for events in files for a, b in itertools.pairwise(bounds)]
    whole, cut = Scanning(rule_set), Scanning(rule_set)
    for events in files:
        whole.feed(make(*events))
    for place in sorted(range(len(batches)), key=lambda n: order[n]):
        cut.feed(batches[place])
    assert whole.found(lambda file, _: shift if file == "1.evtx" else 0) == cut.found(
        lambda file, _: shift if file == "1.evtx" else 0
    )


@pytest.fixture(scope="module")
def one_rule(tmp_path_factory, make_batch):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "a.yml").write_text(
        f"title: A\nid: 00000000-0000-4000-8000-000000000000\n"
        f"logsource: {{product: windows, category: process_creation}}\ndetection: {IMAGE}\n"
    )
    return load_rules([folder]), make_batch


@pytest.mark.parametrize(
    ("source", "event_class", "is_covered"),
    [
        ("{product: windows, category: process_creation}", security("4688", "process_creation"), True),
        ("{product: windows, category: process_creation}", security("4624"), False),
        ("{product: windows, service: security}", security("4624"), True),
        ("{product: windows, service: sysmon}", security("4688", "process_creation"), False),
        (
            "{product: windows, category: process_creation, service: security}",
            security("4688", "process_creation"),
            True,
        ),
        (
            "{product: windows, category: process_creation, service: sysmon}",
            security("4688", "process_creation"),
            False,
        ),
        ("{product: windows}", security("4624"), True),
        ("{category: process_creation}", security("4688", "process_creation"), True),
        ("{product: linux, category: process_creation}", security("4688", "process_creation"), False),
        ("{product: Windows, service: Security}", security("4624"), True),
        ("{category: webserver}", EventClass(product="iis", categories=frozenset({"webserver"})), True),
        ("{category: webserver}", security("4624"), False),
    ],
)
def test_a_rule_sees_only_the_logs_it_names(rules, make_batch, source, event_class, is_covered):
    scan = Scanning(rules("{sel: {A: x}, condition: sel}", source=source))
    scan.feed(make_batch({"A": "x"}, event_class=event_class))
    assert len(scan.found()) == is_covered
    (state,) = scan.rule_states()
    assert state.status == ("active" if is_covered else "dormant")
    assert state.n_findings == is_covered
    assert is_covered or state.reason.startswith("no such source in these logs: ")


def test_a_rule_still_tests_the_channel_and_event_id_that_it_names(rules, make_batch):
    detection = "{sel: {EventID: 4624, Channel: Security}, condition: sel}"
    scan = Scanning(rules(detection, source="{product: windows, service: security}"))
    events = ({"EventID": "4625", "Channel": "Security"}, {"EventID": "4624", "Channel": "Security"})
    scan.feed(make_batch(*events, event_class=security("4624")))
    (finding,) = scan.found()
    assert [e.ref.record for e in finding.evidence] == [2]


def test_the_ledger_holds_active_dormant_and_inert_rules_by_path(rules, make_batch, tmp_path):
    rule_set = rules(IMAGE, "{sel: {Image|endswit: x}, condition: sel}")
    scan = Scanning(rule_set)
    assert [s.status for s in scan.rule_states()] == ["dormant", "inert"]
    scan.feed(make_batch({"Image": "\\a.exe"}))
    active, inert = scan.rule_states()
    assert (active.status, active.n_findings, active.tactics) == ("active", 1, ("execution",))
    assert (inert.path, inert.reason) == (f"{tmp_path / '1.yml'}:6", "Unknown modifier 'endswit'")


def test_a_class_without_events_in_it_still_makes_rules_active(rules, make_batch):
    scan = Scanning(rules(IMAGE))
    scan.feed(make_batch({"Image": "x"}))
    assert scan.rule_states()[0].status == "active"
    assert scan.found() == ()
