"""Compiled loops over chunks of an event log: where records lie, where their values lie, which values are the same.

Everything here works on one array of bytes that holds whole chunks one after another, each 65,536 bytes long, and 64
bytes of padding behind the last. All bytes come from an attacker: every offset is checked against its chunk or its
record before it is used. ``STILLHUNT_BOUNDSCHECK=1`` makes numba check every access as well, for tests.

Layout: J. Metz, "Windows XML Event Log (EVTX)", libyal; Microsoft, [MS-EVEN6].
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numba import njit

__all__ = ["CHUNK", "NESTED_ODD", "ODD", "PADDING", "count_records", "encode", "gather", "render", "transcode", "walk"]

CHUNK = 65_536
PADDING = 64
_FIRST_RECORD = 512
_SMALLEST_RECORD = 28
_MOST_SUBSTITUTIONS = 4_096

ODD = -2
"""Template of a record that is not understood here."""

NESTED_ODD = -2
"""Nested template of such a record; -1 stands for none."""

_COMPILED: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "boundscheck": bool(os.environ.get("STILLHUNT_BOUNDSCHECK")),
}

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_ZERO = np.uint64(0)

_TEXT, _GUID, _SIZE = 0x01, 0x0F, 0x10
_NESTED = 0x21
_LITERAL_SEED = np.uint64(0xA5A5)
_DATA, _NAME = np.uint64(0x0061_0074_0061_0044), np.uint64(0x0065_006D_0061_004E)
"""The words "Data" and "Name" in UTF-16."""


@njit(inline="always")
def _u16(data, at):
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@njit(inline="always")
def _u32(data, at):
    return _u16(data, at) | _u16(data, at + 2) << 16


@njit(inline="always")
def _u64(data, at):
    low = np.uint64(_u32(data, at))
    return low | np.uint64(_u32(data, at + 4)) << np.uint64(32)


@njit(inline="always")
def _mixed(digest, word):
    digest = (digest ^ word) * _MULTIPLIER
    return digest ^ (digest >> _SHIFT)


@njit(**_COMPILED)
def _hashed(data, start, size, digest):
    """Hash bytes; reads up to seven beyond them, which is what the padding is for."""
    at, end = start, start + size
    while at + 8 <= end:
        digest = _mixed(digest, _u64(data, at))
        at += 8
    if at < end:
        mask = (np.uint64(1) << np.uint64(8 * (end - at))) - np.uint64(1)
        digest = _mixed(digest, _u64(data, at) & mask)
    return _mixed(digest, np.uint64(size))


@njit(**_COMPILED)
def _fingerprint(data, base, start):
    """Hash a template's definition, the same wherever its names lie in a chunk; 0 if it is not understood."""
    limit = base + CHUNK
    size = _u32(data, start + 20)
    at, end = start + 24, start + 24 + size
    if end > limit:
        return _ZERO
    digest = _mixed(_u64(data, start + 4), _u64(data, start + 12))
    while at < end:
        token = data[at] & 0xBF
        digest = _mixed(digest, np.uint64(data[at]))
        if token == 0x01 or token == 0x06:
            behind = at + 7 if token == 0x01 else at + 1
            if behind + 4 > end:
                return _ZERO
            name = base + _u32(data, behind)
            if name < base or name + 8 > limit:
                return _ZERO
            n_bytes = 2 * _u16(data, name + 6)
            if name + 8 + n_bytes > limit:
                return _ZERO
            digest = _hashed(data, name + 8, n_bytes, digest)
            is_element_with_attributes = data[at] == 0x41
            at = behind + 4
            if name == at:
                at += 10 + n_bytes
            if is_element_with_attributes:
                at += 4
        elif token == 0x05:
            if at + 4 > end:
                return _ZERO
            n_bytes = 2 * _u16(data, at + 2)
            if at + 4 + n_bytes > end:
                return _ZERO
            digest = _hashed(data, at + 4, n_bytes, digest)
            at += 4 + n_bytes
        elif token == 0x0D or token == 0x0E:
            if at + 4 > end:
                return _ZERO
            digest = _mixed(digest, np.uint64(_u16(data, at + 1) * 256 + np.int64(data[at + 3])))
            at += 4
        elif token == 0x0F:
            at += 4
        elif token == 0x02 or token == 0x03 or token == 0x04:
            at += 1
        elif token == 0x00:
            break
        else:
            return _ZERO
    return digest if digest != _ZERO else np.uint64(1)


@njit(**_COMPILED)
def count_records(data, chunks):
    """Count the records of chunks that begin at these offsets."""
    n_records = 0
    for place in range(len(chunks)):
        base = chunks[place]
        at, end = base + _FIRST_RECORD, _end_of_records(data, base)
        size = _record_size(data, at, end, base + CHUNK)
        while size > 0:
            n_records += 1
            at += size
            size = _record_size(data, at, end, base + CHUNK)
    return n_records


@njit(**_COMPILED)
def _record_size(data, at, end, limit):
    """Return the size of the record that begins here, 0 if none does."""
    if at + _SMALLEST_RECORD > end or _u32(data, at) != 0x2A2A:
        return np.int64(0)
    size = _u32(data, at + 4)
    return size if size >= _SMALLEST_RECORD and at + size <= limit else np.int64(0)


@njit(inline="always")
def _end_of_records(data, base):
    free = _u32(data, base + 48)
    return base + free if _FIRST_RECORD < free <= CHUNK else base + CHUNK


@njit(**_COMPILED)
def _template(data, base, offset, seen_in, seen_as, place, known, known_at, n_known, slots):
    """Return the number of a template defined at an offset of a chunk."""
    if offset < _FIRST_RECORD or offset + 24 > CHUNK:
        return ODD
    if seen_in[offset] == place:
        return seen_as[offset]
    number = np.int64(ODD)
    digest = _fingerprint(data, base, base + offset)
    if digest != _ZERO:
        number = _numbered(digest, base + offset, known, known_at, n_known, slots)
    seen_in[offset], seen_as[offset] = place, number
    return number


@njit(**_COMPILED)
def _numbered(digest, at, known, known_at, n_known, slots):
    """Return the number of a fingerprint, a new one if it was not met before; ODD if there is no more room."""
    mask = np.int64(len(slots) - 1)
    slot = np.int64(digest & np.uint64(mask))
    while True:
        number = np.int64(slots[slot])
        if number < 0:
            number = np.int64(n_known[0])
            if number >= len(known):
                return np.int64(ODD)
            known[number], known_at[number] = digest, at
            slots[slot] = number
            n_known[0] += 1
            return number
        if known[number] == digest:
            return number
        slot = (slot + 1) & mask


@njit(**_COMPILED)
def _literal(data, base, start, limit, spans, n_spans):
    """Walk a fragment that is written out without a template.

    Returns (hash of its structure, or 0 if it is not understood; number of its texts, whose offsets and lengths are
    put into ``spans`` from ``n_spans`` on). The names of <Data> elements are structure, all other texts are values.
    """
    digest, at, depth, n_texts = _LITERAL_SEED, start, 0, 0
    is_data = is_name = is_attribute = has_text = False
    if at + 4 <= limit and data[at] == 0x0F:
        at += 4
    while at < limit:
        token = data[at] & 0xBF
        if token == 0x01 or token == 0x06:
            behind = at + 5 if token == 0x01 else at + 1
            if behind + 4 > limit:
                return _ZERO, 0
            name = base + _u32(data, behind)
            if name < base or name + 8 > base + CHUNK:
                return _ZERO, 0
            n_bytes = 2 * _u16(data, name + 6)
            if name + 8 + n_bytes > base + CHUNK:
                return _ZERO, 0
            digest = _mixed(_hashed(data, name + 8, n_bytes, digest), np.uint64(token))
            is_four = n_bytes == 8
            if token == 0x01:
                is_data = is_four and _u64(data, name + 8) == _DATA
                depth += 1
                is_attribute = False
            else:
                is_name = is_data and is_four and _u64(data, name + 8) == _NAME
                is_attribute = True
            has_text = False
            is_element_with_attributes = data[at] == 0x41
            at = behind + 4
            if name == at:
                at += 10 + n_bytes
            if is_element_with_attributes:
                at += 4
        elif token == 0x05:
            if at + 4 > limit:
                return _ZERO, 0
            n_bytes = 2 * _u16(data, at + 2)
            if at + 4 + n_bytes > limit or has_text:
                return _ZERO, 0
            if is_attribute and is_name:
                digest = _hashed(data, at + 4, n_bytes, digest)
            else:
                if n_spans + n_texts >= len(spans):
                    return _ZERO, 0
                spans[n_spans + n_texts, 0], spans[n_spans + n_texts, 1] = at + 4, n_bytes
                n_texts += 1
                digest = _mixed(digest, np.uint64(0x05))
            has_text = True
            at += 4 + n_bytes
        elif token == 0x02:
            is_attribute = is_name = has_text = False
            digest = _mixed(digest, np.uint64(0x02))
            at += 1
        elif token == 0x03 or token == 0x04:
            is_attribute = is_name = has_text = False
            digest = _mixed(digest, np.uint64(0x04))
            depth -= 1
            at += 1
            if depth <= 0:
                return (digest if digest != _ZERO else np.uint64(1)), n_texts
        else:
            return _ZERO, 0
    return _ZERO, 0


@njit(**_COMPILED)
def walk(data, chunks, records, spans, known, known_at, n_known, slots):
    """Find the template and the values of every record.

    Args:
        data: Chunks.
        chunks: Where each begins.
        records: Filled with one row per record: offset, number in its header, template, offset of the descriptors of
            its values, number of values, and the last three again for the template nested in it. What is written out
            without a template counts as one; its offset is then -1 - (first of its rows in ``spans``).
        spans: Filled with offset and length of the texts that are written out; a sixth of the bytes are enough.
        known: Fingerprints of templates.
        known_at: Where each was met first; only new ones are filled.
        n_known: How many there are.
        slots: Hash table of their numbers; a power of two in length, -1 where free.
    """
    seen_in, seen_as = np.full(CHUNK, -1, np.int64), np.zeros(CHUNK, np.int64)
    row = n_spans = 0
    for place in range(len(chunks)):
        base = chunks[place]
        at, end = base + _FIRST_RECORD, _end_of_records(data, base)
        size = _record_size(data, at, end, base + CHUNK)
        while size > 0:
            limit = at + size - 4
            records[row, 0], records[row, 1] = at, np.int64(_u64(data, at + 8))
            records[row, 2], records[row, 5] = ODD, -1
            template, values, n_values = _instance(
                data, base, at + 24, limit, seen_in, seen_as, place, known, known_at, n_known, slots
            )
            if template < 0:
                digest, n_texts = _literal(data, base, at + 24, limit, spans, n_spans)
                if digest != _ZERO:
                    records[row, 2] = _numbered(digest, -1 - (at + 24), known, known_at, n_known, slots)
                    records[row, 3], records[row, 4] = -1 - n_spans, n_texts
                    n_spans += n_texts
            else:
                records[row, 2], records[row, 3], records[row, 4] = template, values, n_values
                value = values + 4 * n_values
                for number in range(n_values):
                    n_bytes = _u16(data, values + 4 * number)
                    if value + n_bytes > limit:
                        records[row, 2] = ODD
                        break
                    if data[values + 4 * number + 2] == _NESTED and n_bytes > 0:
                        if records[row, 5] != -1:
                            records[row, 5] = NESTED_ODD
                            break
                        nested, inner, n_inner = _instance(
                            data, base, value, value + n_bytes, seen_in, seen_as, place, known, known_at, n_known, slots
                        )
                        if nested >= 0:
                            if not _is_flat(data, inner, n_inner, value + n_bytes):
                                nested = np.int64(NESTED_ODD)
                        else:
                            digest, n_inner = _literal(data, base, value, value + n_bytes, spans, n_spans)
                            if digest != _ZERO:
                                nested = _numbered(digest, -1 - value, known, known_at, n_known, slots)
                                inner = np.int64(-1 - n_spans)
                                n_spans += n_inner
                        records[row, 5], records[row, 6], records[row, 7] = nested, inner, n_inner
                        if nested < 0:
                            records[row, 5] = NESTED_ODD
                            break
                    value += n_bytes
            row += 1
            at += size
            size = _record_size(data, at, end, base + CHUNK)


@njit(**_COMPILED)
def _instance(data, base, start, limit, seen_in, seen_as, place, known, known_at, n_known, slots):
    """Return (template, offset of its values' descriptors, number of values); the template is ODD if there is none."""
    at = start
    if at + 4 <= limit and data[at] == 0x0F:
        at += 4
    if at + 14 > limit or data[at] != 0x0C:
        return np.int64(ODD), np.int64(0), np.int64(0)
    offset = _u32(data, at + 6)
    at += 10
    if base + offset == at:
        if at + 24 > limit:
            return np.int64(ODD), np.int64(0), np.int64(0)
        at += 24 + _u32(data, at + 20)
    if at + 4 > limit:
        return np.int64(ODD), np.int64(0), np.int64(0)
    n_values = _u32(data, at)
    if n_values > _MOST_SUBSTITUTIONS or at + 4 + 4 * n_values > limit:
        return np.int64(ODD), np.int64(0), np.int64(0)
    template = _template(data, base, offset, seen_in, seen_as, place, known, known_at, n_known, slots)
    return np.int64(template), np.int64(at + 4), np.int64(n_values)


@njit(**_COMPILED)
def _is_flat(data, values, n_values, limit):
    """Say whether all values lie within their record and none is nested once more."""
    value = values + 4 * n_values
    for number in range(n_values):
        n_bytes = _u16(data, values + 4 * number)
        if data[values + 4 * number + 2] == _NESTED and n_bytes > 0:
            return False
        value += n_bytes
    return value <= limit


@njit(**_COMPILED)
def gather(data, records, spans, rows, level, wanted, first, starts, sizes, kinds):
    """Find the values of records that share a template.

    Args:
        data: Chunks.
        records: As filled by :func:`walk`.
        spans: Likewise.
        rows: Which of them.
        level: 0 for the values of the record's template, 1 for those of the nested one.
        wanted: For each value the column it goes to, or -1.
        first: Row of the columns that the first record goes to.
        starts: Filled with the offset of each value, columns by rows.
        sizes: Filled with its length in bytes.
        kinds: Filled with its type; 0 (null) where a record has fewer values.
    """
    for place in range(len(rows)):
        values, n_values = records[rows[place], 3 + 3 * level], records[rows[place], 4 + 3 * level]
        if values < 0:
            for number in range(min(n_values, len(wanted))):
                column = wanted[number]
                if column >= 0:
                    starts[column, first + place] = spans[-1 - values + number, 0]
                    sizes[column, first + place] = spans[-1 - values + number, 1]
                    kinds[column, first + place] = _TEXT
            continue
        value = values + 4 * n_values
        for number in range(min(n_values, len(wanted))):
            n_bytes = _u16(data, values + 4 * number)
            column = wanted[number]
            if column >= 0:
                starts[column, first + place] = value
                sizes[column, first + place] = n_bytes
                kinds[column, first + place] = data[values + 4 * number + 2]
            value += n_bytes


@njit(inline="always")
def _is_same(data, one, other, size):
    for at in range(size):
        if data[one + at] != data[other + at]:
            return False
    return True


@njit(**_COMPILED)
def encode(data, starts, sizes, kinds, codes, firsts):
    """Number the distinct values of a column by their bytes and types, and return how many there are.

    Args:
        data: Chunks.
        starts: Offset of each value.
        sizes: Its length in bytes.
        kinds: Its type; 0 is null.
        codes: Filled with the number of each value, -1 for null.
        firsts: Filled with the row where each distinct value is met first.
    """
    capacity = 256
    table = np.full(capacity, -1, np.int32)
    digests = np.empty(len(starts), np.uint64)
    n_values = 0
    for row in range(len(starts)):
        if kinds[row] == 0:
            codes[row] = -1
            continue
        digest = _hashed(data, starts[row], np.int64(sizes[row]), np.uint64(kinds[row]))
        slot = np.int64(digest & np.uint64(capacity - 1))
        while True:
            number = table[slot]
            if number < 0:
                break
            first = firsts[number]
            if (
                digests[number] == digest
                and sizes[first] == sizes[row]
                and kinds[first] == kinds[row]
                and _is_same(data, starts[first], starts[row], sizes[row])
            ):
                break
            slot = (slot + 1) & (capacity - 1)
        if number < 0:
            number = np.int32(n_values)
            table[slot] = number
            digests[n_values], firsts[n_values] = digest, row
            n_values += 1
            if 2 * n_values > capacity:
                capacity *= 4
                table = np.full(capacity, -1, np.int32)
                for other in range(n_values):
                    slot = np.int64(digests[other] & np.uint64(capacity - 1))
                    while table[slot] >= 0:
                        slot = (slot + 1) & (capacity - 1)
                    table[slot] = other
        codes[row] = number
    return n_values


@njit(**_COMPILED)
def transcode(data, starts, sizes, text, ends):
    """Write UTF-16 values as UTF-8, without the zeros behind them; half a surrogate pair becomes U+FFFD.

    Args:
        data: Chunks.
        starts: Offset of each value.
        sizes: Its length in bytes.
        text: Filled; three bytes for every two of all values are enough.
        ends: Filled with where each value ends in ``text``; one longer than ``starts``, beginning with 0.
    """
    out = 0
    ends[0] = 0
    for row in range(len(starts)):
        at = starts[row]
        end = at + (np.int64(sizes[row]) & ~1)
        while end > at and data[end - 1] == 0 and data[end - 2] == 0:
            end -= 2
        while at < end:
            code = _u16(data, at)
            at += 2
            if code < 0x80:
                text[out] = code
                out += 1
                continue
            if code < 0x800:
                text[out], text[out + 1] = 0xC0 | code >> 6, 0x80 | code & 63
                out += 2
                continue
            if 0xD800 <= code < 0xE000:
                low = _u16(data, at) if code < 0xDC00 and at < end else 0
                if 0xDC00 <= low < 0xE000:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    at += 2
                    text[out], text[out + 1] = 0xF0 | code >> 18, 0x80 | (code >> 12) & 63
                    text[out + 2], text[out + 3] = 0x80 | (code >> 6) & 63, 0x80 | code & 63
                    out += 4
                    continue
                code = 0xFFFD
            text[out], text[out + 1], text[out + 2] = 0xE0 | code >> 12, 0x80 | (code >> 6) & 63, 0x80 | code & 63
            out += 3
        ends[row + 1] = out
    return out


@njit(inline="always")
def _number(data, at, size):
    value = _ZERO
    for place in range(size):
        value |= np.uint64(data[at + place]) << np.uint64(8 * place)
    return value


@njit(**_COMPILED)
def _decimal(text, out, value):
    n_digits, rest = 1, value // np.uint64(10)
    while rest > _ZERO:
        n_digits += 1
        rest //= np.uint64(10)
    for place in range(n_digits):
        text[out + n_digits - 1 - place] = np.uint8(48 + value % np.uint64(10))
        value //= np.uint64(10)
    return out + n_digits


@njit(inline="always")
def _digit(value, above_nine):
    return 48 + value if value < 10 else above_nine + value


@njit(**_COMPILED)
def _hexadecimal(text, out, value):
    n_digits, rest = 1, value >> np.uint64(4)
    while rest > _ZERO:
        n_digits += 1
        rest >>= np.uint64(4)
    text[out], text[out + 1] = 48, 120
    for place in range(n_digits):
        digit = np.int64(value >> np.uint64(4 * (n_digits - 1 - place)) & np.uint64(15))
        text[out + 2 + place] = _digit(digit, 87)
    return out + 2 + n_digits


_GUID_ORDER = np.array([3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15], np.int64)


@njit(**_COMPILED)
def _guid(data, at, text, out):
    for place in _GUID_ORDER:
        if place < 0:
            text[out] = 45
            out += 1
        else:
            byte = np.int64(data[at + place])
            text[out], text[out + 1] = _digit(byte >> 4, 55), _digit(byte & 15, 55)
            out += 2
    return out


@njit(**_COMPILED)
def render(data, starts, sizes, kinds, text, ends):
    """Write numbers, booleans and GUIDs as text; return -1 at the first value of another kind.

    Arguments are those of :func:`transcode`, and ``kinds``; 48 bytes of ``text`` for each value are enough.
    """
    out = 0
    ends[0] = 0
    for row in range(len(starts)):
        kind, at, size = kinds[row], starts[row], np.int64(sizes[row])
        if kind == 4 or kind == 6 or kind == 8 or kind == 10:
            if size == 0 or size > 8:
                return -1
            out = _decimal(text, out, _number(data, at, size))
        elif kind == 3 or kind == 5 or kind == 7 or kind == 9:
            if size == 0 or size > 8:
                return -1
            value = _number(data, at, size)
            is_negative = data[at + size - 1] >= 128
            if is_negative:
                text[out] = 45
                out += 1
                value = (~value + np.uint64(1)) & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 8 * size))
            out = _decimal(text, out, value)
        elif kind == 0x14 or kind == 0x15 or kind == _SIZE:
            if size == 0 or size > 8:
                return -1
            out = _hexadecimal(text, out, _number(data, at, size))
        elif kind == _GUID:
            if size != 16:
                return -1
            out = _guid(data, at, text, out)
        else:
            return -1
        ends[row + 1] = out
    return out
