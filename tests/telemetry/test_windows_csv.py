"""Windows events as CSV are read in any language, and their dates and zone are those that the whole file shows."""

# ruff: noqa: E501 - records stand here as logs have them

# ruff: noqa: DTZ001 - times without zone are what this is about

from __future__ import annotations

import gzip
import io
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.retrieve import retrieve
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources.windows_csv import SOURCE
from stillhunt.telemetry.zone import read_zone

PROCESS = """A new process has been created.

Creator Subject:
\tSecurity ID:\t\tCORP\\alice
\tAccount Name:\t\talice
\tAccount Domain:\t\tCORP
\tLogon ID:\t\t0x3E7

Process Information:
\tNew Process ID:\t\t0x1a4
\tNew Process Name:\tC:\\Windows\\System32\\cmd.exe
\tToken Elevation Type:\tTokenElevationTypeDefault (1)
\tCreator Process ID:\t0x4
\tProcess Command Line:\tcmd /c "whoami, all"
"""
ENGLISH = "Keywords,Date and Time,Source,Event ID,Task Category"
AUDITING = "Microsoft-Windows-Security-Auditing"


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def row(
    time="8/24/2021 5:12:09 PM", *, level="Audit Success", source=AUDITING, event_id="4688", message=PROCESS, sep=","
):
    return sep.join([level, time, source, event_id, "Process Creation", quoted(message)])


def sysmon(local, utc, *, number=1):
    text = f"Process Create:\nRuleName: -\nUtcTime: {utc:%Y-%m-%d %H:%M:%S}.123\nProcessGuid: {{{number}}}\nImage: C:\\a.exe"
    return row(
        f"{local:%d.%m.%Y %H:%M:%S}", level="Information", source="Microsoft-Windows-Sysmon", event_id="1", message=text
    )


def table(*rows, headings=ENGLISH):
    return "\r\n".join([headings, *rows]) + "\r\n"


@pytest.fixture
def read_text(read, tmp_path):
    def make(text, encoding="utf-8-sig"):
        path = tmp_path / "events.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read(path)

    return make


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_message_in_english_becomes_the_fields_of_its_event(read_text, encoding):
    rows, coverage = read_text(table(row(), row()), encoding)
    assert ([f.source for f in coverage.files], coverage.n_events, coverage.n_unread) == (["windows_csv"], 2, 0)
    first = rows[0]
    assert (first["Channel"], first["Provider_Name"], first["EventID"]) == ("Security", AUDITING, "4688")
    assert first["class"].categories == {"process_creation"}
    assert (first["Image"], first["CommandLine"]) == ("C:\\Windows\\System32\\cmd.exe", 'cmd /c "whoami, all"')
    assert (first["user.name"], first["Keywords"]) == ("corp\\alice", "0x8020000000000000")
    assert (first["TokenElevationType"], first["event.record"]) == ("%%1936", 2)
    assert first["@timestamp"].isoformat() == "2021-08-24T17:12:09+00:00"


HEADINGS = {
    "German": ("Ebene,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie", "24.08.2021 17:12:09"),
    "French": ("Niveau,Date et heure,Source,ID de l\u2019événement,Catégorie de la tâche", "24/08/2021 17:12:09"),
    "Spanish": ("Nivel,Fecha y hora,Origen,Id. del evento,Categoría de la tarea", "24/08/2021 17:12:09"),
    "Italian": ("Livello,Data e ora,Origine,ID evento,Categoria attività", "24/08/2021 17:12:09"),
    "Portuguese": ("Nível,Data e Hora,Fonte,Identificação do Evento,Categoria da Tarefa", "24/08/2021 17:12:09"),
    "Dutch": ("Niveau,Datum en tijd,Bron,Gebeurtenis-id,Taakcategorie", "24-8-2021 17:12:09"),
    "Polish": ("Poziom,Data i godzina,Źródło,Identyfikator zdarzenia,Kategoria zadania", "24.08.2021 17:12:09"),
    "Russian": ("Уровень,Дата и время,Источник,Код события,Категория задачи", "24.08.2021 17:12:09"),
    "Czech": ("Úroveň,Datum a čas,Zdroj,ID události,Kategorie úlohy", "24. 8. 2021 17:12:09"),
    "Turkish": ("Düzey,Tarih ve Saat,Kaynak,Olay Kimliği,Görev Kategorisi", "24.08.2021 17:12:09"),
    "Japanese": ("レベル,日付と時刻,ソース,イベント ID,タスクのカテゴリ", "2021/08/24 17:12:09"),
    "Chinese": ("级别,日期和时间,来源,事件 ID,任务类别", "2021/8/24 17:12:09"),
    "Chinese of Taiwan": ("等級,日期和時間,來源,事件識別碼,工作類別", "2021/8/24 下午 05:12:09"),
    "Korean": ("수준,날짜 및 시간,원본,이벤트 ID,작업 범주", "2021-08-24 오후 5:12:09"),
    "Ukrainian": ("Рівень,Дата й час,Джерело,Ідентифікатор події,Категорія завдання", "24.08.2021 17:12:09"),
    "a language that is not known": ("Uroven,Vreme,Ot,Broj,Vid", "24.08.2021 17:12:09"),
}


@pytest.mark.parametrize("language", HEADINGS)
def test_headings_of_other_languages_are_known(read_text, language):
    headings, time = HEADINGS[language]
    rows, coverage = read_text(table(row(time, message="Ein Prozess"), row(time), headings=headings))
    assert (coverage.n_events, coverage.n_unread, coverage.problems) == (2, 0, ())
    messages = {r["Message"].split("\n")[0]: r for r in rows}
    assert set(messages) == {"Ein Prozess", "A new process has been created."}
    for each in rows:
        assert each["@timestamp"].isoformat() == "2021-08-24T17:12:09+00:00"
        assert (each["EventID"], each["Channel"]) == ("4688", "Security")


@pytest.mark.parametrize(("language", "encoding"), [("German", "cp1252"), ("Russian", "cp1251"), ("Japanese", "cp932")])
def test_old_encodings_are_told_by_the_headings_they_make(read_text, language, encoding):
    headings, time = HEADINGS[language]
    rows, _ = read_text(table(row(time, message=headings), headings=headings), encoding)
    assert rows[0]["Message"] == headings


DATES = {
    "a day above twelve": (["1/2/2021 10:00:00", "13/2/2021 10:00:00"], "2021-02-01"),
    "a month in the second place": (["1/2/2021 10:00:00", "1/13/2021 10:00:00"], "2021-01-02"),
    "records that follow each other, day first": (
        ["3/2/2021 9:00:00", "1/2/2021 9:00:00", "12/1/2021 9:00:00", "11/1/2021 9:00:00"],
        "2021-02-03",
    ),
    "records that follow each other, month first": (
        ["2/3/2021 9:00:00", "2/1/2021 9:00:00", "1/12/2021 9:00:00", "1/11/2021 9:00:00"],
        "2021-02-03",
    ),
    "the twelve-hour clock": (["1/2/2021 10:00:00 AM"], "2021-01-02"),
    "dots": (["1.2.2021 10:00:00"], "2021-02-01"),
}


@pytest.mark.parametrize("evidence", DATES)
def test_the_order_of_day_and_month_is_that_of_the_whole_file(read_text, evidence):
    times, first = DATES[evidence]
    rows, coverage = read_text(table(*(row(time) for time in times)))
    assert min(rows, key=lambda r: r["event.record"])["@timestamp"].date().isoformat() == first
    is_guess = len(times) == 1
    assert [("order of day and month" in p.message) for p in coverage.problems] == [True] * is_guess


def test_the_zone_is_that_which_sysmon_events_name_beside_it_through_the_change_of_clocks(read_text):
    start = datetime(2021, 10, 29, 12)
    utc = [start + timedelta(hours=6 * n) for n in range(20)]
    berlin = [at + timedelta(hours=2 if at < datetime(2021, 10, 31, 1) else 1) for at in utc]
    other = row("15.01.2021 12:00:00")
    rows, coverage = read_text(
        table(*(sysmon(a, b, number=n) for n, (a, b) in enumerate(zip(berlin, utc, strict=True))), other)
    )
    by_record = sorted(rows, key=lambda r: r["event.record"])
    assert [r["@timestamp"].replace(tzinfo=None) for r in by_record[:-1]] == utc
    assert by_record[-1]["@timestamp"].isoformat() == "2021-01-15T11:00:00+00:00"
    [file] = coverage.files
    assert (file.zone, file.n_zoneless) == ("Europe/Berlin", 21)
    assert "Sysmon events name UTC" in file.zone_why
    assert coverage.clocks == ()


def test_a_zone_without_change_of_clocks_is_an_offset(read_text):
    utc = [datetime(2021, 5, 1, 12, n) for n in range(9)]
    _, coverage = read_text(table(*(sysmon(at + timedelta(hours=5, minutes=30), at) for at in utc)))
    assert coverage.files[0].zone == "+05:30"


def test_a_zone_that_is_given_is_used_and_one_that_events_contradict_is_said(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(table(row("24.08.2021 17:12:09")))
    reading = Reading([path], options=ReadOptions(zone=read_zone("America/New_York")))
    [batch] = reading.batches()
    assert batch.data.column("@timestamp")[0].as_py().isoformat() == "2021-08-24T21:12:09+00:00"
    assert (reading.coverage().files[0].zone, reading.coverage().files[0].zone_why) == ("America/New_York", "as given")
    path.write_text(table(*(sysmon(datetime(2021, 8, 24, 17, n), datetime(2021, 8, 24, 15, n)) for n in range(5))))
    reading = Reading([path], options=ReadOptions(zone=read_zone("America/New_York")))
    list(reading.batches())
    assert reading.coverage().files[0].zone == "+02:00"
    assert any("not America/New_York as given" in p.message for p in reading.coverage().problems)


def test_hours_that_came_twice_or_never_are_counted(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(table(row("31.10.2021 02:30:00"), row("28.03.2021 02:30:00"), row("15.01.2021 02:30:00")))
    reading = Reading([path], options=ReadOptions(zone=read_zone("Europe/Berlin")))
    times = sorted(t.isoformat() for b in reading.batches() for t in b.data.column("@timestamp").to_pylist())
    assert times == ["2021-01-15T01:30:00+00:00", "2021-03-28T01:30:00+00:00", "2021-10-31T00:30:00+00:00"]
    [file] = reading.coverage().files
    assert (file.n_hour_twice, file.n_hour_never, file.n_zoneless) == (1, 1, 3)


def test_what_powershell_exports_has_host_channel_and_record_id(read_text):
    names = "Message,Id,Version,Level,RecordId,ProviderName,LogName,MachineName,UserId,TimeCreated,LevelDisplayName"
    values = [
        PROCESS,
        "4688",
        "2",
        "0",
        "4711",
        AUDITING,
        "Security",
        "WS1.corp.example",
        "S-1-5-18",
        "24.08.2021 17:12:09",
        "x",
    ]
    for sep in ",;":
        text = sep.join(quoted(n) for n in names.split(",")) + "\r\n" + sep.join(map(quoted, values)) + "\r\n"
        rows, _ = read_text("#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n" + text)
        assert (rows[0]["host.name"], rows[0]["Channel"], rows[0]["EventRecordID"]) == (
            "ws1.corp.example",
            "Security",
            "4711",
        )
        assert rows[0]["NewProcessName"] == "C:\\Windows\\System32\\cmd.exe"


def test_columns_that_somebody_added_are_fields(read_text):
    text = "TimeCreated,Id,ProviderName,LogName,TargetUserName,IpAddress\n2021-08-24 17:12:09,4624,x,Security,bob,10.0.0.1\n"
    rows, _ = read_text(text)
    assert (rows[0]["TargetUserName"], rows[0]["source.ip"]) == ("bob", "10.0.0.1")


def test_evtxecmd_keeps_all_fields_and_writes_utc(tmp_path):
    headings = "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,ProcessId,ThreadId,Computer,ChunkNumber,UserId,MapDescription,PayloadData1,Payload"
    payload = '{"EventData":{"Data":[{"@Name":"TargetUserName","#text":"bob"},{"@Name":"LogonType","#text":"3"}]}}'
    cells = [
        "9",
        "4711",
        "2021-08-24 17:12:09.1234567",
        "4624",
        "LogAlways",
        AUDITING,
        "Security",
        "4",
        "8",
        "DC1",
        "0",
        "S-1-5-18",
        "x",
        "y",
        payload,
    ]
    path = tmp_path / "x.csv"
    path.write_text(headings + "\n" + ",".join(map(quoted, cells)) + "\n")
    reading = Reading([path], options=ReadOptions(zone=read_zone("+09:00")))
    [found] = [r for b in reading.batches() for r in b.data.to_pylist()]
    assert found["@timestamp"].isoformat() == "2021-08-24T17:12:09.123456+00:00"
    assert (found["TargetUserName"], found["logon.type"], found["EventRecordID"]) == ("bob", "3", "4711")
    assert reading.coverage().files[0].n_zoneless == 0


DAMAGED = {
    "cut inside a message": (table(row(), row())[:-120], 1, "opens quotes that do not end"),
    "cut inside a row": (table(row()) + "Audit Success,8/24/2021", 1, "has 2 columns"),
    "no event id": (table(row(), row(event_id="four")), 1, "has no event id"),
    "quotes that open in the middle": (
        table(row(), 'Audit Success,8/24/2021 5:12:09 PM,"x,1,y,z', row(), row()),
        3,
        "opens quotes",
    ),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_row_is_counted_and_the_rest_is_read(read_text, how):
    text, n_events, reason = DAMAGED[how]
    _, coverage = read_text(text)
    assert (coverage.n_events, coverage.n_unread) == (n_events, 1)
    assert reason in coverage.files[0].samples[0].reason


def test_a_row_whose_time_is_none_still_counts_and_is_said(read_text):
    rows, coverage = read_text(table(row(), row("31/02/2021 99:00")))
    assert len(rows) == 2
    assert any("1 records have a time that cannot be read" in p.message for p in coverage.problems)


NOT_OURS = {
    "message tracking": "date-time,client-ip,source,event-id\n2021-08-24T05:12:09Z,10.0.0.1,SMTP,RECEIVE\n",
    "an audit log": "RecordId,CreationDate,RecordType,Operations,UserIds,AuditData\n1,2021-08-24,ExchangeAdmin,x,y,{}\n",
    "alerts": "time,name,ip,host,short,time_label,event_label\n1642,x,10.0.0.1,h,s,a,b\n",
    "a list of events without times": "Event ID,Source\n1,2\n",
    "prose": "Date and time, source, event ID and task category are what you see.\n",
}


@pytest.mark.parametrize("what", NOT_OURS)
def test_other_tables_are_left_to_others(what):
    assert not SOURCE.sniff(NOT_OURS[what].encode())


def test_one_row_is_found_again_by_its_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(table(row("1/2/2021 10:00:00"), row("13/2/2021 10:00:00", event_id="4689")))
    line = 2 + row().count("\n") + 1
    [record] = retrieve(str(path), line)
    assert record.batch.data.to_pylist()[0]["EventID"] == "4689"
    assert record.original.startswith("Audit Success,13/2/2021")


def test_a_packed_table_is_gone_through_twice_as_well(tmp_path, read):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(table(row("1/2/2021 10:00:00"), row("13/2/2021 10:00:00")).encode()))
    rows, coverage = read(path)
    assert {r["@timestamp"].date().isoformat() for r in rows} == {"2021-02-01", "2021-02-13"}
    assert coverage.files[0].n_bytes > 900


@settings(max_examples=60, deadline=None)
@given(rubbish=st.binary(max_size=300), at=st.integers(60, 900), n_lost=st.integers(0, 200))
def test_no_damage_stops_the_reading(rubbish, at, n_lost):
    content = table(row(), row(), row()).encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content[:at] + rubbish + content[at + n_lost :])))
    for _ in SOURCE.into_outlet(log):
        pass
    assert log.n_events + log.n_unread >= 1


def test_headings_alone_are_a_table_without_events():
    assert SOURCE.sniff(HEADINGS["German"][0].encode())
