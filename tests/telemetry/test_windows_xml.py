"""Windows events as XML are read whatever stands around them, and one that is damaged costs itself only."""

# ruff: noqa: E501 - records stand here as logs have them

from __future__ import annotations

import io
import json
import xml.sax.saxutils as sax

import pytest
from evtx import PyEvtxParser
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.telemetry.retrieve import retrieve
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources.windows_xml import SOURCE

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
HEAD = "<?xml version='1.0' encoding='utf-8' standalone='yes'?>"


def event(number=1, *, quote="'", data="", system="", behind="", channel="Security"):
    text = (
        f"<Event xmlns='{NAMESPACE}'><System>"
        "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/>"
        f"<EventID>4688</EventID><Version>2</Version><Level>0</Level><Task>13312</Task><Opcode>0</Opcode>"
        f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2021-08-24T03:12:{number % 60:02}.6206890Z'/>"
        f"<EventRecordID>{number}</EventRecordID><Correlation/><Execution ProcessID='4' ThreadID='8'/>"
        f"<Channel>{channel}</Channel><Computer>WS1.corp.example</Computer><Security/>{system}</System>"
        f"<EventData><Data Name='NewProcessName'>C:\\Windows\\System32\\cmd.exe</Data>"
        f"<Data Name='CommandLine'>{data or 'cmd /c &quot;a &amp; b&quot;'}</Data></EventData>{behind}</Event>"
    )
    return text.replace("'", quote)


def pretty(text):
    return text.replace("><", ">\r\n  <")


WRITTEN = {
    "a document of the Event Viewer": lambda es: f"{HEAD}<Events>{''.join(es)}</Events>",
    "a pretty document": lambda es: f"{HEAD}\r\n<Events>\r\n{pretty(''.join(es))}\r\n</Events>\r\n",
    "one per line": "\n".join,
    "one after another": "".join,
    "pretty, one after another": lambda es: pretty("\n".join(es)),
    "behind the header of a syslog line": lambda es: "".join(f"<13>Aug 24 03:12:01 ws1 WEF: {e}\n" for e in es),
    "in a string of JSON lines": lambda es: "".join(json.dumps({"host": "x", "raw": e}) + "\n" for e in es),
    "in strings of a JSON array over many lines": lambda es: json.dumps([{"raw": e} for e in es], indent=2),
    "in a cell of a table": lambda es: "".join('ws1,"{}"\n'.format(e.replace('"', '""')) for e in es),
    "in a JSON string behind a header": lambda es: "".join(f"<13>x: {json.dumps({'raw': e})}\n" for e in es),
}


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("how", WRITTEN)
def test_events_are_read_however_they_are_written(read, tmp_path, how, encoding, quote):
    if quote == "'" and how == "in a JSON string behind a header":
        pytest.skip("nothing in such a line says that its backslashes are escapes")
    path = tmp_path / "export.txt"
    path.write_bytes(WRITTEN[how]([event(n, quote=quote) for n in (7, 8, 9)]).encode(encoding))
    rows, coverage = read(path)
    assert [f.source for f in coverage.files] == ["windows_xml"]
    assert (coverage.n_events, coverage.n_unread) == (3, 0)
    assert [r["EventRecordID"] for r in rows] == ["7", "8", "9"]
    row = rows[0]
    assert row["@timestamp"].isoformat() == "2021-08-24T03:12:07.620689+00:00"
    assert (row["host.name"], row["Provider_Name"]) == ("ws1.corp.example", "Microsoft-Windows-Security-Auditing")
    assert (row["CommandLine"], row["Image"]) == ('cmd /c "a & b"', "C:\\Windows\\System32\\cmd.exe")
    assert row["class"].categories == {"process_creation"}


def test_classic_events_have_unnamed_data_and_an_id_with_qualifiers(read, tmp_path):
    text = event().replace("<EventID>4688</EventID>", "<EventID Qualifiers='16384'>600</EventID>")
    start, _, rest = text.partition("<EventData>")
    data = "<EventData><Data>one</Data><Data/><Data>three</Data><Binary>00FF</Binary></EventData>"
    (tmp_path / "x.xml").write_text(start + data + rest.partition("</EventData>")[2])
    [row], _ = read(tmp_path)
    assert (row["EventID"], row["Data"], row["Binary"]) == ("600", ["one", "", "three"], "00FF")


def test_user_data_and_rendered_messages_are_fields(read, tmp_path):
    message = "<RenderingInfo Culture='en-US'><Message>It was\ncleared.</Message><Level>Info</Level></RenderingInfo>"
    user = f"<UserData><LogFileCleared xmlns='x'><SubjectUserName>eve</SubjectUserName></LogFileCleared></UserData>{message}"
    (tmp_path / "x.xml").write_text(event(behind=user))
    [row], _ = read(tmp_path)
    assert (row["SubjectUserName"], row["Message"]) == ("eve", "It was\ncleared.")


def test_forwarded_events_keep_the_channel_of_their_origin(read, tmp_path):
    rendering = "<RenderingInfo Culture='de-DE'><Message>Ein Prozess</Message><Channel>ForwardedEvents</Channel></RenderingInfo>"
    (tmp_path / "forwarded.xml").write_text(event(behind=rendering))
    [row], _ = read(tmp_path)
    assert (row["Channel"], row["class"].services) == ("Security", {"security"})


def test_flat_events_of_forwarders_are_events(read, tmp_path):
    fields = {"EventTime": "2021-08-24T03:12:09Z", "Hostname": "WS1", "EventID": "4624", "Channel": "Security"}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    system = "<SourceName>Microsoft-Windows-Security-Auditing</SourceName><TargetUserName>bob</TargetUserName>"
    (tmp_path / "x.xml").write_text(f"<Event>{inner}{system}</Event>\n{event(2)}")
    rows, _ = read(tmp_path)
    assert sorted((r["EventID"], r.get("TargetUserName")) for r in rows) == [("4624", "bob"), ("4688", None)]


DAMAGED = {
    "breaks off and another begins": (event(1)[:300] + event(2), ["2"], "breaks off before its end"),
    "breaks off at the end of the file": (event(1) + event(2)[:400], ["1"], "breaks off before its end"),
    "begins before the file": (event(1)[300:] + event(2), ["2"], "whose beginning is missing"),
    "tags that do not match": (event(1).replace("</System>", "</Sistem>") + event(2), ["2"], "is no XML"),
    "no System": ("<Event><Nothing/></Event>" + event(2), ["2"], "no Windows event"),
    "an entity nobody declared": (event(1, data="&bomb;") + event(2), ["2"], "is no XML"),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_event_costs_itself_only(read, tmp_path, how):
    text, kept, reason = DAMAGED[how]
    (tmp_path / "x.xml").write_text(text)
    rows, coverage = read(tmp_path)
    assert [r["EventRecordID"] for r in rows] == kept
    assert coverage.n_unread == 1
    [sample] = coverage.files[0].samples
    assert reason in sample.reason
    assert sample.text


def test_an_entity_bomb_is_never_expanded(read, tmp_path):
    bomb = "<!DOCTYPE b [<!ENTITY a 'x'><!ENTITY b '&a;&a;'><!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
    (tmp_path / "x.xml").write_text(f"<?xml version='1.0'?>{bomb}<Events>{event(1, data='&b;&e;')}{event(2)}</Events>")
    rows, coverage = read(tmp_path)
    assert [r["EventRecordID"] for r in rows] == ["2"]
    assert coverage.n_unread == 1


def test_control_characters_that_windows_writes_cost_nothing_but_themselves(read, tmp_path):
    (tmp_path / "x.xml").write_text(event(1, data="a&#x1B;[31m\x07b"))
    [row], coverage = read(tmp_path)
    assert (row["CommandLine"], coverage.n_unread) == ("a\ufffd[31m\ufffdb", 0)


def test_an_event_inside_a_request_does_not_make_a_web_log_one_of_windows():
    line = '192.0.2.1 - - [24/Aug/2021:03:12:09 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (Windows NT 10.0)"\n'
    assert not SOURCE.sniff((line * 40 + f'192.0.2.1 - - "{event()}"\n').encode())


def test_sysmon_for_linux_is_left_to_another_source():
    assert not SOURCE.sniff(event().replace("Microsoft-Windows-Security-Auditing", "Linux-Sysmon").encode())


def test_a_declared_old_encoding_counts_where_the_bytes_are_no_utf_8(read, tmp_path):
    text = f"<?xml version='1.0' encoding='windows-1251'?><Events>{event(data='привет')}</Events>"
    (tmp_path / "x.xml").write_bytes(text.encode("cp1251"))
    assert read(tmp_path)[0][0]["CommandLine"] == "привет"


def test_an_event_that_never_ends_takes_no_memory_and_the_next_is_read(read, tmp_path):
    (tmp_path / "x.xml").write_text(f"{event(1)}<Event xmlns='{NAMESPACE}'>{'x' * (6 << 20)}{event(2)}")
    rows, coverage = read(tmp_path)
    assert ([r["EventRecordID"] for r in rows], coverage.n_unread) == (["1", "2"], 1)


@pytest.mark.parametrize("how", ["pretty, one after another", "in a string of JSON lines", "a pretty document"])
def test_one_event_is_found_again_by_its_number(tmp_path, how):
    path = tmp_path / "x.xml"
    path.write_bytes(WRITTEN[how]([event(n) for n in (7, 8, 9)]).encode("utf-16"))
    [record] = retrieve(str(path), 2)
    assert record.batch.data.to_pylist()[0]["EventRecordID"] == "8"
    assert "<EventRecordID>8<" in record.original


def test_pieces_of_a_file_are_read_as_the_whole(read, tmp_path):
    path = tmp_path / "x.xml"
    path.write_text(HEAD + "<Events>" + "".join(event(n, data="y" * 3000) for n in range(1500)) + "</Events>")
    whole = [(r["event.record"], r["EventRecordID"]) for r in read(path)[0]]
    found = []
    with path.open("rb") as stream:
        cuts = SOURCE.cut(stream, 3)
    assert len(cuts) == 3
    for cut in cuts:
        content = path.read_bytes()[cut.start : cut.stop]
        log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)), first=cut.first)
        for _ in SOURCE.into_outlet(log):
            pass
        found += [(r["event.record"], r["EventRecordID"]) for b in log.outlet.rest() for r in b.data.to_pylist()]
    assert found == whole


@settings(max_examples=60, deadline=None)
@given(rubbish=st.binary(max_size=400), at=st.integers(0, 900), n_lost=st.integers(0, 300))
def test_no_damage_stops_the_reading(rubbish, at, n_lost):
    content = (event(1) + event(2) + event(3)).encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content[:at] + rubbish + content[at + n_lost :])))
    for _ in SOURCE.into_outlet(log):
        pass
    assert log.n_events >= 1


@pytest.mark.parametrize("name", ["issue_39.evtx", "2-system-Microsoft-Windows-LiveId_4Operational.evtx"])
def test_xml_of_a_real_log_gives_the_fields_of_its_evtx(shared_data, read, tmp_path, name):
    source = shared_data / "evtx" / "benign" / name
    texts = [record["data"].partition("?>")[2] for record in PyEvtxParser(str(source)).records()]
    (tmp_path / "x.xml").write_text(HEAD + "<Events>" + "".join(texts) + "</Events>")
    own = {"event.file", "event.record", "event.place"}

    def plain(rows):
        # XML knows one kind of line end.
        kept = [
            {n: " ".join(str(v).split()) for n, v in r.items() if n not in own and v not in (None, "")} for r in rows
        ]
        return sorted(kept, key=lambda r: (r["Channel"], r["EventRecordID"]))

    assert plain(read(tmp_path / "x.xml")[0]) == plain(read(source)[0])


@pytest.mark.parametrize(("folder", "n_events"), [("iis-xml-logs", 1), ("cve-2023-23397", 2)])
def test_real_xml_in_log_lines_is_read(shared_data, read, folder, n_events):
    _, coverage = read(shared_data / "linux" / "crowdsec" / folder)
    assert (coverage.n_events, coverage.n_unread) == (n_events, 0)


def test_text_that_is_escaped_twice_stays_as_logged(read, tmp_path):
    (tmp_path / "x.xml").write_text(event(data=sax.escape("<Event a='b'>&lt;</Event>")))
    [row], _ = read(tmp_path)
    assert row["CommandLine"] == "<Event a='b'>&lt;</Event>"
