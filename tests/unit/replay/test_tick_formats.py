"""Formats are told apart by content; reading by columns and by line is one reading."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.replay.tick_errors import TicksError
from onefill.replay.tick_formats import (
    CSV,
    Quotes,
    TickFormat,
    mt5,
    read_block,
    read_block_by_line,
    recognise,
)

MT5 = mt5(7)
FILE = Path("EURUSD.csv")
HEADER = b"<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"


def reason(line: bytes, form: TickFormat = CSV, digits: int = 5) -> str:
    """Why this one line is broken, on which both readings agree."""
    quotes = read_block(line + b"\n", form, digits)
    assert everything(quotes) == everything(read_block_by_line(line + b"\n", form, digits))
    assert len(quotes.row) == 0
    [(row, why)] = quotes.broken
    assert row == 0
    return why


def quote(line: bytes, form: TickFormat = CSV, digits: int = 5) -> tuple[int, int, int]:
    """Time, bid and ask of this one line, on which both readings agree."""
    quotes = read_block(line + b"\n", form, digits)
    assert everything(quotes) == everything(read_block_by_line(line + b"\n", form, digits))
    assert not quotes.broken
    return int(quotes.time_ms[0]), int(quotes.bid[0]), int(quotes.ask[0])


def on(
    day: bytes = b"2014.05.06",
    clock: bytes = b"00:00:01.034",
    bid: bytes = b"0.86834",
    ask: bytes = b"0.86858",
) -> bytes:
    """A line of MetaTrader's export."""
    return b"\t".join((day, clock, bid, ask, b"", b"", b"6"))


def everything(quotes: Quotes) -> tuple[object, ...]:
    columns = (quotes.row, quotes.time_ms, quotes.bid, quotes.ask)
    return *(column.tolist() for column in columns), quotes.broken


@pytest.mark.parametrize(
    ("price", "points"),
    [
        (b"1.38742", 138742),
        (b"1.387", 138700),
        (b"1.", 100000),
        (b".5", 50000),
        (b"1", 100000),
        (b" 1.38742 ", 138742),
        (b"001.38742", 138742),
        (b"1.3874200000", 138742),
        (b"1.38742000000000000000", 138742),
        (b"1.3874200000000001", 138742),
        (b"1.3874199999999999", 138742),
        (b"+1.38742", 138742),
        (b"1.38742e0", 138742),
        (b"138742E-5", 138742),
        (b"21474.83647", 2**31 - 1),
        (b"0.00001", 1),
    ],
)
def test_a_price_is_read_as_whole_points(price: bytes, points: int) -> None:
    assert quote(b"1399334400158," + price + b",21474.83647") == (1399334400158, points, 2**31 - 1)


@pytest.mark.parametrize(
    ("price", "why"),
    [
        (b"", "the bid is blank"),
        (b" ", "the bid is blank"),
        (b"x", "the bid 'x' is not a number"),
        (b"1_000", "the bid '1_000' is not a number"),
        (b"1.2.3", "the bid '1.2.3' is not a number"),
        (b".", "the bid '.' is not a number"),
        (b"1e", "the bid '1e' is not a number"),
        ("\u0661".encode(), "the bid '\u0661' is not a number"),
        (b"\xff\x1b", "the bid '\ufffd\\x1b' is not a number"),
        (b"nan", "the bid 'nan' is not finite"),
        (b"-inf", "the bid '-inf' is not finite"),
        (b"0", "the bid '0' is not above 0"),
        (b"0.00000", "the bid '0.00000' is not above 0"),
        (b"-1.38742", "the bid '-1.38742' is not above 0"),
        (b"1.387421", "the bid '1.387421' has more than 5 decimals"),
        (b"0.000001", "the bid '0.000001' has more than 5 decimals"),
        (b"20000.000001", "the bid '20000.000001' has more than 5 decimals"),
        (b"21474.83648", "the bid '21474.83648' is over 2147483647 points"),
        (b"99999999", "the bid '99999999' is over 2147483647 points"),
        (b"1" * 40, "the bid '111111111111111111111111...' is not a number"),
    ],
)
def test_a_broken_price_is_told_in_plain_words(price: bytes, why: str) -> None:
    assert reason(b"1399334400158," + price + b",1.38755") == why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"1399334400158,1.38742", "fields: 2, expected 3 (time_msc,bid,ask)"),
        (b"1399334400158,1.38742,1.38755,", "fields: 4, expected 3 (time_msc,bid,ask)"),
        (b"noon,1.38742,1.38755", "the time 'noon' is not a whole number of milliseconds"),
        (b",1.38742,1.38755", "the time '' is not a whole number of milliseconds"),
        (b"-5,1.38742,1.38755", "the time '-5' is not a whole number of milliseconds"),
        (b"1.5,1.38742,1.38755", "the time '1.5' is not a whole number of milliseconds"),
        (
            b"1399334400158000,1.38742,1.38755",
            "the time '1399334400158000' is past 2099; expected Unix milliseconds",
        ),
    ],
)
def test_a_broken_line_of_csv_is_told_in_plain_words(line: bytes, why: str) -> None:
    assert reason(line) == why


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (on(), (1399334401034, 86834, 86858)),
        (on() + b"\r", (1399334401034, 86834, 86858)),
        (on(bid=b""), (1399334401034, 0, 86858)),
        (on(ask=b""), (1399334401034, 86834, 0)),
        (on()[:-4] + b"\t0.86840\t3\t30", (1399334401034, 86834, 86858)),
        (on(clock=b"23:59:59", bid=b"", ask=b"2"), (1399420799000, 0, 200000)),
        (on(day=b"2012.02.29", clock=b"00:00:00.000"), (1330473600000, 86834, 86858)),
        (on(day=b"1970.01.01", clock=b"00:00:00.000"), (0, 86834, 86858)),
    ],
)
def test_a_line_of_metatrader_is_read(line: bytes, expected: tuple[int, int, int]) -> None:
    assert quote(line, MT5) == expected


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (on()[:-4], "fields: 4, expected 7, between tabs"),
        (on(day=b"2014.02.29"), "the date '2014.02.29' is none; expected YYYY.MM.DD"),
        (on(day=b"2014-05-06"), "the date '2014-05-06' is none; expected YYYY.MM.DD"),
        (on(day=b"1969.12.31"), "the date '1969.12.31' is not between 1970 and 2099"),
        (on(clock=b"24:00:00.000"), "the time '24:00:00.000' is none; expected HH:MM:SS.mmm"),
        (on(clock=b"00:60:00.000"), "the time '00:60:00.000' is none; expected HH:MM:SS.mmm"),
        (on(clock=b"00:00:60.000"), "the time '00:00:60.000' is none; expected HH:MM:SS.mmm"),
        (on(clock=b"00:00:00.1"), "the time '00:00:00.1' is none; expected HH:MM:SS.mmm"),
        (on(bid=b"x"), "the bid 'x' is not a number"),
        (on(ask=b"0"), "the ask '0' is not above 0"),
    ],
)
def test_a_broken_line_of_metatrader_is_told_in_plain_words(line: bytes, why: str) -> None:
    assert reason(line, MT5) == why


@pytest.mark.parametrize("digits", range(9))
def test_prices_have_the_symbols_own_number_of_decimals(digits: int) -> None:
    price = b"12.12345678"[: 3 + digits].rstrip(b".")
    points = int(b"1212345678"[: 2 + digits])
    assert quote(b"1," + price + b"," + price, CSV, digits) == (1, points, points)


def test_blank_lines_are_no_lines() -> None:
    quotes = read_block(b"1,1.1,1.2\n\n \r\n2,1.1,1.2\n", CSV, 5)
    assert quotes.row.tolist() == [0, 3]
    assert quotes.broken == []


def mixed(parts: list[st.SearchStrategy[bytes]], separator: bytes) -> st.SearchStrategy[bytes]:
    """Lines of fields good and bad, in their places or not, and lines of any bytes at all."""
    fields = st.tuples(*parts).map(separator.join)
    pieces = st.lists(st.one_of(parts), max_size=9).map(separator.join)
    noise = st.lists(st.sampled_from(list(b"0123456789.,:\t\r -+eE\xff\0"))).map(bytes)
    line = st.one_of(fields, fields, fields, fields, pieces, noise)
    ends = st.sampled_from([b"\n", b"\n", b"\r\n"])
    return st.lists(st.tuples(line, ends).map(b"".join), min_size=1, max_size=12).map(b"".join)


def some(*fields: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from(fields)


PRICES = st.one_of(
    st.integers(1, 10**9).map(lambda points: b"%d.%05d" % divmod(points, 10**5)),
    st.decimals(0, 10**10, allow_nan=False).map(lambda price: str(price).encode()),
    st.floats(allow_nan=True).map(lambda price: repr(price).encode()),
    st.from_regex(rb"[0-9]{0,10}\.?[0-9]{0,10}", fullmatch=True),
    some(b"", b" 1.5", b"1.5 ", b"0", b"0.0", b"1e3", b"abc", b"1.50000000", b"1.500000001"),
)
CSV_TIMES = st.one_of(
    st.integers(0, 5 * 10**12).map(lambda time: b"%d" % time),
    st.from_regex(rb"[0-9]{0,22}", fullmatch=True),
    some(b"", b" 5", b"-5", b"4102444799999", b"4102444800000", b"x"),
)
DATES = st.one_of(
    some(b"2014.05.06", b"2014.05.07", b"2014.02.29", b"2014.5.6", b"0000.00.00", b"2100.01.01"),
    st.dates().map(lambda day: day.strftime("%Y.%m.%d").encode()),
)
CLOCKS = st.one_of(
    st.times().map(lambda time: time.isoformat("milliseconds").encode()),
    some(b"24:00:00.000", b"00:60:00.000", b"00:00:61.000", b"1:00:00.000", b"00:00:00"),
    some(b"00.00:00:000", b"000:0:00.000", b"", b"00:00:00.00", b"12:34:56.7890"),
)
REST = st.one_of(some(b"", b"6", b"1.5", b"x"), st.integers(0, 99).map(lambda flag: b"%d" % flag))


@given(mixed([CSV_TIMES, PRICES, PRICES], b","), st.integers(0, 8))
def test_csv_read_by_columns_is_csv_read_by_line(lines: bytes, digits: int) -> None:
    expected = everything(read_block_by_line(lines, CSV, digits))
    assert everything(read_block(lines, CSV, digits)) == expected


@given(mixed([DATES, CLOCKS, PRICES, PRICES, REST, REST, REST], b"\t"), st.integers(0, 8))
def test_metatrader_read_by_columns_is_metatrader_read_by_line(lines: bytes, digits: int) -> None:
    expected = everything(read_block_by_line(lines, MT5, digits))
    assert everything(read_block(lines, MT5, digits)) == expected


def test_lines_that_look_as_usual_are_not_read_one_by_one() -> None:
    def never(line: bytes, digits: int) -> tuple[int, int, int]:
        raise AssertionError(line)

    def without_slow_path(form: TickFormat) -> TickFormat:
        columnwise = (form.name, form.server_time, form.blanks, never, form.times, form.layouts)
        return TickFormat(*columnwise)

    lines = b"1399334400158,1.38742,1.38755\n1399334400159,1.3874,1\r\n1399334400160,2,1.38\n"
    assert len(read_block(lines, without_slow_path(CSV), 5).row) == 3
    day = b"2014.05.06\t00:00:01.034\t"
    tails = (
        b"0.8\t0.9\t\t\t6",
        b"0.8\t\t\t\t2",
        b"\t0.9\t\t\t4",
        b"\t\t0.9\t1\t56",
        b"1\t2\t3\t1\t6",
    )
    lines = b"".join(day + tail + end for tail in tails for end in (b"\n", b"\r\n"))
    assert len(read_block(lines, without_slow_path(MT5), 5).row) == 10


RECOGNISED: list[tuple[bytes, TickFormat, int]] = [
    (b"time_msc,bid,ask\n1,1.1,1.2\n", CSV, 1),
    (b"\r\n Time_MSC, Bid, Ask\r\n1,1.1,1.2\r\n", CSV, 2),
    (b"1,1.1,1.2\n", CSV, 0),
    (b"garbage\n1,1.1,1.2\n", CSV, 0),
    (b"1300000000000,1300.335,1300.799\n", CSV, 0),
    (HEADER, MT5, 1),
    (HEADER.lower().replace(b"\n", b"\r\n"), MT5, 1),
    (b"<DATE>\t<TIME>\t<BID>\t<ASK>\n", mt5(4), 1),
    (b"2014.05.06\t00:00:01.034\t0.86834\t0.86858\t\t\t6\n", MT5, 0),
]


@pytest.mark.parametrize(("text", "form", "lines"), RECOGNISED)
def test_a_format_is_recognised_by_its_first_lines(
    text: bytes, form: TickFormat, lines: int
) -> None:
    assert recognise(text, FILE) == (form, lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\n\n", "is empty"),
        (b"the quick brown fox\n", "is not recognised: expected CSV `time_msc,bid,ask` or "),
        (b"1;1.1;1.2\n", "is not recognised: "),
        (b"<html>\n", "is not recognised: "),
        (
            b"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\n",
            "holds bars; in MetaTrader 5 export ",
        ),
        (b"<DATE>\t<TIME>\t<ASK>\t<BID>\n", "is not recognised: "),
    ],
)
def test_a_file_of_no_known_format_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(TicksError) as refusal:
        recognise(text, FILE)
    assert refusal.value.code == "TICKS_UNREADABLE"
    assert refusal.value.message.startswith(f"EURUSD.csv: {why}")


@pytest.mark.parametrize("columns", [4, 5, 6, 7, 8])
def test_metatraders_columns_after_the_ask_may_be_fewer_or_more(columns: int) -> None:
    rest = b"\t6" * (columns - 4)
    assert quote(b"2014.05.06\t00:00:01.034\t1.1\t1.2" + rest, mt5(columns)) == (
        1399334401034,
        110000,
        120000,
    )


Corrupt = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda text: text.replace(b"\n", b"\n\n"),
        lambda text: text.replace(b"9,", b"9 ,"),
        lambda text: text.replace(b"57,", b"57;"),
        lambda text: text.replace(b"\t0.86", b"\t00.86", 1000).replace(b":59", b":60"),
    ],
)
def test_real_lines_with_damage_are_read_the_same_both_ways(
    ticks_dir: Path, corrupt: Corrupt
) -> None:
    for name, form in (("EURUSD-2014-05-06.csv.gz", CSV), ("NZDUSD-2014-05-06.mt5.csv.gz", MT5)):
        text = corrupt(gzip.decompress((ticks_dir / name).read_bytes())[:100_000] + b"\n")
        assert everything(read_block(text, form, 5)) == everything(
            read_block_by_line(text, form, 5)
        )
