r"""Windows events as CSV: the Event Viewer's "Save All Events As", ``Get-WinEvent | Export-Csv``, EvtxECmd.

Columns are known by their headings, those of the Event Viewer in the languages of Windows that are spoken most; in
any other language its table is known by its shape: five headings and above them a message without one, a date in
the second column and a number in the fourth. Messages in English are read back into fields.

Times are local times of whoever exported, in the order of day and month of their country. Both are found out from
the whole file before anything is read: the order as :mod:`stillhunt.telemetry.local_time` says, the zone where
events name UTC beside their own time, as Sysmon's do. What it cannot show: the host and the channel, for which the
Event Viewer has no column, and fields of events whose message is not English.

Reference: Microsoft, Event Viewer; Get-WinEvent; Eric Zimmerman, EvtxECmd.
"""

from __future__ import annotations

import csv
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import Any, BinaryIO

import msgspec

from stillhunt.errors import Problem
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.local_time import DateReader
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.windows_export import Shown, record_of
from stillhunt.telemetry.zone import fitting_zone, zone_words

__all__ = ["SOURCE"]

_LONGEST_RECORD = 1 << 20
"""Characters of a row with all lines of its message; Windows cuts messages far below."""
_CHUNK = 1 << 20

# --- Headings ----------------------------------------------------------------------------------------------------

_HEADINGS: dict[str, tuple[str, ...]] = {
    "time": (
        *("Date and Time", "Datum und Uhrzeit", "Date et heure", "Fecha y hora", "Data e ora", "Data e Hora"),
        *("Datum en tijd", "Data i godzina", "Дата и время", "Datum a čas", "Tarih ve Saat", "日付と時刻"),
        *("日期和时间", "日期和時間", "日期及時間", "날짜 및 시간", "Дата й час", "Дата \u0456 час", "Dátum és idő"),
        *("Datum och tid", "Dato og klokkeslæt", "Dato og klokkeslett", "Päivämäärä ja aika"),
        *("TimeCreated", "TimeGenerated", "TimeCreatedUtc", "Time Created", "Time Generated", "Timestamp"),
    ),
    "event_id": (
        *("Event ID", "Ereignis-ID", "ID de l'événement", "ID d'événement", "Id. del evento", "Id. de evento"),
        *("Identificador de evento", "Id. suceso", "ID evento", "Identificação do Evento", "ID do Evento"),
        *("Identificação de Evento", "Gebeurtenis-id", "Gebeurtenis-ID", "Identyfikator zdarzenia", "Код события"),
        *("ID события", "ID události", "Číslo události", "Olay Kimliği", "イベント ID", "事件 ID", "事件识别码"),
        *("事件識別碼", "이벤트 ID", "Ідентифікатор події", "Код події", "Eseményazonosító", "Händelse-ID"),
        *("Hændelses-id", "Hendelses-ID", "Tapahtumatunnus", "Tapahtuman tunnus", "EventId", "EventCode", "Id"),
    ),
    "provider": (
        *("Source", "Quelle", "Origen", "Origine", "Origem", "Fonte", "Bron", "Źródło", "Источник", "Zdroj"),
        *("Kaynak", "ソース", "来源", "來源", "원본", "Джерело", "Forrás", "Källa", "Kilde", "Lähde"),
        *("ProviderName", "Provider", "SourceName", "Provider Name", "Source Name"),
    ),
    "channel": (
        *("Log", "Protokoll", "Protokollname", "Journal", "Registro", "Log Name", "LogName", "Channel", "EventLog"),
        *("Журнал", "Dziennik", "Protokol", "Günlük", "ログ", "日志", "記錄檔", "로그"),
    ),
    "level": (
        *("Level", "Ebene", "Niveau", "Nivel", "Livello", "Nível", "Poziom", "Уровень", "Úroveň", "Düzey", "レベル"),
        *("级别", "等級", "層級", "수준", "Рівень", "Szint", "Nivå", "Taso", "EntryType", "LevelDisplayName"),
    ),
    "keywords": (
        *("Keywords", "Schlüsselwörter", "Mots clés", "Mots-clés", "Palabras clave", "Parole chiave"),
        *("Palavras-chave", "Trefwoorden", "Sleutelwoorden", "Słowa kluczowe", "Ключевые слова", "Klíčová slova"),
        *("Anahtar Sözcükler", "キーワード", "关键字", "關鍵字", "키워드", "Ключові слова", "KeywordsDisplayNames"),
    ),
    "task": (
        *("Task Category", "Aufgabenkategorie", "Catégorie de la tâche", "Catégorie de tâche", "Task"),
        *("Categoría de la tarea", "Categoría de tarea", "Categoria attività", "Categoria da Tarefa", "Taakcategorie"),
        *("Kategoria zadania", "Категория задачи", "Kategorie úlohy", "Kategorie úkolu", "Görev Kategorisi"),
        *("タスクのカテゴリ", "任务类别", "工作類別", "작업 범주", "Категорія завдання", "TaskDisplayName"),
    ),
    "computer": (
        *("Computer", "Ordinateur", "Equipo", "Computador", "Komputer", "Компьютер", "Počítač", "Bilgisayar"),
        *("コンピューター", "计算机", "電腦", "컴퓨터", "Комп'ютер", "MachineName", "ComputerName", "Hostname"),
    ),
    "record_id": ("RecordId", "EventRecordId", "Event Record ID", "RecordNumber", "Index"),
    "user": ("UserId", "SID"),
    "message": ("Message", "Description", "Event Description", "Beschreibung", "Nachricht"),
    "payload": ("Payload",),
}
"""What a column says to its headings."""

_UTC_HEADINGS = frozenset({"timecreatedutc"})
_IGNORED_WORDS = """
    version qualifiers opcode providerid processid threadid activityid relatedactivityid containerlog matchedqueryids
    bookmark opcodedisplayname properties chunknumber mapdescription username remotehost payloaddata1 payloaddata2
    payloaddata3 payloaddata4 payloaddata5 payloaddata6 executableinfo hiddenrecord sourcefile extradataoffset
    eventlog recordnumber timewritten timegenerated eventtype eventtypename eventcategory eventcategoryname strings
    data site container category categorynumber replacementstrings instanceid pscomputername runspaceid
    psshowcomputername user benutzer utilisateur usuario operationalcode processorid sessionid kerneltime usertime
    processortime correlationid relativecorrelationid eventsourcename level task keywords
"""
_IGNORED = frozenset(_IGNORED_WORDS.split())
"""Headings of known exports whose values are no fields of the event."""


def _plain(heading: str) -> str:
    text = unicodedata.normalize("NFKC", heading).replace("\u2019", "'").casefold()
    return re.sub(r"[\s\ufeff\"'.]+", "", text)


_ROLES = {_plain(heading): role for role, headings in _HEADINGS.items() for heading in headings}
_ENGLISH = {_plain(heading) for heading in ("Date and Time", "TimeCreated", "TimeGenerated")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where a table has what.

    Attributes:
        places: What a column says to its number.
        extra: Names of further fields to their columns.
        n_columns: Columns that a row has at least.
        delimiter: What stands between columns.
        is_english: Whether its headings are.
        is_utc: Whether its times are UTC although they name no zone.
    """

    places: Mapping[str, int]
    extra: Mapping[str, int] = field(default_factory=dict)
    n_columns: int
    delimiter: str
    is_english: bool = True
    is_utc: bool = False


def sniff(head: bytes) -> bool:
    """Tell by headings and by a first row that fits them."""
    if head.startswith((b"{", b"[", b"<", b"PK", b"ElfFile")):
        return False
    return _layout_of(head.decode(_encoding(head), "replace"), is_whole=len(head) < 1 << 16) is not None


def _layout_of(text: str, *, is_whole: bool = True) -> _Layout | None:
    lines = text.lstrip("\ufeff\x00 \t\r\n").split("\n")
    if lines and lines[0].startswith("#TYPE"):
        lines = lines[1:]
    if not lines or len(lines[0]) > 4_000:
        return None
    for delimiter in _DELIMITERS:
        if delimiter in lines[0]:
            layout = _layout(lines[0], _first_row("\n".join(lines[1:]), delimiter, is_whole=is_whole), delimiter)
            if layout is not None:
                return layout
    return None


_DELIMITERS = (",", ";", "\t")


def _first_row(text: str, delimiter: str, *, is_whole: bool) -> list[str]:
    """Return the first row; of one that is longer than what is known, its beginning."""
    row = ""
    for line in text.lstrip("\r\n").split("\n"):
        row = f"{row}\n{line}" if row else line
        if row.count('"') % 2 == 0:
            break
    else:
        row += '"' if is_whole or row.count('"') % 2 else ""
    return _cells(row, delimiter) or []


def _layout(headings: str, first_row: Sequence[str], delimiter: str) -> _Layout | None:
    names = [_plain(cell) for cell in _cells(headings.rstrip("\r"), delimiter) or []]
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        role = _ROLES.get(name)
        if role is not None and (role not in places or _is_better(name)):
            places[role] = at
    is_viewer = len(first_row) == len(names) + 1 and "message" not in places
    if is_viewer and not {"time", "event_id", "provider"} <= places.keys() and _is_viewers(names, first_row):
        places = dict(_VIEWER)
    if not ({"time", "event_id"} <= places.keys() and ({"provider", "channel"} & places.keys())):
        return None
    if is_viewer:
        places["message"] = len(names)
    if first_row and not _fits(places, first_row):
        return None
    if not first_row and not {"provider", "level"} <= places.keys():
        return None
    taken = set(places.values())
    extra = {
        heading.strip().replace(" ", ""): at
        for at, heading in enumerate(_cells(headings.rstrip("\r"), delimiter) or [])
        if at not in taken and names[at] and names[at] not in _IGNORED and names[at] not in _ROLES
    }
    is_evtxecmd = "payload" in places and "chunknumber" in names
    return _Layout(
        places=places,
        extra={} if is_evtxecmd else extra,
        n_columns=max(places[role] for role in ("time", "event_id")) + 1,
        delimiter=delimiter,
        is_english=names[places["time"]] in _ENGLISH,
        is_utc=is_evtxecmd or names[places["time"]] in _UTC_HEADINGS,
    )


_VIEWER = {"level": 0, "time": 1, "provider": 2, "event_id": 3, "task": 4}


def _is_better(name: str) -> bool:
    """Tell whether a heading says it better than another of its kind: numbers before words, ids before row numbers."""
    return name in {"eventrecordid", "timecreated", "eventid"}


def _is_viewers(names: Sequence[str], row: Sequence[str]) -> bool:
    reader = DateReader()
    return len(names) == 5 and all(names) and row[3].strip().isdecimal() and _is_date(reader, row[1])


def _is_date(reader: DateReader, text: str) -> bool:
    reader.learn(text)
    reader.decide(is_english=True)
    return reader.read(text) is not None


def _fits(places: Mapping[str, int], row: Sequence[str]) -> bool:
    if len(row) <= max(places["time"], places["event_id"]):
        return False
    event_id = row[places["event_id"]].strip()
    return event_id.isascii() and event_id.isdecimal() and _is_date(DateReader(), row[places["time"]].strip())


# --- Reading -----------------------------------------------------------------------------------------------------


def read(log: LogFile) -> Iterator[None]:
    """Take every row; the file is gone through twice, first for its dates and zone."""
    head = peek(log.stream)
    layout = _layout_of(head.decode(_encoding(head), "replace"))
    if layout is None:
        log.unread("1", "has no headings of a table of events")
        return
    with _rewindable(log.stream) as stream:
        start = stream.tell()
        dates = _learned(log, layout, _rows(stream, _encoding(head), layout))
        stream.seek(start)
        n_timeless = 0
        for number, text, cells, reason in _rows(stream, _encoding(head), layout):
            if reason:
                log.unread(str(number), reason, hint="the table is cut off, or was edited", text=text)
                continue
            if not log.wants(number):
                continue
            at = _time(log, layout, dates, cells)
            n_timeless += at is None
            recipe = log.outlet.records.add(record_of(_shown(layout, cells, at)), file=log.name, number=number)
            if recipe is not None:
                log.n_events += 1
                log.keep(number, text)
            yield
    if n_timeless:
        message = f"{n_timeless:,} records have a time that cannot be read"
        hint = "their events count, but lie nowhere in time"
        log.problems.append(Problem(code="source", message=message, where=log.name, hint=hint))


def _encoding(head: bytes) -> str:
    """Return the encoding of a table; what is no UTF-8 is in the first old encoding that its headings make sense in."""
    found = encoding_of(head)
    if not found.startswith("utf-8"):
        return found
    first_line = head.partition(b"\n")[0]
    if first_line.isascii() and head[:-4].isascii():
        return found
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        for name in _OLD_ENCODINGS:
            headings = first_line.decode(name, "replace").rstrip("\r")
            known = [_plain(cell) in _ROLES for delimiter in _DELIMITERS for cell in headings.split(delimiter)]
            if known.count(True) >= 3:
                return name
        return "cp1252"
    return found


_OLD_ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1254", "cp932", "gb18030", "big5", "cp949")


@contextmanager
def _rewindable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Give a stream that can be gone through twice: itself, or a copy in a temporary file."""
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        while chunk := stream.read(_CHUNK):
            copy.write(chunk)
        copy.seek(0)
        yield copy


def _rows(stream: BinaryIO, encoding: str, layout: _Layout) -> Iterator[tuple[int, str, list[str], str]]:
    """Yield (number of its first line, text, cells, why it is no row) of every row below the headings."""
    text = TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
    try:
        is_below = False
        for number, row, reason in _records(text, layout):
            if not is_below:
                is_below = bool(row.strip("\ufeff\x00 \r\n")) and not row.lstrip("\ufeff").startswith("#TYPE")
                continue
            if not row.strip("\x00 \t\r\n"):
                continue
            cells = None if reason else _cells(row, layout.delimiter)
            if cells is None:
                yield number, row, [], reason or "is no row of a table"
            elif len(cells) < layout.n_columns:
                yield number, row, [], f"has {len(cells)} columns where its headings name {layout.n_columns}"
            elif not cells[layout.places["event_id"]].strip().isdecimal():
                yield number, row, [], "has no event id where its headings say so"
            else:
                yield number, row, cells, ""
    finally:
        # Whoever opened the log closes it.
        text.detach()


def _begins_row(line: str, layout: _Layout, *, surely: bool) -> bool:
    """Tell whether a line that may open quotes begins a row: by its columns, or surely, by what they hold.

    Where messages stand in front, no line shows that, and every line may.
    """
    places = layout.places
    if places.get("message", 0) < max(places["time"], places["event_id"]):
        return True
    if line.count('"') % 2:
        line = line.rstrip("\r\n") + '"'
    cells = _cells(line, layout.delimiter) or []
    return len(cells) >= layout.n_columns and (not surely or _fits(places, cells))


def _records(stream: TextIOWrapper, layout: _Layout) -> Iterator[tuple[int, str, str]]:
    """Yield (number of its first line, text, why it is none) of every record: lines up to one outside of quotes.

    Where quotes do not come to an end, reading goes on with the next line that looks like the beginning of a row.
    """
    waiting: list[str] = []
    number = 0
    while True:
        first = waiting.pop() if waiting else stream.readline(_LONGEST_RECORD)
        if not first:
            return
        number += 1
        if first.count('"') % 2 == 0:
            yield number, first.rstrip("\r\n"), ""
            continue
        if number > 1 and not _begins_row(first, layout, surely=False):
            yield number, first.rstrip("\r\n"), "opens quotes and is no row of a table"
            continue
        lines = [first, *_up_to_quotes(stream, waiting, len(first))]
        if lines[-1].count('"') % 2 and len(lines) > 1:
            yield number, "".join(lines).rstrip("\r\n"), ""
            number += len(lines) - 1
            continue
        yield number, first.rstrip("\r\n"), "opens quotes that do not end: the table is cut off"
        n_lost = next((n for n, after in enumerate(lines) if n and _begins_row(after, layout, surely=True)), len(lines))
        number += n_lost - 1
        waiting += lines[: n_lost - 1 : -1]


def _up_to_quotes(stream: TextIOWrapper, waiting: list[str], n_characters: int) -> Iterator[str]:
    """Yield lines up to the first with an odd number of quotes, or to the end of what a record may hold."""
    while n_characters < _LONGEST_RECORD:
        line = waiting.pop() if waiting else stream.readline(_LONGEST_RECORD)
        if not line:
            return
        yield line
        n_characters += len(line)
        if line.count('"') % 2:
            return


def _cells(row: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([row.replace("\x00", "")], delimiter=delimiter), None)
    except csv.Error:
        return None


# --- Times -------------------------------------------------------------------------------------------------------

_NAMED_UTC = re.compile(r"^UtcTime: ?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)", re.MULTILINE)
_STEP_S, _NEAR_S = 900, 90
_FEWEST = 3
_AGREEING_SHARE = 0.9


def _learned(log: LogFile, layout: _Layout, rows: Iterator[tuple[int, str, list[str], str]]) -> DateReader:
    """Go through the file for the order of its dates, and for its zone if events name UTC beside their time."""
    dates = DateReader()
    message = layout.places.get("message", -1)
    pairs: list[tuple[str, str]] = []
    n_pairs: Counter[tuple[str, str]] = Counter()
    for _, _, cells, reason in rows:
        if reason:
            continue
        time = cells[layout.places["time"]]
        dates.learn(time)
        if 0 <= message < len(cells) and (named := _NAMED_UTC.search(cells[message])):
            # One pair for each hour shows when clocks were changed.
            key = named[1][:13], time[:10]
            n_pairs[key] += 1
            if n_pairs[key] <= _FEWEST and len(pairs) < _MOST_PAIRS:
                pairs.append((time, named[1]))
    dates.decide(is_english=layout.is_english)
    if dates.is_guessed:
        hint = "if this is wrong, export the log as EVTX or XML"
        message_text = f"the order of day and month was taken to be {_words(dates)}: {dates.why}"
        log.problems.append(Problem(code="source", message=message_text, where=log.name, hint=hint))
    _find_zone(log, dates, pairs)
    return dates


_MOST_PAIRS = 20_000


def _words(dates: DateReader) -> str:
    return dates.order.value if dates.order is not None else ""


def _find_zone(log: LogFile, dates: DateReader, pairs: Sequence[tuple[str, str]]) -> None:
    seen: list[tuple[datetime, int]] = []
    for local, named in pairs:
        at, utc = dates.read(local), read_instant(named)
        if at is None or utc is None or at.tzinfo is not None:
            continue
        apart = (at.replace(tzinfo=UTC) - utc).total_seconds()
        ahead = round(apart / _STEP_S) * _STEP_S
        if abs(apart - ahead) <= _NEAR_S:
            seen.append((utc, ahead))
    if len(seen) < max(_FEWEST, _AGREEING_SHARE * len(pairs)):
        return
    zone = fitting_zone(seen, given=log.zone)
    if zone is None:
        usual = Counter(ahead for _, ahead in seen)
        frequent = {ahead for ahead, n in usual.items() if n >= (1 - _AGREEING_SHARE) / 5 * len(seen)}
        zone = fitting_zone([pair for pair in seen if pair[1] in frequent])
    if zone is not None and zone is not log.zone:
        if log.zone_why:
            message = f"its events say that its zone is {zone_words(zone)}, not {zone_words(log.zone)} as given"
            hint = "the events are believed"
            log.problems.append(Problem(code="source", message=message, where=log.name, hint=hint))
        log.zone = zone
    if zone is not None:
        log.zone_why = f"{len(seen):,} of its Sysmon events name UTC beside it"


def _time(log: LogFile, layout: _Layout, dates: DateReader, cells: Sequence[str]) -> datetime | None:
    text = cells[layout.places["time"]].strip()
    at = dates.read(text)
    if at is None:
        return None
    if layout.is_utc and at.tzinfo is None:
        return at.replace(tzinfo=UTC)
    return log.utc(at)


# --- Events ------------------------------------------------------------------------------------------------------


def _shown(layout: _Layout, cells: Sequence[str], at: datetime | None) -> Shown:
    def cell(role: str) -> str:
        place = layout.places.get(role, -1)
        return cells[place].strip() if 0 <= place < len(cells) else ""

    data: dict[str, Any] = {name: cells[at] for name, at in layout.extra.items() if at < len(cells) and cells[at]}
    return Shown(
        event_id=cell("event_id"),
        at=at,
        provider=cell("provider"),
        channel=cell("channel"),
        computer=cell("computer"),
        record_id=cell("record_id"),
        level=cell("level"),
        keywords=cell("keywords"),
        task=cell("task"),
        user=cell("user"),
        message=cell("message"),
        data=data | _payload(cell("payload")),
    )


def _payload(text: str) -> dict[str, Any]:
    """Return the event data that EvtxECmd keeps as JSON."""
    if not text:
        return {}
    try:
        found = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return {"Payload": text}
    if not isinstance(found, dict):
        return {"Payload": text}
    data = found.get("EventData", found.get("UserData", found))
    return data if isinstance(data, dict) else {"Data": data if isinstance(data, list) else [str(data)]}


SOURCE = Source(title="Windows events as CSV", sniff=sniff, read=read)
