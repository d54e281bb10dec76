"""A tick file as blocks of whole lines: gzip undone, UTF-16 to UTF-8, byte-order mark removed.

Whatever the file holds, one block is in memory at a time, and a file that breaks off is an error
before its last lines are used for anything.
"""

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path

from onefill.replay.tick_errors import unreadable

#: Bytes read, or inflated, at a time: with the arrays made from it, about what a cache holds.
BLOCK_BYTES = 1 << 18
#: A line longer than this (bytes) is not text that anybody wrote: the file is refused.
MAX_LINE_BYTES = BLOCK_BYTES

_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
}


def read_blocks(file: Path) -> Iterator[bytes]:
    """The file's text in blocks of whole lines, each ending in a newline.

    Raises TicksError when the file cannot be read, is empty, is no text or breaks off.
    """
    return _whole_lines(_plain_text(_inflated(_bytes(file), file), file), file)


def _bytes(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb", buffering=0) as stream:
            while chunk := stream.read(BLOCK_BYTES):
                yield chunk
    except OSError as error:
        raise unreadable(file, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the path
        raise unreadable(file, f"cannot be read: {error}") from error


def _inflated(chunks: Iterator[bytes], file: Path) -> Iterator[bytes]:
    first = next(chunks, b"")
    for magic, what in _ARCHIVES.items():
        if first.startswith(magic):
            raise unreadable(file, f"is {what}: unpack it, or pack it with gzip")
    if not first.startswith(_GZIP):
        yield first
        yield from chunks
        return
    inflater = zlib.decompressobj(wbits=31)
    chunk = first
    while chunk:
        while chunk:
            if inflater.eof:  # another member follows, or the padding of a tape
                if not (chunk := chunk.lstrip(b"\0")):
                    break
                inflater = zlib.decompressobj(wbits=31)
            try:
                text = inflater.decompress(chunk, BLOCK_BYTES)
            except zlib.error as error:
                raise unreadable(file, f"its gzip stream is damaged ({error})") from error
            chunk = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            yield text
        chunk = next(chunks, b"")
    if not inflater.eof:
        raise unreadable(file, "its gzip stream breaks off: copy the file again")


def _plain_text(chunks: Iterator[bytes], file: Path) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    if head.startswith(_UTF16):
        yield from _from_utf16(head, chunks, file)
        return
    if b"\0" in head:
        raise unreadable(file, "is not text")
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _from_utf16(head: bytes, chunks: Iterator[bytes], file: Path) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        yield decoder.decode(head).encode()
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise unreadable(file, f"is not text: its UTF-16 is damaged ({error.reason})") from error


def _whole_lines(chunks: Iterator[bytes], file: Path) -> Iterator[bytes]:
    rest = b""
    empty = True
    for chunk in chunks:
        empty = empty and not chunk
        end = chunk.find(b"\n")
        if len(rest) + (len(chunk) if end < 0 else end) > MAX_LINE_BYTES:
            raise unreadable(file, f"is not text: it has a line of over {MAX_LINE_BYTES} bytes")
        if end < 0:
            rest += chunk
            continue
        cut = chunk.rfind(b"\n") + 1
        yield rest + chunk[:cut]
        rest = chunk[cut:]
    if empty:
        raise unreadable(file, "is empty")
    if rest:
        yield rest + b"\n"
