"""What a zip archive lists.

Encrypted members are opened with the passwords given, each tried in turn: the old cipher by the standard library,
AES by `pyzipper` where it is installed. An archive whose list at its end is missing is read from its beginning, member
by member, as far as it goes.

Reference: PKWARE, .ZIP File Format Specification (APPNOTE) 6.3.10; Info-ZIP's extra field for UTC times.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, BinaryIO

from stillhunt.telemetry.content import HOSTILE, Entry, Slice
from stillhunt.telemetry.inflate import RAW_DEFLATE, Inflater, Packed

__all__ = ["is_zip", "zip_entries"]

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04")
_AES = 99
_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "xz", 97: "WavPack", 98: "PPMd"}
"""Those that are seen and that the standard library does not read."""

_LONGEST_LIST = 1 << 28
"""Bytes of an archive's list of members; a million of them take a third of it."""

_CHECKED_WHOLE = 1 << 20
"""As much of a member is decrypted to be sure of a password: its first check lets one of 256 wrong ones pass."""

_COPY_AGAIN = "copy or download it again"


def is_zip(head: bytes) -> bool:
    """Tell by its first bytes whether a file is a zip archive."""
    return head.startswith(_MAGIC)


def zip_entries(stream: BinaryIO, passwords: Sequence[str]) -> Iterator[Entry]:
    """Yield what a zip archive holds, by name; each can be opened until the next is asked for.

    Args:
        stream: The archive; can seek.
        passwords: To be tried on encrypted members.
    """
    trouble = _too_long_a_list(stream)
    if trouble:
        yield Entry(name="", note=trouble, remedy="unpack it yourself if you trust it")
        return
    keys = _Keys(passwords)
    try:
        with _standard_errors():
            archive = _opened(stream)
        listed = sorted(archive.infolist(), key=lambda i: i.filename)
    except HOSTILE as error:
        yield from _from_the_beginning(stream)
        yield Entry(name="", note=f"is a damaged zip archive: {error}", remedy=_COPY_AGAIN)
        return
    with archive:
        for info in listed:
            if not info.filename.endswith("/"):
                yield _entry(archive, info, keys)


def _opened(stream: BinaryIO) -> Any:
    """Open an archive, with what knows AES if that is needed and at hand."""
    archive = zipfile.ZipFile(stream)
    if not _knows_aes() or all(info.compress_type != _AES for info in archive.infolist()):
        return archive
    import pyzipper  # noqa: PLC0415 - of an extra

    return pyzipper.AESZipFile(stream)


@cache
def _knows_aes() -> bool:
    return find_spec("pyzipper") is not None


class _Keys:
    """Passwords in the spellings that packers use, the last that fitted first."""

    def __init__(self, passwords: Sequence[str]) -> None:
        self._untried = list(dict.fromkeys(key for word in passwords for key in _spellings(word)))
        self.fitting: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        return iter([*self.fitting, *(key for key in self._untried if key not in self.fitting)])

    def __bool__(self) -> bool:
        return bool(self._untried)


def _spellings(word: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "cp437", "cp1252"):
        with suppress(UnicodeEncodeError):
            yield word.encode(encoding)


def _entry(archive: Any, info: Any, keys: _Keys) -> Entry:
    name, method = info.filename or "(no name)", info.compress_type
    if stat.S_ISLNK(info.external_attr >> 16):
        return Entry(name=name, note="a symbolic link, not followed")
    if method == _AES:
        remedy = 'install "stillhunt[archives]" and give its password with `--password`'
        return Entry(name=name, note="protected by a password, with AES", remedy=remedy)
    if method in _METHODS:
        note = f"compressed with {_METHODS[method]}, which is not read here"
        return Entry(name=name, note=note, remedy="unpack it and give the folder")
    key = None
    if info.flag_bits & 0x1:
        if not keys:
            remedy = "give its password with `--password`, or unpack it and give the folder"
            return Entry(name=name, note="protected by a password", remedy=remedy)
        key = next((key for key in keys if _fits(archive, info, key, is_known=key in keys.fitting)), None)
        if key is None:
            note = "protected by a password, and none of those given opens it"
            return Entry(name=name, note=note, remedy="give the right one with `--password`")
        keys.fitting = [key, *(other for other in keys.fitting if other != key)]
    return Entry(
        name=name, n_packed=info.compress_size, open=partial(_Member, archive, info, key), modified=_modified(info)
    )


def _fits(archive: Any, info: Any, key: bytes, *, is_known: bool) -> bool:
    left = 1 if is_known else _CHECKED_WHOLE
    try:
        with closing(_Member(archive, info, key)) as content:
            while left > 0 and (chunk := content.read(min(left, 1 << 16))):
                left -= len(chunk)
    except HOSTILE:
        return False
    return True


@contextmanager
def _standard_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The package for AES has a class of its own for this, of no kin to the standard library's.
        if type(error).__name__ == "BadZipFile":
            raise zipfile.BadZipFile(str(error)) from error
        raise


class _Member:
    """The content of a member, whose errors are those of the standard library whoever reads it."""

    def __init__(self, archive: Any, info: Any, key: bytes | None) -> None:
        with _standard_errors():
            self._content = archive.open(info, pwd=key)

    def read(self, size: int, /) -> bytes:
        with _standard_errors():
            content: bytes = self._content.read1(size)
        return content

    def close(self) -> None:
        self._content.close()


def _modified(info: Any) -> datetime | None:
    """Return the time in UTC that Unix packers add, else the one that has no zone, taken as UTC."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<I", extra, 5)[0], UTC)
        extra = extra[4 + length :]
    try:
        year, month, day, hour, minute, second = info.date_time
        modified = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return modified if modified.year > 1980 else None  # 1980 is what the format calls no time


def _too_long_a_list(stream: BinaryIO) -> str:
    """Look at the end of an archive before its list of members is loaded whole; that of a hostile one may be huge."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - (1 << 16) - 22))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        return ""
    n_bytes = struct.unpack_from("<I", tail, at + 12)[0]
    # With 64-bit numbers the list lies before its own end, wherever that says it is.
    n_bytes = size if n_bytes == 0xFFFF_FFFF else min(n_bytes, size)
    return f"its list of members takes {n_bytes >> 20:,} MiB" if n_bytes > _LONGEST_LIST and tail[at:] else ""


_LOCAL = struct.Struct("<4s5H3I2H")
"""A member's own header: signature, version, flags, method, time, date, CRC, packed, unpacked, name, extra."""


def _from_the_beginning(stream: BinaryIO) -> Iterator[Entry]:
    """Yield the members of an archive without a list by their own headers, as far as these can be followed."""
    stream.seek(0)
    head = stream.read(8)
    at = 4 if head[4:8] == b"PK\x03\x04" else 0
    while True:
        stream.seek(at)
        header = stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            return
        _, _, flags, method, _, _, _, n_packed, _, n_name, n_extra = _LOCAL.unpack(header)
        raw = stream.read(n_name)
        name = raw.decode("utf-8" if flags & 0x800 else "cp437", "backslashreplace")
        start = at + _LOCAL.size + n_name + n_extra
        if flags & 0x1 or method not in {0, 8} or (method == 0 and flags & 0x8):
            return
        if flags & 0x8:
            n_packed = _length_of_deflated(stream, start)
        if not name.endswith("/"):
            yield Entry(
                name=name, n_packed=n_packed, open=partial(_stored_or_deflated, stream, start, n_packed, method)
            )
        at = start + n_packed + (_descriptor(stream, start + n_packed) if flags & 0x8 else 0)


def _stored_or_deflated(stream: BinaryIO, start: int, n_packed: int, method: int) -> Packed:
    packed = Slice(stream, [(start, n_packed)])
    return Inflater(packed, RAW_DEFLATE) if method else packed


def _length_of_deflated(stream: BinaryIO, start: int) -> int:
    """Return how long a compressed member is whose header does not say so; what is left of the file if it is cut."""
    stream.seek(start)
    inflated = Inflater(stream, RAW_DEFLATE)
    with suppress(*HOSTILE):
        while inflated.read(1 << 17):
            pass
    return stream.tell() - len(inflated.behind) - start


def _descriptor(stream: BinaryIO, at: int) -> int:
    """Return the length of what follows such a member: checksum and sizes, with or without signature, 4 or 8 bytes."""
    stream.seek(at)
    found = stream.read(28)
    lengths = (16, 24, 12, 20)
    return next((n for n in lengths if found[n : n + 4] in {b"PK\x03\x04", b"PK\x01\x02"}), lengths[0])
