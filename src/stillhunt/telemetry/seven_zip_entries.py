"""What a 7-Zip archive holds, through `py7zr` where it is installed.

Its members are packed into one another, so all are unpacked in one pass into one temporary file, within limits, and
read from there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from typing import Any, BinaryIO

from stillhunt.errors import SourceError
from stillhunt.telemetry.content import HOSTILE, Entry, Slice

__all__ = ["is_seven_zip", "seven_zip_entries"]

_COPY_AGAIN = "copy or download it again"
_UNPACK = "unpack it and give the folder"


def is_seven_zip(head: bytes) -> bool:
    """Tell by its first bytes whether a file is a 7-Zip archive."""
    return head.startswith(b"7z\xbc\xaf\x27\x1c")


def seven_zip_entries(stream: BinaryIO, passwords: Sequence[str], spend: Callable[[int], None]) -> Iterator[Entry]:
    """Yield what a 7-Zip archive holds, by name; each can be opened until the last was asked for.

    Args:
        stream: The archive; can seek.
        passwords: To be tried if it is encrypted.
        spend: Told how many bytes are unpacked; raises if these are too many.

    Raises:
        SourceError: What ``spend`` raises.
    """
    if find_spec("py7zr") is None:
        remedy = f'install "stillhunt[archives]", or {_UNPACK}'
        yield Entry(name="", note="a 7-Zip archive, which an extra is needed for", remedy=remedy)
        return
    with tempfile.TemporaryFile() as file:
        store = _Store(file, spend)
        trouble = _unpack_with_any(stream, passwords, store)
        yield from sorted(store.entries(), key=lambda entry: entry.name)
        if trouble is not None:
            yield trouble


class _Sink:
    """Takes the content of one member, as `py7zr` gives it; close is called only if it is whole."""

    def __init__(self, store: _Store) -> None:
        self._store = store
        self.pieces: list[tuple[int, int]] = []
        self.is_whole = False

    def write(self, data: bytes) -> int:
        self.pieces.append(self._store.append(data))
        return len(data)

    def read(self, size: int | None = None) -> bytes:
        del size
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        del whence
        return offset

    def flush(self) -> None:
        return

    def size(self) -> int:
        return sum(length for _, length in self.pieces)

    def close(self) -> None:
        self.is_whole = True


class _Store:
    """All members in one file, in the order they come."""

    def __init__(self, file: BinaryIO, spend: Callable[[int], None]) -> None:
        self._file, self._spend = file, spend
        self._end = 0
        self.notes: dict[str, str] = {}
        self.modified: dict[str, datetime] = {}
        self.sinks: dict[str, _Sink] = {}

    def create(self, name: str) -> _Sink:
        """Make room for a member; called by `py7zr`."""
        sink = self.sinks[name] = _Sink(self)
        return sink

    def append(self, data: bytes) -> tuple[int, int]:
        self._spend(len(data))
        self._file.seek(self._end)
        self._file.write(data)
        self._end += len(data)
        return self._end - len(data), len(data)

    @property
    def has_content(self) -> bool:
        return any(sink.is_whole for sink in self.sinks.values())

    def entries(self) -> Iterator[Entry]:
        for name, note in self.notes.items():
            yield Entry(name=name, note=note, remedy=_UNPACK if note == _UNSAFE else None)
        for name, sink in self.sinks.items():
            yield Entry(
                name=name,
                n_packed=sink.size(),
                open=partial(Slice, self._file, list(sink.pieces)),
                modified=self.modified.get(name),
            )


_UNSAFE = "its name leads out of the archive, so it was not unpacked"


def _unpack_with_any(stream: BinaryIO, passwords: Sequence[str], store: _Store) -> Entry | None:
    """Unpack with the first password that fits, none at first; return what went wrong."""
    import py7zr.exceptions  # noqa: PLC0415 - of an extra

    errors = (*HOSTILE, py7zr.exceptions.ArchiveError, py7zr.exceptions.AbsolutePathError)
    for password in (None, *passwords):
        stream.seek(0)
        try:
            _unpack(stream, password, store)
        except SourceError:
            raise
        except py7zr.exceptions.PasswordRequired:
            continue
        except errors as error:
            if password is not None and not store.has_content:
                continue  # a wrong password shows as damage, of the list or of the first member
            return Entry(name="", note=f"is a damaged 7-Zip archive: {error}", remedy=_COPY_AGAIN)
        return None
    if not passwords:
        remedy = f"give its password with `--password`, or {_UNPACK}"
        return Entry(name="", note="protected by a password", remedy=remedy)
    store.sinks.clear()
    note = "protected by a password, and none of those given opens it"
    return Entry(name="", note=note, remedy="give the right one with `--password`")


def _unpack(stream: BinaryIO, password: str | None, store: _Store) -> None:
    import py7zr  # noqa: PLC0415 - of an extra

    with py7zr.SevenZipFile(stream, password=password) as archive:
        if password is None and archive.needs_password():
            raise py7zr.exceptions.PasswordRequired(archive, "")
        wanted = set()
        for file in archive.files:
            if file.is_directory:
                continue
            parts = file.filename.replace("\\", "/").split("/")
            if ".." in parts or parts[0] in {"", "~"} or ":" in parts[0]:
                store.notes[file.filename] = _UNSAFE
            elif file.is_symlink or file.is_junction or file.is_socket:
                store.notes[file.filename] = "a link, not followed"
            else:
                wanted.add(file.filename)
                if (modified := _time(file.lastwritetime)) is not None:
                    store.modified[file.filename] = modified
        factory: Any = store
        archive.extract(targets=wanted, factory=factory)


def _time(stamp: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(stamp.totimestamp(), UTC)
    except (AttributeError, ValueError, OverflowError, OSError):
        return None
