"""Mending a chunk makes its sound records reachable and touches nothing else."""

from __future__ import annotations

import zlib
from struct import pack, pack_into

from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.chunks import CHUNK_MAGIC, CHUNK_SIZE, mended_chunk


def _record(number: int, body: bytes) -> bytes:
    size = 28 + len(body)
    return b"**\x00\x00" + pack("<IQQ", size, number, 0) + body + pack("<I", size)


def _chunk(*records: bytes, behind: bytes = b"") -> bytes:
    content = b"".join(records)
    chunk = bytearray((b"\x00" * 512 + content + behind).ljust(CHUNK_SIZE, b"\x00"))
    chunk[:8] = CHUNK_MAGIC
    pack_into("<III", chunk, 40, 128, 512, 512 + len(content))
    pack_into("<I", chunk, 124, zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])))
    return bytes(chunk)


def test_a_sound_chunk_comes_back_as_it_is():
    chunk = _chunk(_record(1, b"a" * 40), _record(2, b"b" * 40), behind=_record(1, b"old"))
    assert mended_chunk(chunk) is chunk


def test_a_damaged_record_header_is_bridged_to_the_next_sound_one():
    first, second, third = (_record(n, bytes([n]) * 40) for n in (1, 2, 3))
    mended = mended_chunk(_chunk(first, b"\xee" * 24 + second[24:], third))
    start = 512 + len(first)
    assert mended[start : start + 8] == second[:8]
    assert mended[start + 24 :] == _chunk(first, second, third)[start + 24 :]


def test_a_lost_chunk_header_is_written_up_to_the_last_record_of_this_use():
    live, stale = (_record(7, b"a" * 40), _record(8, b"b" * 40)), _record(3, b"c" * 40)
    chunk = bytes(512) + _chunk(*live, behind=stale)[512:]
    mended = mended_chunk(chunk)
    assert mended.startswith(CHUNK_MAGIC)
    assert int.from_bytes(mended[48:52], "little") == 512 + sum(map(len, live))


def test_records_of_another_log_behind_the_last_are_left_alone():
    live, foreign = _record(7, b"a" * 40), _record(900, b"c" * 40)
    chunk = bytes(512) + _chunk(live, behind=bytes(20_000) + foreign)[512:]
    assert int.from_bytes(mended_chunk(chunk)[48:52], "little") == 512 + len(live)


def test_what_is_no_chunk_comes_back_as_it_is():
    assert mended_chunk(b"\x00" * CHUNK_SIZE) == b"\x00" * CHUNK_SIZE


@given(st.binary(max_size=2000), st.integers(0, 1500))
def test_mending_any_bytes_ends_and_keeps_the_size(rubbish, place):
    chunk = bytearray(_chunk(*(_record(n, bytes(60)) for n in range(1, 9))))
    chunk[place : place + len(rubbish)] = rubbish
    assert len(mended_chunk(bytes(chunk[:CHUNK_SIZE]))) == CHUNK_SIZE
