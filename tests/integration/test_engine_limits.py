"""Controls 6, 7 and 12 to 14 in the engine itself: whatever door an order comes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onefill.execution.desk import EquityMarks
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.gate import Gate, OpenGate
from onefill.execution.told import Alarm
from onefill.journal.decision import resume_strategy
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.events import Breached, EquityMarked, Sending, StrategyStopped
from onefill.model.intent import Action, OrderIntent
from onefill.risk.caps import LIMITS
from onefill.risk.limits import limits_text, parse_limits
from onefill.runtime.clock import VirtualClock
from onefill.terminal.simulator.ticks import TickSeries
from tests.integration.driven import START_MS, desk_for, opening, quotes, terminal_for

DAY_MS = 86_400_000
TODAY = START_MS // DAY_MS
CRITICAL = "critical"


class Engine:
    """One engine's life over a terminal in virtual time."""

    def __init__(self, journal: Journal, driver: StepwiseDriver, told: list[Any]) -> None:
        self.journal = journal
        self._driver = driver
        self._told = told

    def codes(self, *intents: OrderIntent) -> list[str]:
        """Carry out orders that arrive together; their denials, "" for what was carried out."""
        return self.codes_over_time(*[(0, intent) for intent in intents])

    def codes_over_time(self, *arrivals: tuple[int, OrderIntent]) -> list[str]:
        """The same for orders that arrive after so many ms each."""
        desk = self._driver.desk
        now_ms = desk.now_ms
        self._driver.run([(now_ms + after_ms, intent) for after_ms, intent in arrivals])
        orders = [desk.find(intent.client_key) for _, intent in arrivals]
        return [order.code if order is not None else "UNHEARD" for order in orders]

    def until(self, at_ms: int) -> None:
        """Let the market run to so long after its beginning."""
        self._driver.run([], START_MS + at_ms)

    def alarms(self) -> list[tuple[str, str]]:
        return [(one.alert.level, one.alert.code) for one in self._told if isinstance(one, Alarm)]

    def events(self, kind: type) -> list[Any]:
        return [one.event for one in self.journal.records() if isinstance(one.event, kind)]


class House:
    """A market, and a journal's directory that engines come to and go from."""

    def __init__(self, folder: Path, market: TickSeries | None = None) -> None:
        self._folder = folder
        self._terminal = terminal_for(market=market)
        self.clock = VirtualClock(START_MS)

    @contextmanager
    def engine(
        self, limits: str, seen: EquityMarks | None = None, gate: Gate | None = None
    ) -> Iterator[Engine]:
        """An engine under the shipped limits and these of the firm's; it ends as in a crash."""
        journal = Journal.open(self._folder)
        desk = desk_for(journal, self._terminal, self.clock)
        desk.limits = parse_limits(f"{limits_text()}\n[firm]\n{limits}\n", "limits.toml")
        desk.equity_marks, desk.gate = seen, gate or OpenGate()
        told: list[Any] = []
        driver = StepwiseDriver(desk, journal, self._terminal, self.clock, told.append)
        driver.boot()
        try:
            yield Engine(journal, driver, told)
        finally:
            journal.abandon()
        assert verify(self._folder).intact

    def resume(self, magic: int) -> None:
        with Journal.open(self._folder) as journal:
            resume_strategy(journal, magic, by="ann", reason="mended", clock=self.clock)


def close(key: str, target: str) -> OrderIntent:
    return OrderIntent(client_key=key, action=Action.CLOSE, target=target)


def test_a_restart_gives_no_messages_beyond_the_limit(tmp_path: Path) -> None:
    house = House(tmp_path / "j")
    with house.engine("max_messages = 3\nmessage_window_s = 60") as engine:
        assert engine.codes(opening("a"), opening("b")) == ["", ""]
    with house.engine("max_messages = 3\nmessage_window_s = 60") as engine:
        assert engine.codes(opening("c")) == [""]
        assert engine.codes(opening("d")) == ["TOO_MANY_MESSAGES"]
        change = OrderIntent(client_key="m", action=Action.MODIFY, target="a", stop_loss=1.08)
        assert engine.codes(change, close("e", "a")) == ["TOO_MANY_MESSAGES", ""]
        engine.until(60_000)
        assert engine.codes(opening("f")) == [""]


def test_a_burst_beyond_the_limit_is_cut_off_where_the_limit_is(tmp_path: Path) -> None:
    with House(tmp_path / "j").engine("max_messages = 5") as engine:
        codes = engine.codes(*[opening(f"k{n}", volume=0.01) for n in range(200)])
    assert codes == [""] * 5 + ["TOO_MANY_MESSAGES"] * 195


class LostUntil(OpenGate):
    """A gateway that is not heard of before a time."""

    def __init__(self, house: House, until_ms: int) -> None:
        self._house, self._until_ms = house, until_ms

    def out_of_contact(self) -> str:
        return "no gateway" if self._house.clock.now_ms() < self._until_ms else ""


def test_what_waited_for_the_gateway_does_not_leave_in_a_burst(tmp_path: Path) -> None:
    house = House(tmp_path / "j")
    gate = LostUntil(house, START_MS + 10_000)
    arrivals = [(n * 1_000 + k, opening(f"k{n}-{k}")) for n in range(5) for k in range(3)]
    with house.engine("max_messages = 3", gate=gate) as engine:
        codes = engine.codes_over_time(*arrivals)
        sent = [one.at_ms for one in engine.journal.records() if isinstance(one.event, Sending)]
    assert codes == [""] * 15
    assert len(sent) == 15
    assert max(sum(at - 1_000 < other <= at for other in sent) for at in sent) == 3


def test_a_strategy_that_repeats_itself_is_stopped_until_a_person_resumes_it(
    tmp_path: Path,
) -> None:
    house = House(tmp_path / "j")
    with house.engine("max_repeats = 2") as engine:
        for key in ("a", "b"):
            assert engine.codes(opening(key, magic=7)) == [""]
        assert engine.codes(opening("c", magic=7)) == ["REPEATED_ORDERS"]
        assert engine.codes(opening("d", magic=7, volume=0.3)) == ["STRATEGY_STOPPED"]
        assert engine.codes(opening("e", magic=8), close("f", "a")) == ["", ""]
        assert engine.alarms() == [(CRITICAL, "STRATEGY_STOPPED")]
    with house.engine("max_repeats = 2") as engine:
        assert engine.codes(opening("g", magic=7)) == ["STRATEGY_STOPPED"]
        assert len(engine.events(StrategyStopped)) == 1
    house.resume(7)
    with house.engine("max_repeats = 2") as engine:
        assert engine.codes(opening("h", magic=7)) == [""]


def test_a_burst_of_orders_alike_stops_its_strategy_and_never_sends_more_than_the_limit(
    tmp_path: Path,
) -> None:
    with House(tmp_path / "j").engine("max_repeats = 5") as engine:
        codes = engine.codes(*[opening(f"k{n}", magic=7) for n in range(50)])
        assert engine.alarms() == [(CRITICAL, "STRATEGY_STOPPED")]
    # What was accepted and not sent yet is not sent either.
    assert set(codes) == {"REPEATED_ORDERS", "STRATEGY_STOPPED"}


#: Falls by 500 points for a second, and comes back for good.
DIP = ((1_000, 108_000), (2_000, 108_500), (DAY_MS + 1_000, 108_500))


def test_a_daily_loss_is_told_once_and_closes_the_day_whatever_the_equity_does(
    tmp_path: Path,
) -> None:
    house, limit = House(tmp_path / "j", quotes(*DIP)), "max_daily_loss = 400"
    with house.engine(limit) as engine:
        assert engine.codes(opening("a", volume=1.0)) == [""]
        engine.until(1_000)
        assert engine.codes(opening("b")) == ["DAILY_LOSS"]
        assert engine.codes(opening("c")) == ["DAILY_LOSS"]
        assert engine.alarms() == [(CRITICAL, "DAILY_LOSS")]
    with house.engine(limit) as engine:
        engine.until(2_000)
        assert engine.codes(opening("d"), close("e", "a")) == ["DAILY_LOSS", ""]
        assert engine.alarms() == []
        engine.until(DAY_MS)
        assert engine.codes(opening("f")) == [""]
        assert engine.events(Breached) == [Breached("max_daily_loss = 400", TODAY)]
        assert [one.day for one in engine.events(EquityMarked)] == [TODAY, TODAY + 1]


def test_a_drawdown_ends_once_the_equity_is_back(tmp_path: Path) -> None:
    house = House(tmp_path / "j", quotes(*DIP))
    with house.engine("max_drawdown_percent = 0.04") as engine:
        assert engine.codes(opening("a", volume=1.0)) == [""]
        engine.until(1_000)
        assert engine.codes(opening("b")) == ["DRAWDOWN"]
        assert engine.codes(opening("c")) == ["DRAWDOWN"]
        assert engine.alarms() == [(CRITICAL, "DRAWDOWN")]
        engine.until(2_000)
        assert engine.codes(opening("d")) == [""]


@dataclass
class Seen:
    day: int = TODAY
    day_start: float = 0.0
    peak: float = 0.0


def test_who_looks_at_the_equity_between_orders_is_believed(tmp_path: Path) -> None:
    seen = Seen(day_start=1_000_400.0)
    with House(tmp_path / "a").engine("max_daily_loss = 400", seen) as engine:
        assert engine.codes(opening("a")) == ["DAILY_LOSS"]
    seen = Seen(day_start=1_000_400.0, day=TODAY - 1)
    with House(tmp_path / "b").engine("max_daily_loss = 400", seen) as engine:
        assert engine.codes(opening("a")) == [""]  # that was yesterday's
    seen = Seen(peak=2_000_000.0)
    with House(tmp_path / "c").engine("max_drawdown_percent = 50", seen) as engine:
        assert engine.codes(opening("a")) == ["DRAWDOWN"]


#: A value of each limit at which the opening of 0.1 lots is denied, and how.
DENYING = {
    "trading": ('"halted"', "TRADING_HALTED"),
    "auto_trading": ("false", "AUTO_TRADING_OFF"),
    "symbols": ('["GBPUSD"]', "SYMBOL_NOT_PERMITTED"),
    "price_collar_percent": ("0", "PRICE_COLLAR"),
    "max_order_value": ("1", "ORDER_VALUE_TOO_BIG"),
    "max_order_volume": ("0.09", "ORDER_VOLUME_TOO_BIG"),
    "max_exposure_value": ("1", "EXPOSURE_TOO_BIG"),
    "max_positions": ("0", "TOO_MANY_POSITIONS"),
    "max_quote_age_s": ("0.5", "QUOTE_STALE"),
    "max_spread_pips": ("0.9", "SPREAD_TOO_WIDE"),
    "margin_cushion": ("1_000_000", "MARGIN_INSUFFICIENT"),
    "risk_per_trade_percent": ("1", "STOP_LOSS_MISSING"),
    "max_messages": ("0", "TOO_MANY_MESSAGES"),
    "max_repeats": ("0", "REPEATED_ORDERS"),
    "max_positions_per_symbol": ("0", "TOO_MANY_IN_SYMBOL"),
    "max_volume_per_symbol": ("0.09", "VOLUME_IN_SYMBOL_TOO_BIG"),
    "max_volume": ("0.09", "VOLUME_IN_ALL_TOO_BIG"),
    "min_margin_level_percent": ("1_000_000_000", "MARGIN_LEVEL_TOO_LOW"),
    "max_daily_loss": ("0", "DAILY_LOSS"),
    "max_drawdown_percent": ("0", "DRAWDOWN"),
}
#: What needs another order, or judges no order by itself.
OTHERWISE = {
    *("max_orders", "max_slippage_pips", "repeat_window_s"),
    *("message_window_s", "max_repeats_window_s"),
}


def test_the_table_has_every_limit() -> None:
    assert set(DENYING) | OTHERWISE == set(LIMITS)


@pytest.mark.parametrize("name", DENYING)
def test_the_engine_enforces_every_limit(tmp_path: Path, name: str) -> None:
    value, denial = DENYING[name]
    intent = opening("a", price=1.08 if name == "price_collar_percent" else None)
    with House(tmp_path / "j").engine(f"{name} = {value}") as engine:
        assert engine.codes(intent) == [denial]
