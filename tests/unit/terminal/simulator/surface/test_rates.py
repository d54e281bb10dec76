"""`copy_rates_*` answers with the bars that a look at every tick gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.terminal.simulator.surface.rates import MAX_BARS, RATES, Rates
from onefill.terminal.simulator.surface.ticks import COPY_ALL, Ticks
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.unit.terminal.simulator.quotes.plain import CLOCKS, TIMEFRAMES, bars

from .markets import MONDAY_MS, SYMBOL, bars_of, generated, loaded

#: Some hours before New York's and Europe's clocks go back in 2023, and forward in 2024.
STARTS = (1_698_530_400_000, 1_699_149_600_000, 1_709_971_200_000, 1_711_756_800_000)
FOREVER_S = 4_000_000_000


@st.composite
def markets(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Ticks in bursts and with gaps of minutes to weeks."""
    at, bid, ticks = draw(st.sampled_from(STARTS)), 100_000, []
    gaps = st.one_of(
        st.integers(1, 30_000), st.integers(1, 3_600_000), st.integers(1, 20 * 86_400_000)
    )
    for gap, step, spread in draw(
        st.lists(st.tuples(gaps, st.integers(-9, 9), st.integers(0, 20)), min_size=1, max_size=60)
    ):
        at, bid = at + gap, bid + step
        ticks.append((at, bid, bid + spread))
    return ticks


@given(
    ticks=markets(),
    clock=st.sampled_from(sorted(CLOCKS)),
    frame=st.sampled_from(sorted(TIMEFRAMES)),
    part=st.floats(0, 1),
    position=st.integers(0, 5),
    count=st.integers(1, 70),
)
def test_bars_are_those_of_a_plain_loop(
    ticks: list[tuple[int, int, int]],
    clock: str,
    frame: str,
    part: float,
    position: int,
    count: int,
) -> None:
    terminal = loaded(ticks, clock)
    now_ms = ticks[0][0] + int((ticks[-1][0] - ticks[0][0]) * part)
    terminal.advance(now_ms)
    rates, code = Rates(terminal), TIMEFRAMES[frame]
    wanted = bars([tick for tick in ticks if tick[0] <= now_ms], clock, frame)
    assert bars_of(rates.copy_rates_range(SYMBOL, code, 0, FOREVER_S)) == wanted
    upto = wanted[: max(0, len(wanted) - position)]
    assert bars_of(rates.copy_rates_from_pos(SYMBOL, code, position, count)) == upto[-count:]
    for edge_s in {wanted[len(wanted) // 2][0], wanted[-1][0] - 1}:
        before = [bar for bar in wanted if bar[0] <= edge_s]
        assert bars_of(rates.copy_rates_from(SYMBOL, code, edge_s, count)) == before[-count:]
        inside = [bar for bar in wanted if bar[0] >= edge_s]
        assert bars_of(rates.copy_rates_range(SYMBOL, code, edge_s, FOREVER_S)) == inside


@settings(max_examples=max(15, settings().max_examples // 20))
@given(
    seed=st.integers(0, 1_000),
    hours=st.integers(1, 2_000),
    clock=st.sampled_from(sorted(CLOCKS)),
    frame=st.sampled_from(["M1", "M5", "M20", "M30", "H1", "H4", "D1"]),
)
def test_generated_bars_are_those_of_the_generated_ticks(
    seed: int, hours: int, clock: str, frame: str
) -> None:
    now_ms = MONDAY_MS + hours * 3_600_000 + 12_345
    terminal = generated(clock, now_ms, seed)
    span_hours, before_hours = (1, 2) if frame[0] == "M" else (10, 5) if frame != "D1" else (9, 24)
    begins_ms = now_ms - span_hours * 3_600_000
    history = terminal.broker.market.feeds[SYMBOL].history
    # From well before, so that the first bar compared is whole.
    ticks = [
        row
        for piece in history.between(begins_ms - before_hours * 3_600_000, now_ms)
        for row in zip(*[column.tolist() for column in piece], strict=True)
    ]
    clock_at = terminal.broker.account.clock
    wanted = bars(ticks, clock, frame)
    from_s = clock_at.server_ms(begins_ms) // 1_000
    found = bars_of(Rates(terminal).copy_rates_range(SYMBOL, TIMEFRAMES[frame], from_s, FOREVER_S))
    assert found == [bar for bar in wanted if bar[0] >= from_s]


def test_the_unfinished_bar_is_at_position_0_and_grows() -> None:
    start = MONDAY_MS
    ticks = [(start + 1_000 * k, 100_000 + k, 100_010 + k) for k in range(90)]
    terminal = loaded(ticks)
    rates = Rates(terminal)
    terminal.advance(start + 61_500)
    assert bars_of(rates.copy_rates_from_pos(SYMBOL, 1, 0, 2)) == [
        (start // 1_000, 100_000, 100_059, 100_000, 100_059, 60, 10),
        (start // 1_000 + 60, 100_060, 100_061, 100_060, 100_061, 2, 10),
    ]
    terminal.advance(start + 62_000)
    assert bars_of(rates.copy_rates_from_pos(SYMBOL, 1, 0, 1))[0][5] == 3


def test_many_loaded_ticks_fold_alike_whatever_they_are_folded_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(3)
    times = MONDAY_MS + np.cumsum(draw.integers(1, 40_000, 3_000))
    bid = 100_000 + np.cumsum(draw.integers(-5, 6, 3_000))
    ticks = list(zip(times.tolist(), bid.tolist(), (bid + 7).tolist(), strict=True))
    monkeypatch.setattr("onefill.terminal.simulator.quotes.history._AT_ONCE", 64)
    terminal = loaded(ticks)
    terminal.advance(ticks[-1][0])
    for frame in ("M1", "H1"):
        found = Rates(terminal).copy_rates_range(SYMBOL, TIMEFRAMES[frame], 0, FOREVER_S)
        assert bars_of(found) == bars(ticks, "UTC", frame)


def test_years_of_generated_days_agree_with_their_minutes() -> None:
    terminal = generated("America/New_York+7")
    rates = Rates(terminal)
    days = rates.copy_rates_from_pos(SYMBOL, TIMEFRAMES["D1"], 0, 60).value
    assert len(days) == 60
    day = days[-7]
    minutes = rates.copy_rates_range(SYMBOL, 1, int(day["time"]), int(day["time"]) + 86_399).value
    assert day["open"] == minutes["open"][0]
    assert day["close"] == minutes["close"][-1]
    assert day["high"] == minutes["high"].max()
    assert day["low"] == minutes["low"].min()
    assert day["tick_volume"] == minutes["tick_volume"].sum()


def test_history_begins_in_2019() -> None:
    rates = Rates(generated())
    first = rates.copy_rates_range(SYMBOL, TIMEFRAMES["MN1"], 0, FOREVER_S).value[0]
    assert first["time"] == np.datetime64("2019-01-01", "s").astype(int)


def test_the_array_is_that_of_the_package() -> None:
    reference = Path(__file__).parents[4] / "data" / "mt5_api.json"
    columns = json.loads(reference.read_text(encoding="utf-8"))["numpy_dtypes"]["rates"]
    assert np.dtype([tuple(column) for column in columns]) == RATES
    found = Rates(generated()).copy_rates_from_pos(SYMBOL, 1, 0, 3).value
    assert found.dtype == RATES
    assert found.flags.writeable


@pytest.mark.parametrize("terminal", [loaded([(MONDAY_MS, 1, 2)]), generated()])
def test_what_cannot_be_answered_says_why(terminal: SimulatedTerminal) -> None:
    rates = Rates(terminal)
    invalid, not_found = (-2, "Terminal: Invalid params"), (-4, "Terminal: Not found")
    assert rates.copy_rates_from("NONE", 1, 0, 1).error == not_found
    assert rates.copy_rates_from_pos("NONE", 1, 0, 1).error == not_found
    assert rates.copy_rates_range("NONE", 1, 0, 1).error == not_found
    for frame in (0, 7, 60, 16389, -1):
        assert rates.copy_rates_from(SYMBOL, frame, 0, 1).error == invalid
        assert rates.copy_rates_from_pos(SYMBOL, frame, 0, 1).error == invalid
        assert rates.copy_rates_range(SYMBOL, frame, 0, 1).error == invalid
    assert rates.copy_rates_from(SYMBOL, 1, 0, 0).error == invalid
    assert rates.copy_rates_from(SYMBOL, 1, 0, MAX_BARS).error == invalid
    assert rates.copy_rates_from_pos(SYMBOL, 1, -1, 5).error == invalid
    assert rates.copy_rates_from_pos(SYMBOL, 1, 5, MAX_BARS - 5).error == invalid
    assert rates.copy_rates_range(SYMBOL, 1, 2, 1).error == invalid


def test_a_range_of_too_many_bars_is_refused_whole() -> None:
    terminal = generated()
    refused = Rates(terminal).copy_rates_range(SYMBOL, 1, 1_546_300_800, FOREVER_S)
    assert refused == (None, (-2, "Terminal: Invalid params"))


def test_without_bars_the_array_is_empty() -> None:
    rates = Rates(loaded([(MONDAY_MS, 100, 110)]))  # the account opens a month before
    for answer in (
        rates.copy_rates_from(SYMBOL, 1, 1_000, 10),
        rates.copy_rates_from_pos(SYMBOL, 1, 0, 10),
        rates.copy_rates_range(SYMBOL, 1, 0, FOREVER_S),
        rates.copy_rates_from("GBPUSD", 1, FOREVER_S, 10),
    ):
        assert answer.error == (1, "Success")
        assert len(answer.value) == 0
        assert answer.value.dtype == RATES


def test_bars_do_not_tell_the_future() -> None:
    terminal = generated()
    now_s = MONDAY_MS // 1_000
    last = Rates(terminal).copy_rates_from(SYMBOL, 1, FOREVER_S, 1).value[-1]
    assert last["time"] <= now_s
    ticks = Ticks(terminal).copy_ticks_range(SYMBOL, int(last["time"]), FOREVER_S, COPY_ALL).value
    assert len(ticks) == last["tick_volume"]
