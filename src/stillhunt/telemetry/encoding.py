"""Which encoding a log's text is in, by its beginning."""

from __future__ import annotations

import codecs

__all__ = ["encoding_of", "plain"]

_LOOKED_AT = 4096


def encoding_of(head: bytes) -> str:
    r"""Return the encoding of a text: UTF-16 by its mark or its zero bytes, else UTF-8 with or without mark.

    >>> encoding_of(b"\xff\xfe{\x00"), encoding_of(b'{\x00"\x00a\x00"\x00'), encoding_of(b'{"a": 1}')
    ('utf-16', 'utf-16-le', 'utf-8-sig')
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[:_LOOKED_AT:2], head[1:_LOOKED_AT:2]
    if odd and odd.count(0) > 0.6 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even and even.count(0) > 0.6 * len(even) and odd.count(0) < 0.1 * max(1, len(odd)):
        return "utf-16-be"
    return "utf-8-sig"


def plain(head: bytes) -> bytes:
    r"""Return a beginning for a search in its bytes: of UTF-16 every second is left out, anything else stays.

    >>> plain('{"a"'.encode("utf-16-le")), plain(b"ElfFile\x00")
    (b'{"a"', b'ElfFile\x00')
    """
    is_wide = head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} or b"\x00" in head[:2]
    return head.replace(b"\x00", b"") if is_wide else head
