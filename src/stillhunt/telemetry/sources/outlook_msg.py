"""A message that Outlook saved (``.msg``), as the mail it was.

Lies where a user or an administrator saved it. It keeps the Internet headers only of mails that came in over the
Internet; those of a mail within an Exchange organisation are made up from the message's properties. The page of a body
is often kept inside RTF, from which it is taken back out. What it cannot show: the mail as it came, to the byte; so
the hashes of attachments are right, those of the mail cannot be had. Calendar entries and contacts saved this way are
read as messages too. Needs `olefile` and `compressed-rtf`, which the extra `stillhunt[msg]` installs.

References: Microsoft, [MS-OXMSG] (the file), [MS-OXPROPS] (the properties), [MS-OXRTFEX] (pages inside RTF).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.message import Message
from email.parser import HeaderParser
from email.utils import format_datetime, formataddr
from importlib.util import find_spec
from typing import Any

from stillhunt.errors import SourceError
from stillhunt.telemetry.content import HOSTILE, seekable
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.mail import MESSAGE, row_of
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE", "page_in_rtf"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNS = tuple(name.encode("utf-16-le") for name in ("__properties_version1.0", "__nameid_version1.0", "__substg1.0_"))
_DEEPEST = 8
_MOST_ATTACHMENTS = 1000

_SUBJECT, _HEADERS, _BODY, _PAGE, _RTF = 0x0037, 0x007D, 0x1000, 0x1013, 0x1009
_MESSAGE_ID, _REPLY_TO_ID, _SUBMITTED, _DELIVERED = 0x1035, 0x1042, 0x0039, 0x0E06
_SENDER = ((0x0C1A, (0x5D01, 0x0C1F)), (0x0042, (0x5D02, 0x0065)))
"""Properties of the sender: name, and addresses in the order they are trusted."""
_NAME, _ADDRESSES, _KIND = 0x3001, (0x39FE, 0x3003), 0x0C15
_KINDS = {1: "To", 2: "Cc", 3: "Bcc"}
_DATA, _FILE_NAMES, _MIME = 0x3701, (0x3707, 0x3704, 0x3001), 0x370E


def sniff(head: bytes) -> bool:
    """Tell by the container's magic and the names that only messages have in it."""
    return head.startswith(_OLE) and any(sign in head for sign in _SIGNS)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield the one message."""
    if find_spec("olefile") is None or find_spec("compressed_rtf") is None:
        hint = 'install "stillhunt[msg]", or save the message as .eml'
        raise SourceError("a message saved by Outlook, which an extra is needed for", where=log.name, hint=hint)
    import olefile  # noqa: PLC0415 - of an extra

    with seekable(log.stream) as stream:
        try:
            with olefile.OleFileIO(stream) as ole:
                message = _message(_Storage(ole, ()), 0)
        except (*HOSTILE, MessageError) as error:
            message_text = f"is a damaged message of Outlook: {error}"
            raise SourceError(message_text, where=log.name, hint="copy or save it again") from error
    original = "".join(f"{name}: {value}\n" for name, value in message.raw_items())[: 1 << 20]
    yield MESSAGE, row_of(message, log, 1, original=original)


class _Storage:
    """A message, a recipient or an attachment: properties by number."""

    def __init__(self, ole: Any, path: tuple[str, ...]) -> None:
        self._ole = ole
        self.path = path
        self._fixed = self._read_fixed(path)

    def _read_fixed(self, path: tuple[str, ...]) -> dict[int, bytes]:
        name = [*path, "__properties_version1.0"]
        if not self._ole.exists(name):
            return {}
        content = self._ole.openstream(name).read()
        n_header = 32 if not path else (24 if path[-1].startswith("__substg1.0_") else 8)
        entries = range(n_header, len(content) - 15, 16)
        return {struct.unpack_from("<H", content, at + 2)[0]: content[at + 8 : at + 16] for at in entries}

    def binary(self, number: int) -> bytes:
        """Return a property of bytes, empty if it is missing."""
        return self._stream(number, "0102") or b""

    def text(self, number: int) -> str:
        """Return a property of text, empty if it is missing."""
        wide = self._stream(number, "001F")
        if wide is not None:
            return wide.decode("utf-16-le", "replace").rstrip("\x00")
        narrow = self._stream(number, "001E")
        if narrow is None:
            return ""
        page = struct.unpack_from("<i", self._fixed.get(0x3FFD, b"\x00" * 4))[0]
        try:
            return narrow.decode(f"cp{page}" if page > 0 and page != 65_001 else "utf-8").rstrip("\x00")
        except (LookupError, UnicodeDecodeError):
            return narrow.decode("cp1252", "replace").rstrip("\x00")

    def first_text(self, numbers: tuple[int, ...]) -> str:
        """Return the first of some properties of text that is there."""
        return next((text for number in numbers if (text := self.text(number))), "")

    def number(self, number: int) -> int:
        """Return a property of a whole number, 0 if it is missing."""
        return int(struct.unpack_from("<i", self._fixed.get(number, b"\x00" * 4))[0])

    def time(self, number: int) -> datetime | None:
        """Return a property of time, UTC."""
        (ticks,) = struct.unpack_from("<Q", self._fixed.get(number, b"\x00" * 8))
        try:
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def within(self, prefix: str) -> list[_Storage]:
        """Return the storages directly below that are named so, in order."""
        depth = len(self.path)
        names = {
            path[depth]
            for path in map(tuple, self._ole.listdir(streams=False, storages=True))
            if path[:depth] == self.path and len(path) == depth + 1 and path[depth].startswith(prefix)
        }
        return [_Storage(self._ole, (*self.path, name)) for name in sorted(names)[:_MOST_ATTACHMENTS]]

    def _stream(self, number: int, kind: str) -> bytes | None:
        name = [*self.path, f"__substg1.0_{number:04X}{kind}"]
        if not self._ole.exists(name):
            return None
        content: bytes = self._ole.openstream(name).read()
        return content


def _message(storage: _Storage, depth: int) -> Message:
    """Make a mail of a message."""
    message = _headers(storage)
    for part in (*_bodies(storage), *_attachments(storage, depth)):
        message.attach(part)
    return message


def _headers(storage: _Storage) -> Message:
    kept = storage.text(_HEADERS).lstrip()
    parsed = HeaderParser().parsestr(kept.replace("\r\n", "\n")) if kept else Message()
    message = Message()
    for name, value in parsed.raw_items():
        if not name.lower().startswith("content-") and name.lower() != "mime-version":
            message[name] = value
    made_up = {
        "Subject": storage.text(_SUBJECT),
        "From": _sender(storage),
        "Message-ID": storage.text(_MESSAGE_ID),
        "In-Reply-To": storage.text(_REPLY_TO_ID),
        "Date": _date(storage),
    } | _recipients(storage)
    for name, value in made_up.items():
        if value and name not in message:
            message[name] = " ".join(value.split())
    message["Content-Type"] = "multipart/mixed"
    message.set_payload([])
    return message


def _sender(storage: _Storage) -> str:
    for name, numbers in _SENDER:
        address = storage.first_text(numbers)
        if address or storage.text(name):
            return _person(storage.text(name), address)
    return ""


def _person(name: str, address: str) -> str:
    """Write an account as in a header. Exchange's own addresses (``/o=...``) are kept as they stand."""
    return formataddr((name.replace("\n", " "), address)) if name.isascii() else f'"{name}" <{address}>'


def _date(storage: _Storage) -> str:
    at = storage.time(_SUBMITTED) or storage.time(_DELIVERED)
    return format_datetime(at) if at is not None else ""


def _recipients(storage: _Storage) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for person in storage.within("__recip_version1.0_"):
        kind = _KINDS.get(person.number(_KIND) & 0xF, "To")
        found.setdefault(kind, []).append(_person(person.text(_NAME), person.first_text(_ADDRESSES)))
    return {kind: ", ".join(people) for kind, people in found.items()}


def _bodies(storage: _Storage) -> Iterator[Message]:
    plain = storage.text(_BODY)
    if plain:
        yield _part("text/plain; charset=utf-8", plain.encode("utf-8", "replace"))
    page = storage.binary(_PAGE) or storage.text(_PAGE).encode("utf-8", "replace") or _page_from_rtf(storage)
    if page:
        yield _part("text/html", page)


def _page_from_rtf(storage: _Storage) -> bytes:
    packed = storage.binary(_RTF)
    if not packed:
        return b""
    import compressed_rtf  # noqa: PLC0415 - of an extra

    try:
        rtf: bytes = compressed_rtf.decompress(packed)
    except Exception:  # noqa: BLE001 - what this library raises for damage has no name of its own
        return b""
    return page_in_rtf(rtf)


_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+"
)
_TEXT_OF = {b"par": b"\n", b"line": b"\n", b"tab": b"\t", b"lquote": b"'", b"rquote": b"'", b"endash": b"-"}


def page_in_rtf(rtf: bytes) -> bytes:
    r"""Return the page that RTF was made from; empty if it was made from none.

    >>> page_in_rtf(rb"{\rtf1\fromhtml1 {\*\htmltag64 <a href='x'>}\htmlrtf {\b \htmlrtf0 go{\*\htmltag72 </a>}}")
    b"<a href='x'>go</a>"
    """
    if b"\\fromhtml" not in rtf[:1024]:
        return b""
    page: list[bytes] = []
    depth, skipped_from, is_hidden, is_tag, is_starred = 0, 0, False, 0, False
    for token in _TOKEN.finditer(rtf):
        code, word, number, symbol, brace, text = token.groups()
        if brace == b"{":
            depth += 1
        elif brace == b"}":
            depth -= 1
            skipped_from = skipped_from if depth >= skipped_from else 0
            is_tag = is_tag if depth >= is_tag else 0
        elif symbol == b"*":
            is_starred = True
            continue
        elif word == b"htmltag" and is_starred:
            is_tag = depth
        elif word == b"htmlrtf":
            is_hidden = number != b"0"
        elif (is_starred or word in _DESTINATIONS) and word is not None and not skipped_from:
            skipped_from = depth
        elif not skipped_from and not (is_hidden and not is_tag):
            if text is not None:
                page.append(text)
            elif code is not None:
                page.append(bytes.fromhex(code.decode()))
            elif symbol is not None and symbol in b"{}\\":
                page.append(symbol)
            elif word in _TEXT_OF:
                page.append(_TEXT_OF[word])
        is_starred = False
    return b"".join(page)


_DESTINATIONS = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pntext", b"mhtmltag"})


def _part(mime_type: str, content: bytes, name: str = "") -> Message:
    part = Message()
    part["Content-Type"] = mime_type
    if name:
        part.add_header("Content-Disposition", "attachment", filename=name)
    part["Content-Transfer-Encoding"] = "8bit"
    part.set_payload(content.decode("ascii", "surrogateescape"))
    return part


def _attachments(storage: _Storage, depth: int) -> Iterator[Message]:
    for attached in storage.within("__attach_version1.0_"):
        name = " ".join(attached.first_text(_FILE_NAMES).split())
        inner = attached.within(f"__substg1.0_{_DATA:04X}000D")
        if inner and depth < _DEEPEST:
            part = _part("message/rfc822", b"", name)
            part.set_payload([_message(inner[0], depth + 1)])
            yield part
            continue
        content = attached.binary(_DATA)
        if content or name:
            mime_type = attached.text(_MIME)
            is_sound = re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,80}", mime_type) is not None
            yield _part(mime_type if is_sound else "application/octet-stream", content, name)


SOURCE = Source(title="Outlook message (.msg)", sniff=sniff, read=read)
