"""Files to documents: text, Markdown, web pages, PDF, Word, mail, and zip archives of these.

Nothing that a document refers to is opened or fetched. What cannot be read is said: pages of a PDF that are pictures,
members of archives that are no documents.
"""

from __future__ import annotations

import email
import email.policy
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from stillhunt.errors import InputError, MissingExtraError
from stillhunt.reading.document import Document
from stillhunt.reading.publication import publication_of

__all__ = ["open_documents"]

_LARGEST = 256 << 20
_MOST_MEMBERS = 10_000
_FEWEST_LETTERS = 20
"""A page of a PDF with fewer is a picture."""

_PAGE = re.compile(rb"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_MAIL = re.compile(rb"(?:Received|Return-Path|From|Delivered-To|Message-ID|MIME-Version|Date|Subject): ", re.IGNORECASE)


def open_documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file, or of all files below a folder in order of their paths.

    Raises:
        InputError: It cannot be read, or is of no kind that is known.
        MissingExtraError: What reads this kind is not installed.
    """
    if path.is_dir():
        for below in sorted(p for p in path.rglob("*") if p.is_file()):
            yield from open_documents(below)
        return
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"is larger than {_LARGEST >> 20} MiB", where=str(path), hint="read it in parts")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint="check the path") from error
    yield from _documents(str(path), content)


def _documents(name: str, content: bytes) -> Iterator[Document]:
    if content.startswith(b"PK\x03\x04"):
        if b"word/" in content[:4_096] or name.lower().endswith(".docx"):
            yield _word(name, content)
        else:
            yield from _members(name, content)
        return
    yield _reader_of(content)(name, content)


def _reader_of(content: bytes) -> Callable[[str, bytes], Document]:
    head = content[:4_096]
    if head.startswith(b"%PDF"):
        return _pdf
    if _PAGE.search(head):
        return _page
    if _MAIL.match(head) and b"\n" in head:
        return _mail
    return _text


def _members(name: str, content: bytes) -> Iterator[Document]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise InputError(f"is a damaged archive: {error}", where=name) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > _MOST_MEMBERS or sum(entry.file_size for entry in entries) > _LARGEST:
            raise InputError("unpacks to more than is read", where=name, hint="unpack it and read it in parts")
        for entry in sorted(entries, key=lambda entry: entry.filename):
            try:
                yield from _documents(f"{name}!{entry.filename}", archive.read(entry))
            except (RuntimeError, zipfile.BadZipFile) as error:
                raise InputError(f"cannot be unpacked: {error}", where=f"{name}!{entry.filename}") from error


def _text(name: str, content: bytes) -> Document:
    if b"\x00" in content[:4_096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "text, Markdown, HTML, PDF, DOCX, mail and zip archives are read"
        raise InputError("is no document of a kind that is known", where=name, hint=hint)
    text = _decoded(content)
    notes = ("some letters could not be decoded",) if "\ufffd" in text else ()
    return Document(name=name, text=text, title=_title(name, text), published=publication_of(text), notes=notes)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")


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
