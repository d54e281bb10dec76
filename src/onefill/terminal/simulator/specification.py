"""A symbol's terms at the simulated broker: what its table in the broker file may say."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from onefill.model.errors import OnefillError
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8
from onefill.terminal.simulator.sessions import sessions_of

Calculation = Literal[
    "forex", "futures", "cfd", "cfd_index", "cfd_leverage", "forex_no_leverage",
    "exch_stocks", "exch_futures", "exch_options", "exch_options_margin", "exch_bonds",
    "exch_stocks_moex", "exch_bonds_moex", "collateral",
]  # fmt: skip
CALC_MODES: dict[str, int] = {
    "forex": 0, "futures": 1, "cfd": 2, "cfd_index": 3, "cfd_leverage": 4, "forex_no_leverage": 5,
    "exch_stocks": 32, "exch_futures": 33, "exch_options": 34, "exch_options_margin": 36,
    "exch_bonds": 37, "exch_stocks_moex": 38, "exch_bonds_moex": 39, "collateral": 64,
}  # fmt: skip
"""MT5's `trade_calc_mode` by name."""


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a symbol has beside the model's `Symbol`. Names are MT5's where MT5 has one."""

    calculation: Calculation = "forex"
    #: Such as `Mon-Fri 00:05-23:55`, on the server's clock; none: always open.
    sessions: tuple[str, ...] = ()
    description: str = ""
    #: Its place in the tree of symbols, such as `Forex\\Majors`; the name is added.
    path: str = ""
    category: str = ""
    exchange: str = ""
    isin: str = ""
    #: Prices are multiples of it; 0: of a point.
    tick_size: float = 0.0
    #: What a tick is worth for one lot, in the profit currency; 0: tick size x contract.
    tick_value: float = 0.0
    #: A lot's margin in the margin currency; above 0 it overrides the calculation.
    margin_initial: float = 0.0
    margin_maintenance: float = 0.0
    margin_rate_long: float = 1.0
    margin_rate_short: float = 1.0
    #: Contract size (or money, where margin_initial is set) of a hedged lot; below 0: a hedged lot
    #: binds what another does.
    margin_hedged: float = -1.0
    margin_hedged_use_leg: bool = False
    face_value: float = 0.0
    accrued_interest: float = 0.0
    liquidity_rate: float = 0.0
    swap_mode: int = 0
    swap_long: float = 0.0
    swap_short: float = 0.0
    #: The day whose rollover counts threefold; 0 Sunday .. 6 Saturday.
    swap_rollover3days: int = 3
    #: Lots of positions and pending orders of one side; 0: no limit.
    volume_limit: float = 0.0
    #: `order_gtc_mode`: 0 until cancelled, 1 the day with stops, 2 the day, stops stay.
    order_gtc_mode: int = 0
    #: 0: charts are drawn of the bid, 1: of the last price.
    chart_mode: int = 0
    #: Levels of market depth on each side.
    ticks_bookdepth: int = 0
    #: Points; 0: floating.
    spread: int = 0
    #: First and last day of trading, `2026-12-18`; empty: none.
    start: str = ""
    expiration: str = ""
    option_mode: int = 0
    option_right: int = 0
    option_strike: float = 0.0
    basis: str = ""
    #: Commission of this symbol alone; below 0: the broker's.
    commission_per_lot: float = -1.0
    commission_percent: float = -1.0
    #: The generated market: mid price at the start of 2019, volatility of a year in per cent, the
    #: usual spread in points, ticks a minute in a quiet hour.
    generated_price: float = 0.0
    generated_volatility: float = 8.0
    generated_spread: float = 10.0
    generated_ticks: float = 10.0


class Specification(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's terms: the model's `Symbol`, and what only the broker needs."""

    symbol: Symbol
    terms: Terms = Terms()

    @property
    def calculation(self) -> Calculation:
        """How margin and profit are reckoned."""
        return self.terms.calculation

    @property
    def sessions(self) -> tuple[str, ...]:
        """Hours of trade, on the server's clock."""
        return self.terms.sessions

    @property
    def tick_points(self) -> int:
        """The price's step in points."""
        scale: int = 10**self.symbol.digits
        return max(1, round(self.terms.tick_size * scale))


class _Placing(msgspec.Struct, frozen=True, kw_only=True):
    """The rest of a symbol's table: what makes the model's `Symbol`."""

    digits: int
    contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    group: str = ""
    base: str = ""
    profit: str = ""
    margin: str = ""
    stops_level: int = 0
    freeze_level: int = 0
    filling_mode: int = 3
    expiration_mode: int = 15
    order_mode: int = 127
    exemode: int = 2
    trade_mode: int = 4
    pip_points: int = 0


_PLACING = frozenset(_Placing.__struct_fields__)


def specification_of(name: str, offered_as: str, table: dict[str, Any]) -> Specification:
    """The symbol that a table (its group's merged in) describes. `name` without the broker's
    prefix and suffix gives the currencies. Raises ValueError with a sentence."""
    placing = msgspec.convert(
        {field: value for field, value in table.items() if field in _PLACING}, _Placing
    )
    terms = msgspec.convert(
        {field: value for field, value in table.items() if field not in _PLACING}, Terms
    )
    sessions_of(terms.sessions, terms.start, terms.expiration)
    wrong = _wrong_placing(placing) or _wrong_terms(terms)
    if wrong:
        raise ValueError(wrong)
    base, profit = placing.base or name[:3], placing.profit or name[3:6]
    if not base or not profit:
        raise ValueError("name its base and profit currencies")
    symbol = Symbol(
        name=offered_as,
        digits=placing.digits,
        contract_size=placing.contract_size,
        volume_min_e8=to_e8(placing.volume_min),
        volume_max_e8=to_e8(placing.volume_max),
        volume_step_e8=to_e8(placing.volume_step),
        base=base,
        profit=profit,
        margin=placing.margin or _margin_currency(terms.calculation, base, profit),
        stops_level=placing.stops_level,
        freeze_level=placing.freeze_level,
        filling_flags=placing.filling_mode,
        expiration_flags=placing.expiration_mode,
        order_flags=placing.order_mode,
        execution_mode=placing.exemode,
        trade_mode=placing.trade_mode,
        pip_points_set=placing.pip_points,
    )
    return Specification(symbol=symbol, terms=terms)


def _margin_currency(calculation: Calculation, base: str, profit: str) -> str:
    return base if calculation in ("forex", "forex_no_leverage") else profit


def _wrong_placing(placing: _Placing) -> str:
    """What cannot be in a symbol's table, in words; empty where all can."""
    ranges = {
        "digits": (placing.digits, 0, 8),
        "filling_mode": (placing.filling_mode, 0, 7),
        "expiration_mode": (placing.expiration_mode, 0, 15),
        "order_mode": (placing.order_mode, 0, 127),
        "exemode": (placing.exemode, 0, 3),
        "trade_mode": (placing.trade_mode, 0, 4),
        "stops_level": (placing.stops_level, 0, 1_000_000),
        "freeze_level": (placing.freeze_level, 0, 1_000_000),
        "pip_points": (placing.pip_points, 0, 1_000_000),
    }
    if placing.contract_size <= 0:
        return f"contract_size {placing.contract_size:g} must be above 0"
    steps = (placing.volume_step, placing.volume_min, placing.volume_max)
    step, least, most = map(to_e8, steps)
    if not 0 < step <= least <= most or least % step or most % step:
        return (
            "volume_min and volume_max must be multiples of volume_step, which is above 0, "
            "and volume_min not above volume_max"
        )
    return _outside(ranges)


def _wrong_terms(terms: Terms) -> str:
    ranges = {
        "swap_mode": (terms.swap_mode, 0, 8),
        "swap_rollover3days": (terms.swap_rollover3days, 0, 6),
        "order_gtc_mode": (terms.order_gtc_mode, 0, 2),
        "chart_mode": (terms.chart_mode, 0, 1),
        "ticks_bookdepth": (terms.ticks_bookdepth, 0, 1_000),
        "spread": (terms.spread, 0, 1_000_000),
        "option_mode": (terms.option_mode, 0, 1),
        "option_right": (terms.option_right, 0, 1),
    }
    least = {
        name: getattr(terms, name)
        for name in (
            "tick_size", "tick_value", "margin_initial", "margin_maintenance", "margin_rate_long",
            "margin_rate_short", "face_value", "accrued_interest", "liquidity_rate",
            "volume_limit", "generated_price", "generated_volatility", "generated_spread",
            "generated_ticks",
        )
    }  # fmt: skip
    below = [name for name, value in least.items() if value < 0]
    if below:
        return f"{below[0]} {least[below[0]]:g} cannot be below 0"
    return _outside(ranges)


def _outside(ranges: dict[str, tuple[int, int, int]]) -> str:
    for field, (value, low, high) in ranges.items():
        if not low <= value <= high:
            return f"{field} {value} is not in {low} to {high}"
    return ""


def unknown_symbol(name: str) -> OnefillError:
    """The broker does not offer it."""
    return OnefillError(
        "UNKNOWN_SYMBOL",
        f"the simulated broker does not offer {name!r}; give its specification in a file "
        f"for --profile (--broker of `onefill run`), as a table [symbols.{name}]",
    )
