"""EVTX content with its damage mended on the way to the decoder, so that it costs no sound record.

The decoder gives up a chunk at the first record header it cannot follow, a chunk whose tables of names point
astray, and a file whose header is damaged; the records behind are sound. Here a damaged record header is bridged
to the next sound one, tables that fail their checksum are emptied (they only speed up look-ups), a missing chunk
or file header is written anew, and a chunk cut short is filled up. No record's content is touched.

Layout: Microsoft, [MS-EVEN6]; J. Metz, "Windows XML Event Log (EVTX)", libyal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

__all__ = [
    "CHUNK_HEADER_SIZE",
    "CHUNK_MAGIC",
    "CHUNK_SIZE",
    "FILE_HEADER",
    "FILE_HEADER_SIZE",
    "FILE_MAGIC",
    "mended_chunk",
]

FILE_MAGIC = b"ElfFile\x00"
CHUNK_MAGIC = b"ElfChnk\x00"
CHUNK_SIZE = 1 << 16
FILE_HEADER_SIZE = 4096
CHUNK_HEADER_SIZE = 512
_TABLES = slice(128, 512)
_RECORD_MAGIC = b"\x2a\x2a\x00\x00"
_SMALLEST_RECORD = 28
_LEAST_PER_RECORD = 160
"""A record with its system data is larger."""
_LATEST_FILETIME = 2_650_467_743_999_999_999
"""The end of the year 9999, which the decoder can still express."""

_U32 = Struct("<I")
_RECORD = Struct("<4sIQQ")
"""Magic, size, number, time."""
_OFFSETS = Struct("<III")
"""At byte 40 of a chunk: size of its header, offset of the last record, offset of the free space."""


@dataclass(slots=True)
class _Survey:
    """Where the records of a chunk lie.

    Attributes:
        end: Where the last of them ends.
        last: Where the last sound one begins.
        damage: Spans between sound records that hold no sound header.
        n_sound: How many are sound.
    """

    end: int = CHUNK_HEADER_SIZE
    last: int = CHUNK_HEADER_SIZE
    damage: tuple[tuple[int, int], ...] = ()
    n_sound: int = 0


def mended_chunk(chunk: bytes) -> bytes:
    """Return a chunk in which every sound record can be reached; a sound chunk or no chunk comes back as it is.

    Args:
        chunk: 65,536 bytes.
    """
    is_header_sound = chunk.startswith(CHUNK_MAGIC) and _has_checksum(chunk)
    if is_header_sound and _are_records_untouched(chunk):
        return chunk
    survey = _survey(chunk, is_header_sound=is_header_sound)
    if not survey.n_sound or (is_header_sound and not survey.damage):
        return chunk
    mended = bytearray(chunk)
    for start, end in survey.damage:
        _bridge(mended, start, end)
    if not is_header_sound:
        mended[: len(CHUNK_MAGIC)] = CHUNK_MAGIC
        _OFFSETS.pack_into(mended, 40, 128, survey.last, survey.end)
        mended[_TABLES] = bytes(_TABLES.stop - _TABLES.start)
    return bytes(mended)


def _has_checksum(chunk: bytes) -> bool:
    (kept,) = _U32.unpack_from(chunk, 124)
    return zlib.crc32(chunk[_TABLES], zlib.crc32(chunk[:120])) == int(kept)


def _are_records_untouched(chunk: bytes) -> bool:
    """Tell by the checksum of the records, which spares looking at each."""
    free, kept = _U32.unpack_from(chunk, 48)[0], _U32.unpack_from(chunk, 52)[0]
    return CHUNK_HEADER_SIZE <= free <= CHUNK_SIZE and zlib.crc32(chunk[CHUNK_HEADER_SIZE:free]) == int(kept)


def _survey(chunk: bytes, *, is_header_sound: bool) -> _Survey:
    """Walk the records. Beyond the free space lie those of an earlier use of the chunk; their numbers do not follow."""
    free = _OFFSETS.unpack_from(chunk, 40)[2] if is_header_sound else CHUNK_SIZE
    position, number = CHUNK_HEADER_SIZE, -1
    found, damage = _Survey(), []
    while position < min(free, CHUNK_SIZE):
        if not _is_sound(chunk, position):
            following = next(_sound_after(chunk, position), None)
            if following is None or following >= free:
                if is_header_sound and free - position >= _SMALLEST_RECORD:
                    damage.append((position, min(free, CHUNK_SIZE)))
                break
            if not is_header_sound and not _may_follow(number, _number(chunk, following), following - position):
                break
            damage.append((position, following))
            position = following
        _, size, record_number, _ = _RECORD.unpack_from(chunk, position)
        if not is_header_sound and record_number <= number:
            break
        number = record_number
        found.last, found.n_sound = position, found.n_sound + 1
        position += size
        found.end = position
    found.damage = tuple(damage)
    return found


def _is_sound(chunk: bytes, position: int) -> bool:
    if position > CHUNK_SIZE - _SMALLEST_RECORD:
        return False
    magic, size, _, filetime = _RECORD.unpack_from(chunk, position)
    if magic != _RECORD_MAGIC or not _SMALLEST_RECORD <= size <= CHUNK_SIZE - position:
        return False
    (again,) = _U32.unpack_from(chunk, position + size - 4)
    return int(filetime) <= _LATEST_FILETIME and int(again) == size


def _sound_after(chunk: bytes, position: int) -> Iterator[int]:
    while (position := chunk.find(_RECORD_MAGIC, position + 1)) >= 0:
        if _is_sound(chunk, position):
            yield position


def _number(chunk: bytes, position: int) -> int:
    return int(_RECORD.unpack_from(chunk, position)[2])


def _may_follow(number: int, following: int, n_bytes: int) -> bool:
    """Tell whether so many bytes can hold the records between two numbers; older ones, or another log's, do not fit."""
    return number < 0 or 0 < following - number <= 1 + n_bytes // _LEAST_PER_RECORD


def _bridge(chunk: bytearray, start: int, end: int) -> None:
    """Make a damaged span one record, so that the decoder reads or refuses it and goes on behind it."""
    size = end - start
    if size < _SMALLEST_RECORD:
        return
    number = _number(bytes(chunk), start)
    _RECORD.pack_into(chunk, start, _RECORD_MAGIC, size, number, 0)
    _U32.pack_into(chunk, end - 4, size)


def _file_header() -> bytes:
    fields = Struct("<8sQQQIHHHH").pack(FILE_MAGIC, 0, 0, 1, 128, 1, 3, FILE_HEADER_SIZE, 1)
    header = bytearray(fields.ljust(FILE_HEADER_SIZE, b"\x00"))
    _U32.pack_into(header, 124, zlib.crc32(header[:120]))
    return bytes(header)


FILE_HEADER = _file_header()
"""A sound header for a file of one chunk."""
