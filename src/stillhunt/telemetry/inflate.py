"""Compressed streams: gzip, Zstandard, bzip2, xz and lzma, with as much of a damaged one as there is.

A stream may be several, one behind the other, as `cat a.gz b.gz` makes them. What comes behind the last and is no
compressed data is left, as the formats' own tools do, but said. Of one that is cut or damaged everything up to that
place is given before the damage is reported.

References: RFC 1952 (gzip), RFC 8878 (Zstandard), the .xz file format 1.2.1, the lzma_alone format of LZMA Utils.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["INFLATE_ERRORS", "RAW_DEFLATE", "Codec", "Inflater", "Packed", "codec_of"]

INFLATE_ERRORS = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, OSError)
"""What decompressors raise on damaged content; bzip2's says OSError."""

_PACKED_AT_ONCE = 1 << 16
_LZMA_MEMORY = 1 << 29
"""A dictionary may ask for so much memory; `xz -9` needs an eighth of it."""

_LONGEST_MAGIC = 13


class _Decompressor(Protocol):
    """One compressed stream, as the standard library's decompressors are."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A kind of compressed stream.

    Attributes:
        title: What people call it.
        starts: Tells by its first bytes whether one begins here.
        decompressor: Makes one for the next stream.
        may_repeat: Whether another may follow the first.
    """

    title: str
    starts: Callable[[bytes], bool]
    decompressor: Callable[[], _Decompressor]
    may_repeat: bool = True

    def modified(self, head: bytes) -> datetime | None:
        """Return when the content was last written, if the stream's header says so."""
        if self is not _GZIP or len(head) < 8:
            return None
        (seconds,) = struct.unpack_from("<I", head, 4)
        return datetime.fromtimestamp(seconds, UTC) if seconds else None


class Packed(Protocol):
    """What is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class _Zlib:
    """Gives zlib the manners of the others, and what stands before a damaged place to the byte."""

    def __init__(self, window: int = 31) -> None:
        self._stream = zlib.decompressobj(window)
        self._waiting = b""
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting and self._error is None

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._waiting + data
        before = self._stream.copy()
        try:
            content = self._stream.decompress(data, max(0, max_length))
        except zlib.error as error:
            self._error, self._stream = error, before
            return self._byte_by_byte(data)
        self._waiting = self._stream.unconsumed_tail
        return content

    def _byte_by_byte(self, data: bytes) -> bytes:
        content = bytearray()
        try:
            for at in range(len(data)):
                content += self._stream.decompress(data[at : at + 1])
        except zlib.error:
            return bytes(content)
        return bytes(content)


class Inflater:
    """The content of a compressed stream, to be read once.

    Args:
        packed: The stream; closed with this.
        codec: What it is.
    """

    def __init__(self, packed: Packed, codec: Codec) -> None:
        self._packed, self._codec = packed, codec
        self._stream = codec.decompressor()
        self._ready = b""
        self.remark = ""

    @property
    def behind(self) -> bytes:
        """What was read of the stream and lies behind its end."""
        return self._stream.unused_data

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end.

        Raises:
            EOFError: It is cut short.
            zlib.error: It is damaged here; as do the others of :data:`INFLATE_ERRORS`.
        """
        while not self._ready:
            if self._stream.eof:
                if not self._next():
                    return b""
                continue
            packed = b""
            if self._stream.needs_input and not (packed := self._packed.read(_PACKED_AT_ONCE)):
                raise EOFError(f"the {self._codec.title} stream is cut short")
            self._ready = self._stream.decompress(packed, size)
        content, self._ready = self._ready[:size], self._ready[size:]
        return content

    def _next(self) -> bool:
        """Go on to the next stream, if there is one. Zeros between and behind them are padding."""
        if isinstance(self._stream, _Ended):
            return False
        rest = self._stream.unused_data.lstrip(b"\x00")
        while len(rest) < _LONGEST_MAGIC and (more := self._packed.read(_PACKED_AT_ONCE)):
            rest = (rest + more).lstrip(b"\x00")
        if not rest:
            return False
        if not (self._codec.may_repeat and self._codec.starts(rest)):
            self.remark = f"something that is no {self._codec.title} data follows its end, and was left"
            self._stream = _Ended(rest)
            return False
        self._stream = self._codec.decompressor()
        self._ready = self._stream.decompress(rest, 1)
        return True

    def close(self) -> None:
        """Close what lies below."""
        self._packed.close()


class _Ended:
    """What stands behind the last stream."""

    eof, needs_input = True, False

    def __init__(self, unused_data: bytes) -> None:
        self.unused_data = unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del data, max_length
        return b""


def _starts_lzma(head: bytes) -> bool:
    """Tell an lzma_alone header, which has no magic, as `xz` itself does: by values no encoder writes otherwise."""
    if len(head) < _LONGEST_MAGIC or head[0] != 0x5D:
        return False
    dictionary, size = struct.unpack_from("<IQ", head, 1)
    highest = 1 << max(0, dictionary.bit_length() - 1)
    is_usual = dictionary in {highest, highest | highest >> 1} and dictionary >= 1 << 12
    return bool(is_usual and (size == (1 << 64) - 1 or size < 1 << 38))


def _starts_zstd(head: bytes) -> bool:
    """Tell a frame, or one that is to be skipped."""
    return head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F)


_GZIP = Codec(title="gzip", starts=lambda head: head.startswith(b"\x1f\x8b\x08"), decompressor=_Zlib)
_CODECS = (
    _GZIP,
    Codec(title="Zstandard", starts=_starts_zstd, decompressor=zstd.ZstdDecompressor),
    Codec(
        title="bzip2",
        starts=lambda head: head[:3] == b"BZh" and head[4:10] in {b"1AY&SY", b"\x17rE8P\x90"},
        decompressor=bz2.BZ2Decompressor,
    ),
    Codec(
        title="xz",
        starts=lambda head: head.startswith(b"\xfd7zXZ\x00"),
        decompressor=lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY),
    ),
    Codec(
        title="lzma",
        starts=_starts_lzma,
        decompressor=lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _LZMA_MEMORY),
        may_repeat=False,
    ),
)


RAW_DEFLATE = Codec(title="deflate", starts=lambda _: False, decompressor=lambda: _Zlib(-15), may_repeat=False)
"""The bare stream of a zip archive's member, which nothing announces."""


def codec_of(head: bytes) -> Codec | None:
    """Return the kind of compressed stream that begins so; None for anything else."""
    return next((codec for codec in _CODECS if codec.starts(head)), None)
