"""`copy_ticks_*` and `symbol_info_tick`: ticks on the server's clock, and what changed in each."""

import json
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.surface.ticks import (
    COPY_ALL,
    COPY_INFO,
    COPY_TRADE,
    TICKS,
    Ticks,
    tick_row,
)
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries

from .markets import MONDAY_MS, SYMBOL, generated, loaded, profile_at, ticks_of

NOW_S = MONDAY_MS // 1_000
THREE = [
    (MONDAY_MS, 100_000, 100_010),
    (MONDAY_MS + 400, 100_001, 100_010),
    (MONDAY_MS + 999, 100_001, 100_012),
    (MONDAY_MS + 1_000, 100_001, 100_012),
    (MONDAY_MS + 2_500, 100_003, 100_013),
]


def at(terminal: SimulatedTerminal, now_ms: int) -> Ticks:
    terminal.advance(now_ms)
    return Ticks(terminal)


def test_flags_say_what_changed() -> None:
    table = at(loaded(THREE), MONDAY_MS + 5_000).copy_ticks_from(SYMBOL, 0, 99, COPY_ALL).value
    assert table["flags"].tolist() == [6, 2, 4, 6, 6]  # what repeats both was sent with both


@given(skip=st.integers(0, 4), count=st.integers(1, 6), flags=st.sampled_from([-1, 1]))
def test_flags_do_not_depend_on_where_one_looks(skip: int, count: int, flags: int) -> None:
    ticks = at(loaded(THREE), MONDAY_MS + 5_000)
    whole = ticks.copy_ticks_range(SYMBOL, 0, 4e9, flags).value
    part = ticks.copy_ticks_from(SYMBOL, THREE[skip][0] / 1_000, count, flags).value
    assert part.tolist() == whole[skip:][:count].tolist()


def test_ranges_have_both_ends() -> None:
    ticks = at(loaded(THREE), MONDAY_MS + 5_000)
    found = ticks.copy_ticks_range(SYMBOL, NOW_S, NOW_S + 1, COPY_INFO)
    assert ticks_of(found) == THREE[:4]
    assert (
        ticks_of(ticks.copy_ticks_range(SYMBOL, NOW_S + 0.4, NOW_S + 0.4, COPY_ALL)) == THREE[1:2]
    )


def test_nothing_comes_from_after_the_present() -> None:
    ticks = at(loaded(THREE), MONDAY_MS + 999)
    assert ticks_of(ticks.copy_ticks_from(SYMBOL, 0, 99, COPY_ALL)) == THREE[:3]
    terminal = generated()
    last = ticks_of(Ticks(terminal).copy_ticks_range(SYMBOL, NOW_S - 60, 4e9, COPY_ALL))[-1]
    feed = terminal.broker.market.feeds[SYMBOL]
    assert last == (feed.time_ms, feed.bid, feed.ask)
    assert feed.time_ms <= MONDAY_MS


def test_times_are_the_servers() -> None:
    terminal = loaded(THREE, "America/New_York+7")
    ticks = at(terminal, MONDAY_MS + 5_000)
    two_hours = 7_200_000
    table = ticks.copy_ticks_from(SYMBOL, NOW_S + 7_200, 2, COPY_ALL).value
    assert table["time_msc"].tolist() == [MONDAY_MS + two_hours, MONDAY_MS + two_hours + 400]
    assert table["time"].tolist() == [NOW_S + 7_200] * 2


def test_a_currency_has_no_trades_but_a_share_does() -> None:
    terminal = loaded(THREE)
    assert len(at(terminal, MONDAY_MS + 5_000).copy_ticks_from(SYMBOL, 0, 9, COPY_TRADE).value) == 0
    profile = profile_at("UTC")
    one = profile.specifications[SYMBOL]
    share = msgspec.structs.replace(one, terms=msgspec.structs.replace(one.terms, chart_mode=1))
    profile = msgspec.structs.replace(profile, specifications={SYMBOL: share})
    table = np.array(THREE)
    prices = table[:, 1:].astype(np.int32)
    series = TickSeries(SYMBOL, table[:, 0].copy(), prices[:, 0], prices[:, 1], 5)
    traded = at(SimulatedTerminal(profile, {SYMBOL: series}), MONDAY_MS + 5_000)
    found = traded.copy_ticks_from(SYMBOL, 0, 2, COPY_TRADE).value
    assert found["last"].tolist() == [1.0, 1.00001]
    assert found["volume"].tolist() == [1, 1]
    assert len(traded.copy_ticks_from(SYMBOL, 0, 9, COPY_TRADE).value) == 4


def test_the_quote_in_force_is_the_last_row() -> None:
    for terminal in (loaded(THREE, "Europe/Athens"), generated("Europe/Athens")):
        terminal.advance(max(terminal.now_ms, MONDAY_MS + 5_000))
        account = terminal.broker.account
        row = tick_row(account, account.listed[SYMBOL])
        every = Ticks(terminal).copy_ticks_range(SYMBOL, NOW_S, 4e9, COPY_ALL).value
        assert row == every[-1].item()
    terminal = loaded(THREE)
    assert tick_row(terminal.broker.account, terminal.broker.account.listed[SYMBOL]) is None


def test_generated_ticks_run_over_days() -> None:
    ticks = Ticks(generated())
    friday_s = NOW_S - 3 * 86_400 + 9 * 3_600  # 21:00, an hour before the weekend
    found = ticks_of(ticks.copy_ticks_range(SYMBOL, friday_s, NOW_S, COPY_ALL))
    times = np.array([row[0] for row in found])
    assert (np.diff(times) > 0).all()
    assert np.diff(times).max() > 48 * 3_600_000  # the weekend
    several = ticks_of(ticks.copy_ticks_from(SYMBOL, friday_s, len(found) - 5, COPY_ALL))
    assert several == found[:-5]


def test_what_cannot_be_answered_says_why() -> None:
    ticks = Ticks(loaded(THREE))
    invalid, not_found = (-2, "Terminal: Invalid params"), (-4, "Terminal: Not found")
    assert ticks.copy_ticks_from("NONE", 0, 1, COPY_ALL).error == not_found
    assert ticks.copy_ticks_range("NONE", 0, 1, COPY_ALL).error == not_found
    assert ticks.copy_ticks_from(SYMBOL, 0, 0, COPY_ALL).error == invalid
    assert ticks.copy_ticks_from(SYMBOL, 0, 1, 3).error == invalid
    assert ticks.copy_ticks_range(SYMBOL, 2, 1, COPY_ALL).error == invalid
    empty = ticks.copy_ticks_from(SYMBOL, 4e9, 5, COPY_ALL)
    assert (len(empty.value), empty.value.dtype, empty.error) == (0, TICKS, (1, "Success"))


def test_the_array_is_that_of_the_package() -> None:
    reference = Path(__file__).parents[4] / "data" / "mt5_api.json"
    columns = json.loads(reference.read_text(encoding="utf-8"))["numpy_dtypes"]["ticks"]
    assert np.dtype([tuple(column) for column in columns]) == TICKS
