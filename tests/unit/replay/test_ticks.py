"""Tick files as a user gives them: merged by symbol and time, broken lines told and skipped."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.errors import OnefillError
from onefill.replay.tick_errors import TicksError
from onefill.replay.tick_files import BLOCK_BYTES
from onefill.replay.tick_formats import mt5, read_block
from onefill.replay.tick_rules import FileRules
from onefill.replay.ticks import (
    BROKEN_LINES_SHOWN,
    LoadedTicks,
    TickSource,
    load_ticks,
    parse_source,
)
from onefill.terminal.simulator.ticks import TickSeries, merge
from onefill.terminal.zone import parse_zone

HEADER = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
DIGITS = {"XAUUSD": 3, "USDJPY": 3}

Write = Callable[..., Path]


def digits_of(symbol: str) -> int:
    if symbol == "NOSUCH":
        raise OnefillError("SYMBOL_UNKNOWN", "NOSUCH is no symbol")
    return DIGITS.get(symbol, 5)


def load(*words: Path | str, zone: str | None = None, strict: bool = False) -> LoadedTicks:
    sources = [parse_source(str(word)) for word in words]
    return load_ticks(sources, digits_of, parse_zone(zone) if zone else None, strict)


def rows(ticks: TickSeries) -> list[tuple[int, int, int]]:
    columns = (ticks.time_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist())
    return list(zip(*columns, strict=True))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str | bytes, name: str = "EURUSD.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return write


@pytest.mark.parametrize(
    ("word", "symbol", "path"),
    [
        ("EURUSD-2014-05-08.csv.gz", "EURUSD", "EURUSD-2014-05-08.csv.gz"),
        ("a.b/c-d/EURUSD.csv", "EURUSD", "a.b/c-d/EURUSD.csv"),
        ("NZDUSD-2014-05-06.mt5.csv.gz", "NZDUSD", "NZDUSD-2014-05-06.mt5.csv.gz"),
        ("EURUSD_201405060000_201405070000.csv", "EURUSD", "EURUSD_201405060000_201405070000.csv"),
        ("EURUSD_i.csv", "EURUSD_i", "EURUSD_i.csv"),
        ("EURUSD.m.csv", "EURUSD", "EURUSD.m.csv"),
        ("EURUSD.m=EURUSD.m.csv", "EURUSD.m", "EURUSD.m.csv"),
        ("EURUSD=some/path=odd.csv", "EURUSD", "some/path=odd.csv"),
        ("some/a=b/EURUSD.csv", "EURUSD", "some/a=b/EURUSD.csv"),
    ],
)
def test_a_word_of_the_command_line_names_a_symbol_and_a_file(
    word: str, symbol: str, path: str
) -> None:
    assert parse_source(word) == TickSource(symbol, Path(path))


@pytest.mark.parametrize("word", ["", "=x.csv", "EURUSD=", "-2014.csv", ".csv", " =x"])
def test_a_word_that_names_no_symbol_or_no_file_is_refused(word: str) -> None:
    with pytest.raises(TicksError, match="write it as EURUSD=PATH") as refused:
        parse_source(word)
    assert refused.value.code == "TICKS_SOURCE"


def test_every_real_file_is_read_as_a_plain_loop_reads_it(ticks_dir: Path) -> None:
    for file in sorted(ticks_dir.iterdir()):
        with gzip.open(file, "rt") as text:
            tab = ".mt5." in file.name
            lines = list(csv.reader(text, delimiter="\t" if tab else ","))[1:]
        symbol = file.name[:6]
        last = {}
        for line in lines:
            day = np.datetime64(line[0].replace(".", "-") + "T" + line[1], "ms") if tab else None
            time_ms = int(line[0]) if day is None else day.astype(int)
            prices = line[2:4] if tab else line[1:]
            last[int(time_ms)] = tuple(
                round(float(price) * 10 ** digits_of(symbol)) for price in prices
            )
        loaded = load(file)
        assert (loaded.read, loaded.broken_count) == (len(lines), 0)
        assert rows(loaded.series[symbol]) == [(time, *last[time]) for time in sorted(last)]


def test_files_of_a_symbol_merge_by_time_and_symbols_keep_the_command_lines_order(
    write: Write,
) -> None:
    late = write("5,1.5,1.6\n7,1.7,1.8\n", "EURUSD-2.csv")
    gold = write("6,1300.335,1300.799\n", "XAUUSD.csv")
    early = write("1,1.1,1.2\n6,1.6,1.7\n", "EURUSD-1.csv")
    loaded = load(late, gold, early)
    assert list(loaded.series) == ["EURUSD", "XAUUSD"]
    assert rows(loaded.series["EURUSD"]) == [
        (1, 110000, 120000),
        (5, 150000, 160000),
        (6, 160000, 170000),
        (7, 170000, 180000),
    ]
    assert rows(loaded.series["XAUUSD"]) == [(6, 1300335, 1300799)]
    assert loaded.read == 5


def test_of_ticks_in_a_millisecond_the_last_line_of_the_last_file_holds(write: Write) -> None:
    one = write("1,1.1,1.2\n1,1.2,1.3\n1,1.3,1.4\n2,1.1,1.2\n", "EURUSD-1.csv")
    two = write("2,1.8,1.9\n2,1.7,1.8\n", "EURUSD-2.csv")
    assert rows(load(one, two).series["EURUSD"]) == [(1, 130000, 140000), (2, 170000, 180000)]
    assert rows(load(two, one).series["EURUSD"]) == [(1, 130000, 140000), (2, 110000, 120000)]
    assert load(one, two).read == load(two, one).series["EURUSD"].read == 6


def test_the_fingerprint_is_of_the_quotes_however_they_were_packed(write: Write) -> None:
    lines = [f"{time},1.{time:05},1.{time + 9:05}\n" for time in range(1, 999)]
    whole = load(write("".join(lines))).series["EURUSD"].fingerprint()
    packed = write(gzip.compress(("time_msc,bid,ask\r\n" + "".join(lines)).encode()))
    assert load(packed).series["EURUSD"].fingerprint() == whole
    first = write("".join(lines[:300]) + "300,1.5,1.6\n", "EURUSD-1.csv")
    second = write("".join(lines[299:]), "EURUSD-2.csv")
    assert load(first, second).series["EURUSD"].fingerprint() == whole
    assert load(second).series["EURUSD"].fingerprint() != whole
    assert load(f"GBPUSD={packed}").series["GBPUSD"].fingerprint() != whole


def test_a_metatrader_export_gives_the_quotes_that_csv_gives(write: Write) -> None:
    plain = write("1399334401034,0.86834,0.86858\n1399334401535,0.86833,0.86858\n", "NZDUSD.csv")
    export = write(
        HEADER
        + "2014.05.06\t03:00:01.034\t0.86834\t0.86858\t\t\t6\n"
        + "2014.05.06\t03:00:01.535\t0.86833\t\t\t\t2\n",
        "NZDUSD-mt5.csv",
    )
    expected = load(plain).series["NZDUSD"].fingerprint()
    for zone in ("+03:00", "Europe/Athens", "New York + 7 h"):
        assert load(export, zone=zone).series["NZDUSD"].fingerprint() == expected
        assert load(plain, zone=zone).series["NZDUSD"].fingerprint() == expected
    assert load(export).series["NZDUSD"].time_ms[0] == 1399334401034 + 3 * 3_600_000


def test_broken_lines_are_counted_told_by_line_and_skipped(write: Write) -> None:
    file = write(
        "time_msc,bid,ask\n"
        "10,1.1,1.2\n"
        "11,1.3,1.2\n"
        "\n"
        "noon,1.1,1.2\n"
        "9,1.1,1.2\n"
        "12,1.1,1.2\n"
        "13,1.1,1.2,1.3\n"
    )
    loaded = load(file)
    assert (loaded.read, loaded.broken_count) == (2, 4)
    assert [str(line) for line in loaded.broken] == [
        f"{file}, line 3: the bid 1.30000 is above the ask 1.20000",
        f"{file}, line 5: the time 'noon' is not a whole number of milliseconds",
        f"{file}, line 6: the time goes back by 1 ms",
        f"{file}, line 8: fields: 4, expected 3 (time_msc,bid,ask)",
    ]
    assert rows(loaded.series["EURUSD"]) == [(10, 110000, 120000), (12, 110000, 120000)]


def test_all_broken_lines_are_counted_and_the_first_are_shown(write: Write) -> None:
    file = write("1,1.1,1.2\n" + "1,1.3,1.2\nx\n" * 100_000)
    loaded = load(file)
    assert loaded.broken_count == 200_000
    assert len(loaded.broken) == BROKEN_LINES_SHOWN
    assert [line.line for line in loaded.broken] == list(range(2, BROKEN_LINES_SHOWN + 2))


def test_line_numbers_go_on_through_all_blocks_of_a_file(write: Write) -> None:
    lines = ["1399334400158,1.38742,1.38755\n"] * (3 * BLOCK_BYTES // 30)
    lines[-2] = "x\n"
    loaded = load(write("time_msc,bid,ask\n" + "".join(lines)))
    assert [line.line for line in loaded.broken] == [len(lines)]


def test_strict_refuses_the_first_broken_line(write: Write) -> None:
    file = write("10,1.1,1.2\n9,1.1,1.2\nx\n")
    with pytest.raises(TicksError, match="line 2: the time goes back by 1 ms") as refused:
        load(file, strict=True)
    assert refused.value.code == "TICKS_BROKEN"
    assert refused.value.message.startswith(f"{file}, line 2")
    assert load(write("10,1.1,1.2\n\n11,1.1,1.2\r\n"), strict=True).read == 2


def test_a_blank_price_is_unchanged_from_the_line_above_good_or_skipped(write: Write) -> None:
    def line(second: int, bid: str, ask: str) -> str:
        return f"2014.05.06\t00:00:{second:02}.000\t{bid}\t{ask}\t\t\t6\n"

    file = write(
        HEADER
        + line(1, "", "1.2")  # no bid above it
        + line(2, "1.0", "1.1")
        + line(3, "", "1.2")
        + line(4, "1.3", "")  # above the ask: skipped, but the bid has come to it
        + line(5, "", "1.35")
        + line(1, "0.5", "")  # back in time: likewise
        + line(6, "", "")
    )
    loaded = load(file)
    start = 1399334400000
    assert rows(loaded.series["EURUSD"]) == [
        (start + 2000, 100000, 110000),
        (start + 3000, 100000, 120000),
        (start + 5000, 130000, 135000),
        (start + 6000, 50000, 135000),
    ]
    assert [(broken.line, broken.reason) for broken in loaded.broken] == [
        (2, "the bid is blank, and no line above gives one"),
        (5, "the bid 1.30000 is above the ask 1.20000"),
        (7, "the time goes back by 4000 ms"),
    ]


LINES = st.lists(
    st.tuples(
        st.integers(0, 59),
        st.sampled_from(["", "1", "2", "3"]),
        st.sampled_from("123"),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.integers(1, 30))
def test_the_rules_are_those_of_a_plain_loop(
    lines: list[tuple[int, str, str, bool]], size: int
) -> None:
    texts, good, last_ms = [], [], 0
    last_bid = last_ask = 0
    for second, bid, ask, swap in lines:
        first, second_price = (ask, bid) if swap else (bid, ask)
        texts.append(f"1970.01.01\t00:00:{second:02}.000\t{first}\t{second_price}\n".encode())
        last_bid, last_ask = int(first or last_bid), int(second_price or last_ask)
        if last_bid and last_ask and last_bid <= last_ask and second * 1000 >= last_ms:
            last_ms = second * 1000
            good.append((last_ms, last_bid, last_ask))
    rules, told = FileRules(0), 0
    kept: list[tuple[int, int, int]] = []
    for at in range(0, len(texts), size):
        ticks = rules.ticks(read_block(b"".join(texts[at : at + size]), mt5(4), 0))
        kept += zip(ticks.time_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True)
        told += len(ticks.broken)
    assert kept == good
    assert told == len(lines) - len(good)


def test_a_file_may_begin_with_one_side_of_the_quote(write: Write) -> None:
    text = HEADER + (
        "2014.05.06\t00:00:01.000\t1.1\t\t\t\t2\n2014.05.06\t00:00:02.000\t\t1.2\t\t\t4\n"
    )
    assert rows(load(write(text)).series["EURUSD"]) == [(1399334402000, 110000, 120000)]


def test_the_hour_that_comes_twice_keeps_its_ticks_in_order(write: Write) -> None:
    def line(clock: str) -> str:
        return f"2014.10.26\t{clock}\t1.1\t1.2\t\t\t6\n"

    night = ("02:59:59.000", "03:30:00.000", "03:10:00.000", "03:50:00.000", "04:00:00.000")
    loaded = load(write(HEADER + "".join(map(line, night))), zone="Europe/Athens", strict=True)
    minutes = (loaded.series["EURUSD"].time_ms - 1414281600000) // 60_000
    assert minutes.tolist() == [-1, 30, 70, 110, 120]


def test_a_tick_in_the_hour_that_the_clock_skips_is_broken(write: Write) -> None:
    text = (
        HEADER
        + "2014.03.30\t02:59:59.000\t1.1\t1.2\t\t\t6\n2014.03.30\t03:30:00.000\t1.1\t1.2\t\t\t6\n"
    )
    [broken] = load(write(text), zone="Europe/Athens").broken
    assert broken.reason.startswith("the broker's clock skips this hour")


def test_an_unknown_symbol_is_refused_before_any_file_is_read(tmp_path: Path) -> None:
    files = [tmp_path / "EURUSD.csv", tmp_path / "NOSUCH.csv"]
    for file in files:
        file.write_bytes(b"\xff not ticks")
    with pytest.raises(OnefillError, match="NOSUCH is no symbol"):
        load(*map(str, files))


def test_a_file_that_is_not_there_is_told_before_its_name_is_taken_for_a_symbol() -> None:
    with pytest.raises(TicksError, match=r"NOSUCH\.csv: cannot be read: No such file"):
        load("missing/NOSUCH.csv")


def test_merging_parts_is_reading_them_one_after_the_other() -> None:
    def part(*times: int) -> TickSeries:
        prices = np.array(times, np.int32) + 100
        return TickSeries("EURUSD", np.array(times, np.int64), prices, prices + 5, len(times))

    assert rows(merge([part(1, 5), part(2, 5), part()])) == [
        (1, 101, 106),
        (2, 102, 107),
        (5, 105, 110),
    ]
    assert merge([part(1, 5), part(2, 5)]).read == 4


def test_a_series_is_read_only() -> None:
    ticks = TickSeries("X", np.zeros(1, np.int64), np.ones(1, np.int32), np.ones(1, np.int32), 1)
    with pytest.raises(ValueError, match="read-only"):
        ticks.bid[0] = 2
