"""Logs by lines, taken in blocks of whole lines: what is read in bulk needs no step per line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from stillhunt.telemetry.archive import DAMAGED

__all__ = ["line_blocks", "sound_chunks"]

_BLOCK = 4 << 20
_LONGEST_LINE = 16 << 20


def sound_chunks(stream: BinaryIO, trouble: list[Exception], *, size: int = 1 << 20) -> Iterator[bytes]:
    """Read to the end, or to where content is damaged: what comes before is there to be read.

    Args:
        stream: The content.
        trouble: Takes the error that ended it early.
        size: Bytes read at once, at most.
    """
    # A reader that fills a buffer would lose what it holds when its file turns out to be damaged.
    read = stream.read1 if isinstance(stream, io.BufferedReader) else stream.read
    try:
        while chunk := read(size):
            yield chunk
    except DAMAGED as error:
        trouble.append(error)


def line_blocks(stream: BinaryIO, *, encoding: str) -> Iterator[bytes]:
    """Yield the lines of a log in blocks that end where a line does, as UTF-8.

    A line of more than 16 MiB is cut off there, so that lines keep their numbers and memory its bound.

    Raises:
        One of stillhunt.telemetry.archive.DAMAGED: The content is damaged; all before that was yielded.
    """
    trouble: list[Exception] = []
    held: list[bytes] = []
    n_held, is_rest = 0, False
    for chunk in _in_utf8(sound_chunks(stream, trouble), encoding):
        wanted = chunk
        if is_rest:
            _, newline, wanted = chunk.partition(b"\n")
            is_rest = not newline
        held.append(wanted)
        n_held += len(wanted)
        if n_held < _BLOCK:
            continue
        block = b"".join(held)
        end = block.rfind(b"\n") + 1
        if end:
            yield block[:end]
            held, n_held = [block[end:]], len(block) - end
        elif n_held > _LONGEST_LINE:
            yield block[:_LONGEST_LINE] + b"\n"
            held, n_held, is_rest = [], 0, True
    if n_held:
        yield b"".join(held)
    if trouble:
        raise trouble[0]


def _in_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if not encoding.startswith("utf-8"):
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        for chunk in chunks:
            yield decoder.decode(chunk).lstrip("\ufeff").encode("utf-8", "replace")
        return
    first = next(chunks, b"")
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from chunks
