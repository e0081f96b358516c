"""Files to documents: text, Markdown, web pages, PDF, Word, mail, chats, feeds, dumps, and zip archives of these.

Nothing that a document refers to is opened or fetched. What cannot be read is said: pages of a PDF that are pictures,
files of a folder and members of an archive that are no documents. A dump of messages is never in memory as a whole.
"""

from __future__ import annotations

import email
import email.policy
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from stillhunt.errors import InputError, MissingExtraError
from stillhunt.reading.document import Document
from stillhunt.reading.dumps.feeds import is_feed
from stillhunt.reading.dumps.parts import HEAD, dump_of, encoding_of, parts_of
from stillhunt.reading.publication import publication_of

__all__ = ["Opened", "open_documents", "open_parts"]

_LARGEST = 256 << 20
_MOST_MEMBERS = 10_000
_FEWEST_LETTERS = 20
"""A page of a PDF with fewer is a picture."""

_PAGE = re.compile(rb"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_MBOX = re.compile(rb"From \S+.{0,80}\d{4}\s*$", re.MULTILINE)
_MAIL = re.compile(rb"(?:Received|Return-Path|From|Delivered-To|Message-ID|MIME-Version|Date|Subject): ", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A document with how far its file was read.

    Attributes:
        document: The document.
        done: Bytes of the file up to its end.
        total: Bytes of the file.
        is_part: Whether it is a part of a dump.
        file: The file on the disk that it is from; an archive, where it is a member of one.
    """

    document: Document
    done: int
    total: int
    is_part: bool = False
    file: Path = Path()


def open_documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file, or of all files below a folder in order of their paths.

    Raises:
        InputError: It cannot be read, or is of no kind that is known. Below a folder such a file is a document
            without text that says so.
        MissingExtraError: What reads this kind is not installed.
    """
    for opened in open_parts(path):
        yield opened.document


def open_parts(path: Path) -> Iterator[Opened]:
    """Yield the same documents, each with how far its file was read.

    Raises:
        InputError: As for :func:`open_documents`.
        MissingExtraError: Likewise.
    """
    if not path.is_dir():
        yield from _opened(path)
        return
    for below in sorted(p for p in path.rglob("*") if p.is_file()):
        try:
            yield from _opened(below)
        except InputError as error:
            yield replace(_unread(str(below), error), file=below)


def _unread(name: str, error: InputError) -> Opened:
    return Opened(document=Document(name=name, text="", title=Path(name).name, notes=(str(error),)), done=0, total=0)


def _opened(path: Path) -> Iterator[Opened]:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            for opened in _of_file(str(path), file, size):
                yield replace(opened, file=path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint="check the path") from error


def _of_file(name: str, file: BinaryIO, size: int) -> Iterator[Opened]:
    head = file.read(HEAD)
    file.seek(0)
    dump = None if _has_own_reader(head) else dump_of(head)
    if dump is not None:
        for part in parts_of(name, file, dump):
            yield Opened(document=part.document, done=part.stop, total=size, is_part=True)
        return
    if _MBOX.match(head):
        yield from _mailbox(name, file, size)
        return
    if size > _LARGEST:
        raise InputError(f"is larger than {_LARGEST >> 20} MiB", where=name, hint="read it in parts")
    content = file.read()
    if not content.startswith(b"PK\x03\x04"):
        yield Opened(document=_reader_of(content)(name, content), done=size, total=size)
    elif b"word/" in content[:4_096] or name.lower().endswith(".docx"):
        yield Opened(document=_word(name, content), done=size, total=size)
    else:
        yield from _members(name, content)


def _has_own_reader(head: bytes) -> bool:
    """Say whether a file is of a kind that no dump is of."""
    if head.startswith((b"PK\x03\x04", b"%PDF")):
        return True
    return not is_feed(head) and (_PAGE.search(head[:4_096]) is not None or _MAIL.match(head) is not None)


def _mailbox(name: str, file: BinaryIO, size: int) -> Iterator[Opened]:
    """Yield the mails of a mailbox (RFC 4155): each begins with a line `From `, behind an empty one."""
    lines: list[bytes] = []
    start = at = 0
    is_behind_empty = True
    for line in file:
        if is_behind_empty and _MBOX.match(line) and lines:
            yield _part_of_mailbox(name, lines, start, at, size)
            lines, start = [], at
        lines.append(line)
        at += len(line)
        is_behind_empty = not line.strip()
    yield _part_of_mailbox(name, lines, start, at, size)


def _part_of_mailbox(name: str, lines: list[bytes], start: int, stop: int, size: int) -> Opened:
    document = _mail(f"{name}#{start}", b"".join(lines[1:]))
    return Opened(document=document, done=stop, total=size, is_part=True)


def _reader_of(content: bytes) -> Callable[[str, bytes], Document]:
    head = content[:4_096]
    if head.startswith(b"%PDF"):
        return _pdf
    if _PAGE.search(head):
        return _page
    if _MAIL.match(head) and b"\n" in head:
        return _mail
    return _text


def _members(name: str, content: bytes) -> Iterator[Opened]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise InputError(f"is a damaged archive: {error}", where=name) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > _MOST_MEMBERS or sum(entry.file_size for entry in entries) > _LARGEST:
            raise InputError("unpacks to more than is read", where=name, hint="unpack it and read it in parts")
        for entry in sorted(entries, key=lambda entry: entry.filename):
            member = f"{name}!{entry.filename}"
            try:
                unpacked = archive.read(entry)
            except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
                yield _unread(member, InputError(f"cannot be unpacked: {error}", where=member))
                continue
            try:
                yield from _of_file(member, io.BytesIO(unpacked), len(unpacked))
            except InputError as error:
                yield _unread(member, error)


def _text(name: str, content: bytes) -> Document:
    if b"\x00" in content[:4_096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "text, Markdown, HTML, PDF, DOCX, mail, chats, feeds, CSV or JSON of messages and zip archives are read"
        raise InputError("is no document of a kind that is known", where=name, hint=hint)
    text = _decoded(content)
    notes = ("some letters could not be decoded",) if "\ufffd" in text else ()
    return Document(name=name, text=text, title=_title(name, text), published=publication_of(text), notes=notes)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode(encoding_of(content), "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def _title(name: str, text: str) -> str:
    """Return the first line if it may be a title, else the file's name."""
    first = next((line.strip(" #*\t") for line in text.split("\n") if line.strip(" #*\t")), "")
    is_title = 8 <= len(first) <= 160 and not first.endswith((".", ":", ";", ","))
    return first if is_title else Path(name).name


def _page(name: str, content: bytes) -> Document:
    try:
        import trafilatura  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("trafilatura", "read") from error
    text = trafilatura.extract(content, include_comments=False, include_tables=True, favor_recall=True) or ""
    told = trafilatura.extract_metadata(content)
    notes = () if text else ("no main text was found on the page",)
    return Document(
        name=name,
        text=text,
        title=(told.title if told else "") or _title(name, text),
        publisher=(told.sitename if told else "") or "",
        author=(told.author if told else "") or "",
        published=publication_of(text, said=(told.date if told else "") or "", said_by="the page's own data"),
        notes=notes,
    )


def _pdf(name: str, content: bytes) -> Document:
    try:
        import pypdf  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("pypdf", "read") from error
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        pages = [page.extract_text() or "" for page in reader.pages]
        told = reader.metadata
    except Exception as error:  # damage shows in many ways
        raise InputError(f"is a damaged PDF: {error}", where=name, hint="download it again") from error
    starts, n = [], 0
    for page in pages:
        starts.append(n)
        n += len(page) + 2
    text = "\n\n".join(pages)
    scanned = [number for number, page in enumerate(pages, 1) if sum(map(str.isalpha, page)) < _FEWEST_LETTERS]
    notes = (f"pages without text, pictures perhaps: {', '.join(map(str, scanned[:20]))}",) if scanned else ()
    title = str(told.title or "") if told else ""
    return Document(
        name=name,
        text=text,
        title=title or _title(name, text),
        author=str(told.author or "") if told else "",
        published=publication_of(text),
        pages=tuple(starts),
        notes=notes,
    )


def _word(name: str, content: bytes) -> Document:
    try:
        import docx  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("python-docx", "read") from error
    try:
        document = docx.Document(io.BytesIO(content))
    except Exception as error:  # damage shows in many ways
        raise InputError(f"is a damaged document of Word: {error}", where=name) from error
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    text = "\n\n".join(part for part in (*paragraphs, *cells) if part.strip())
    own = document.core_properties
    return Document(
        name=name,
        text=text,
        title=own.title or _title(name, text),
        author=own.author or "",
        published=publication_of(text),
    )


def _mail(name: str, content: bytes) -> Document:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(preferencelist=("plain", "html"))
    try:
        text = str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):
        text = ""
    if part is not None and part.get_content_type() == "text/html":
        text = _page(name, text.encode()).text
    try:
        said = parsedate_to_datetime(str(message["Date"])).date().isoformat()
    except (TypeError, ValueError):
        said = ""
    return Document(
        name=name,
        text=text,
        title=str(message["Subject"] or "") or Path(name).name,
        author=str(message["From"] or ""),
        published=publication_of(text, said=said, said_by="the mail's Date"),
        notes=() if text else ("the mail has no text",),
    )
