"""What a tick file may be packed and encoded as, and what is said of one that cannot be used."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from onefill.replay.tick_errors import TicksError
from onefill.replay.tick_files import BLOCK_BYTES, MAX_LINE_BYTES
from onefill.replay.ticks import LoadedTicks, load_ticks, parse_source

HEADER = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes) -> Path:
        file = tmp_path / "EURUSD.csv"
        file.write_bytes(content)
        return file

    return write


def load(word: Path | str, strict: bool = False) -> LoadedTicks:
    return load_ticks([parse_source(str(word))], lambda symbol: 5, None, strict)


def refusal(word: Path | str) -> str:
    """The sentence with which the file is refused."""
    with pytest.raises(TicksError) as refused:
        load(word)
    assert refused.value.code == "TICKS_UNREADABLE"
    assert "\n" not in refused.value.message
    return refused.value.message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_text_may_be_as_windows_writes_it(
    write: Write, encoding: str, end: str, pack: Callable[[bytes], bytes]
) -> None:
    text = HEADER + "2014.05.06\t00:00:01.034\t0.86834\t0.86858\t\t\t6\n" * 9_000
    if encoding in ("utf-16-le", "utf-16-be"):
        text = "\ufeff" + text
    file = write(pack(text.replace("\n", end).encode(encoding)))
    loaded = load(file, strict=True)
    assert loaded.read == 9_000
    ticks = loaded.series["EURUSD"]
    assert (len(ticks), ticks.time_ms[0], ticks.ask[0]) == (1, 1399334401034, 86858)


def test_a_gzip_file_that_breaks_off_is_refused_though_its_beginning_is_good(write: Write) -> None:
    lines = "".join(f"{time},1.{time % 7919:05},1.2\n" for time in range(1, 200_000))
    packed = gzip.compress(lines.encode())
    for length in (len(packed) - 1, len(packed) - 9, len(packed) // 2, 11):
        assert "breaks off" in refusal(write(packed[:length]))


def test_a_gzip_file_that_is_damaged_is_refused(write: Write) -> None:
    packed = gzip.compress(b"1,1.1,1.2\n" * 1000)
    assert "is damaged" in refusal(write(packed[:-8] + b"\1\2\3\4" + packed[-4:]))
    assert "is damaged" in refusal(write(packed + b"garbage"))


def test_gzip_members_one_after_the_other_are_one_file(write: Write) -> None:
    packed = gzip.compress(b"1,1.1,1.2\n2,1.1") + gzip.compress(b",1.2\n3,1.1,1.2")
    assert load(write(packed + bytes(600)), strict=True).read == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04rest", "is a zip archive: unpack it, or pack it with gzip"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not text"),
        (b"\xff\xfe1\0,", "is not text: its UTF-16 is damaged (truncated data)"),
        (b"1,1.1,1.2\n" + b"1" * (MAX_LINE_BYTES + 1), "is not text: it has a line of over "),
        (b"hello\n", "is not recognised"),
        (b"time_msc,bid,ask\n", "holds no tick: nothing follows its first line"),
        (b"time_msc,bid,ask\n1,2,1\n2,x,1\n", "holds no tick: 2 broken lines of CSV"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    write: Write, content: bytes, why: str
) -> None:
    file = write(content)
    assert refusal(file).startswith(f"{file}: {why}")


def test_the_longest_line_allowed_is_only_a_broken_one(write: Write) -> None:
    loaded = load(write(b"1,1.1,1.2\n" + b"1" * MAX_LINE_BYTES + b"\n2,1.1,1.2"))
    assert (loaded.read, loaded.broken_count) == (2, 1)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "EURUSD.csv")
    assert "cannot be read: Is a directory" in refusal(f"EURUSD={tmp_path}")
    assert "cannot be read" in refusal("EURUSD=a\0b")


def test_memory_stays_near_what_the_ticks_themselves_take(write: Write) -> None:
    count = 400_000
    packed = gzip.compress(
        b"".join(b"%d,1.38742,1.38755\n" % (1399334400000 + at) for at in range(count)), 1
    )
    file = write(packed)
    tracemalloc.start()
    loaded = load(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(loaded.series["EURUSD"]) == count
    assert peak < 16 * count * 3 // 2 + 20 * BLOCK_BYTES, peak
