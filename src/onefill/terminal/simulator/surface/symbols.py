"""A symbol as `symbol_info` tells it: 96 fields, of which a few follow the market."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from onefill.model.volume import LOT_E8
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.contract import tick_size
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.quotes.day import DayWatch
from onefill.terminal.simulator.specification import CALC_MODES, Specification
from onefill.terminal.simulator.tick_value import tick_values

_Row = tuple[Any, ...]


class _Day(NamedTuple):
    """The quote in force, and its day so far on the server's clock; zeros before the first."""

    time_s: int = 0
    spread: int = 0
    bid: float = 0.0
    bid_high: float = 0.0
    bid_low: float = 0.0
    ask: float = 0.0
    ask_high: float = 0.0
    ask_low: float = 0.0
    open: float = 0.0
    close: float = 0.0
    change: float = 0.0
    deals: int = 0


_NO_DAY = _Day()


class SymbolRows:
    """The rows of a profile's symbols: what never changes is put together once."""

    def __init__(self, account: Account, profile: Profile) -> None:
        self._account = account
        self._profile = profile
        self._fixed: dict[str, _Fixed] = {}

    def row(self, name: str, selected: bool) -> _Row:
        """`SymbolInfo` in the order of its fields; the symbol must be known."""
        fixed = self._fixed.get(name)
        if fixed is None:
            fixed = self._fixed[name] = _Fixed(self._profile.specifications[name])
        return fixed.row(self._account, self._account.listed.get(name), selected)


class _Fixed:
    """The parts of a row between those that follow the market."""

    def __init__(self, one: Specification) -> None:
        self._one = one
        self._day: DayWatch | None = None
        self._valued_at: tuple[int, ...] = ()
        self._values: tuple[float, ...] = ()
        symbol, terms = one.symbol, one.terms
        self._point = symbol.point
        #: From `digits` on, `spread` left out: it may float.
        self._digits = symbol.digits
        self._spread = terms.spread
        self._after_spread = (terms.spread == 0, terms.ticks_bookdepth)
        self._modes = (
            CALC_MODES[one.calculation],
            symbol.trade_mode,
            _day_s(terms.start),
            _day_s(terms.expiration),
            symbol.stops_level,
            symbol.freeze_level,
            symbol.execution_mode,
            terms.swap_mode,
            terms.swap_rollover3days,
            terms.margin_hedged_use_leg,
            symbol.expiration_flags,
            symbol.filling_flags,
            symbol.order_flags,
            terms.order_gtc_mode,
            terms.option_mode,
            terms.option_right,
        )
        self._chart_mode = terms.chart_mode
        self._option_strike = terms.option_strike
        self._terms = (
            symbol.contract_size,
            terms.accrued_interest,
            terms.face_value,
            terms.liquidity_rate,
            symbol.volume_min_e8 / LOT_E8,
            symbol.volume_max_e8 / LOT_E8,
            symbol.volume_step_e8 / LOT_E8,
            terms.volume_limit,
            terms.swap_long,
            terms.swap_short,
            terms.margin_initial,
            terms.margin_maintenance,
        )
        hedged = terms.margin_hedged
        if hedged < 0:
            hedged = terms.margin_initial or symbol.contract_size
        self._margin_hedged = hedged
        path = f"{terms.path}\\{symbol.name}" if terms.path else symbol.name
        self._texts = (
            terms.basis,
            terms.category,
            symbol.base,
            symbol.profit,
            symbol.margin,
            "",  # bank
            terms.description,
            terms.exchange,
            "",  # formula
            terms.isin,
            symbol.name,
            "",  # page
            path,
        )

    def _day_of(self, account: Account, listed: Listed | None) -> _Day:
        if listed is None or listed.feed.place < 0:
            return _NO_DAY
        feed, scale = listed.feed, listed.scale
        if self._day is None:
            self._day = DayWatch(feed, account.clock)
        bid, ask, time_ms = feed.bid, feed.ask, feed.time_ms
        so_far = self._day.at(time_ms)
        return _Day(
            time_s=account.clock.server_ms(time_ms) // 1_000,
            spread=ask - bid,
            bid=bid / scale,
            bid_high=so_far.bid_high / scale,
            bid_low=so_far.bid_low / scale,
            ask=ask / scale,
            ask_high=so_far.ask_high / scale,
            ask_low=so_far.ask_low / scale,
            open=so_far.open / scale,
            close=so_far.close / scale,
            change=so_far.change(bid),
            deals=so_far.ticks,
        )

    def _tick_values(self, listed: Listed | None) -> tuple[float, ...]:
        """`trade_tick_value`, `.._profit`, `.._loss` and `trade_tick_size`, reckoned once for the
        quotes that decide them."""
        if listed is None:
            return 0.0, 0.0, 0.0, float(tick_size(self._one))
        through = listed.valuation.converted_through
        places = (listed.feed.place, *[feed.place for feed in through])
        if places != self._valued_at:
            profit, loss, size = tick_values(listed.valuation)
            self._valued_at, self._values = places, (profit, profit, loss, size)
        return self._values

    def row(self, account: Account, listed: Listed | None, selected: bool) -> _Row:
        """The row now."""
        day = self._day_of(account, listed)
        # Where charts are drawn of the last price, each bid is a deal of volume 1.
        traded = self._chart_mode == 1 and day.time_s > 0
        last = (day.bid, day.bid_high, day.bid_low) if traded else (0.0, 0.0, 0.0)
        volume = int(traded)
        return (
            False,  # custom
            self._chart_mode,
            selected,
            selected,  # visible
            day.deals if traded else 0, 0, 0,  # session_deals, session_.._orders
            volume, volume, volume,  # volume, volumehigh, volumelow
            day.time_s,
            self._digits,
            self._spread or day.spread,
            *self._after_spread,
            *self._modes,
            day.bid, day.bid_high, day.bid_low,
            day.ask, day.ask_high, day.ask_low,
            *last,
            float(volume), float(volume), float(volume),  # volume_real, .._high, .._low
            self._option_strike,
            self._point,
            *self._tick_values(listed),
            *self._terms,
            0.0, 0.0, 0.0,  # session_volume, session_turnover, session_interest
            0.0, 0.0,  # session_buy_orders_volume, session_sell_orders_volume
            day.open, day.close,
            0.0, 0.0, 0.0, 0.0,  # session_aw, session_price_settlement and its limits
            self._margin_hedged,
            day.change,
            *(0.0,) * 9,  # price_volatility .. price_sensitivity: options only
            *self._texts,
        )  # fmt: skip


def _day_s(text: str) -> int:
    """The first second of a day such as `2026-12-18`, on the server's clock; 0 where none."""
    if not text:
        return 0
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
