"""What a mail carries: its attachments, with their hashes, and what can be told of them without opening them.

Reference: the first bytes by which `file` tells formats; PKWARE's zip format for the names inside.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from email.message import Message

from stillhunt.telemetry.content import HOSTILE
from stillhunt.telemetry.mail_html import read_page
from stillhunt.telemetry.mail_text import body_text, header_text, hidden_characters

__all__ = ["Attachment", "attachment_of", "content_of", "part_name"]

_NAMES_INSIDE = 200
_LONGEST_NAME = 255

_FORMATS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "windows-program"),
    (0, b"\x7fELF", "elf"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"MSCF", "cabinet"),
    (0, b"%PDF", "pdf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (0, b"{\\rt", "rtf"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "windows-link"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "onenote"),
    (0, b"ITSF", "compiled-help"),
    (0, b"\x78\x9f\x3e\x22", "tnef"),
    (0, b"vhdxfile", "disk-image"),
    (0, b"conectix", "disk-image"),
    (0x8001, b"CD001", "disk-image"),
    (257, b"ustar", "tar"),
    (0, b"\x89PNG", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF8", "image"),
    (0, b"!BDN", "outlook-store"),
)
"""Where, what, and what it is called."""

_OFFICE = {"word/": "word", "xl/": "excel", "ppt/": "powerpoint"}
_PAGES = ("text/html", "application/xhtml+xml", "image/svg+xml")
_PAGE_NAMES = (".htm", ".html", ".xhtml", ".shtml", ".svg", ".mht", ".mhtml", ".hta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a mail.

    Attributes:
        name: As the mail names it, behind ``outer!`` where it lies in an attached message; may be empty.
        mime_type: As the mail claims.
        size: In bytes, decoded.
        sha256: Of the decoded content, lower case.
        form: What its first bytes say it is; empty if they say nothing.
        disposition: ``attachment``, ``inline`` or empty.
        traits: What a page in it does (:data:`Page.traits`), ``form``, ``encrypted``, ``macros``.
        inside: Names in it, if it is a zip archive.
    """

    name: str
    mime_type: str
    size: int
    sha256: str
    form: str
    disposition: str
    traits: tuple[str, ...]
    inside: tuple[str, ...]

    @property
    def extension(self) -> str:
        """What stands behind the last dot of its name, lower case."""
        stem, dot, extension = self.name.rpartition(".")
        return extension.lower().strip() if dot and stem else ""


def content_of(part: Message) -> bytes:
    """Return the decoded content of a part that is not a container; as it stands if it cannot be decoded."""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        content = None
    if isinstance(content, bytes):
        return content
    text = part.get_payload()
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""


def part_name(part: Message) -> str:
    """Return the file name of a part, decoded, on one line; empty if it has none."""
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, IndexError):
        return ""
    return header_text(name)[:_LONGEST_NAME]


def attachment_of(part: Message, within: str) -> Attachment:
    """Describe a part that is a file.

    Args:
        part: The part.
        within: Name of the attached message it lies in, ``!`` behind it; else empty.
    """
    content = content_of(part)
    name = part_name(part)
    mime_type = part.get_content_type()
    inside, traits = _inside(content)
    if mime_type in _PAGES or name.lower().endswith(_PAGE_NAMES):
        traits += _page_traits(content, part.get_content_charset() or "")
    traits += [f"name: {what}" for what in hidden_characters(name)]
    return Attachment(
        name=within + name,
        mime_type=mime_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        form=_form(content, inside),
        disposition=(part.get_content_disposition() or "")[:40],
        traits=tuple(dict.fromkeys(traits)),
        inside=tuple(inside),
    )


def _form(content: bytes, inside: list[str]) -> str:
    found = next((name for at, magic, name in _FORMATS if content.startswith(magic, at)), "")
    if found == "zip":
        return next((form for folder, form in _OFFICE.items() if any(n.startswith(folder) for n in inside)), found)
    return found


def _inside(content: bytes) -> tuple[list[str], list[str]]:
    if not content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return [], []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
    except HOSTILE:
        return [], ["damaged archive"]
    traits = ["encrypted"] if any(info.flag_bits & 0x1 for info in infos) else []
    if any(info.filename.endswith("vbaProject.bin") for info in infos):
        traits.append("macros")
    names = [info.filename[:_LONGEST_NAME].encode("utf-8", "backslashreplace").decode() for info in infos]
    return [" ".join(name.split()) for name in names[:_NAMES_INSIDE]], traits


def _page_traits(content: bytes, charset: str) -> list[str]:
    page = read_page(body_text(content, charset)[0])
    return [*page.traits, *(["form"] if page.forms else [])]
