"""The brokers that the model and the simulator are compared at: between them, every rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from onefill.terminal.simulator.profile import Profile, load_profile
from tests.model.reference.terms import Broker, Number, Symbol, exact

HOUR_MS = 3_600_000


def _pair(name: str, start: float, digits: int = 5, **more: Any) -> Symbol:
    base, profit = name[:3], name[3:]
    return _symbol(
        name, "forex", base, profit, base, digits, 100_000, start, least=0.01, most=5.0, **more
    )


def _symbol(
    name: str,
    calculation: str,
    base: str,
    profit: str,
    margin: str,
    digits: int,
    contract: float,
    start: float,
    *,
    least: float,
    most: float,
    tick_size: float = 0.0,
    tick_value: float = 0.0,
    **more: Any,
) -> Symbol:
    size = exact(tick_size) or exact(1) / 10**digits
    return Symbol(
        name=name,
        calculation=calculation,
        base=base,
        profit=profit,
        margin=margin,
        digits=digits,
        contract=exact(contract),
        tick_size=size,
        tick_value=exact(tick_value),
        volume_min=exact(least),
        volume_max=exact(most),
        volume_step=exact(least),
        start=start,
        **more,
    )


EURUSD = _pair("EURUSD", 1.1, spread=9)
USDJPY = _pair("USDJPY", 147.0, 3, spread=11)
EURGBP = _pair("EURGBP", 0.85, spread=10)
GOLD = _symbol(
    "XAUUSD", "cfd_leverage", "XAU", "USD", "USD", 2, 100, 1_950.0, least=0.01, most=5.0, spread=20
)
INDEX = _symbol(
    "US500", "cfd_index", "USD", "USD", "USD", 1, 1, 5_000.0, least=0.1, most=50.0,
    tick_size=0.1, tick_value=0.1, spread=5,
    margin_rate_long=exact(0.01), margin_rate_short=exact(0.02),
)  # fmt: skip
FUTURE = _symbol(
    "ESH30", "exch_futures", "USD", "USD", "USD", 2, 1, 5_000.0, least=1, most=20,
    tick_size=0.25, tick_value=12.5, spread=25, execution=3, filling_bits=7,
    margin_initial=exact(1_200), margin_maintenance=exact(1_100),
)  # fmt: skip
SHARE = _symbol(
    "SHARE", "exch_stocks", "USD", "USD", "USD", 2, 1, 150.0, least=1, most=500, spread=3,
    execution=3, filling_bits=3, expiration_bits=2, margin_rate_long=exact(0.25),
    margin_rate_short=exact(0.5),
)  # fmt: skip

ALL = (EURUSD, USDJPY, EURGBP, GOLD, INDEX)


def _all(*symbols: Symbol, **changes: Any) -> tuple[Symbol, ...]:
    return tuple(replace(symbol, **changes) for symbol in symbols)


def _swaps(mode: int, long: float, short: float, **more: Any) -> dict[str, Any]:
    return {"swap_mode": mode, "swap_long": exact(long), "swap_short": exact(short), **more}


BROKERS = (
    Broker(
        name="hedging, market execution", symbols=(*ALL, FUTURE), balance=exact(100_000), slippage=3
    ),
    Broker(
        name="hedging, instant execution, EUR",
        symbols=_all(
            *ALL,
            execution=1,
            filling_bits=1,
            stops_level=12,
            freeze_level=5,
            volume_limit=exact(3),
        ),
        currency="EUR",
        balance=exact(80_000),
        leverage=200,
        limit_orders=4,
        limit_positions=7,
        commission_per_lot=exact(3.57),
        commission_percent=exact(0.003),
        answer_quotes=False,
        echoes_comment=True,
        comment_limit=16,
        comment_accepted=27,
        quote_age_ms=4 * HOUR_MS,
        clock_ms=2 * HOUR_MS,
    ),
    Broker(
        name="netting, market execution",
        symbols=(
            *_all(
                EURUSD,
                USDJPY,
                EURGBP,
                volume_limit=exact(4),
                swap_mode=1,
                swap_long=exact(-6.9),
                swap_short=exact(2.6),
            ),
            replace(GOLD, trade_mode=1, swap_mode=8, swap_long=exact(-42)),
            replace(
                INDEX,
                trade_mode=2,
                swap_mode=5,
                swap_long=exact(-6.2),
                swap_short=exact(1.1),
                triple_day=5,
            ),
        ),
        clock_ms=3 * HOUR_MS,
        stop_out=exact(50),
        margin_mode=0,
        balance=exact(50_000),
        limit_positions=3,
        limit_orders=10,
        commission_per_lot=exact(2.5),
        commission_on_entry_only=True,
    ),
    Broker(
        name="exchange",
        symbols=(
            *_all(EURUSD, GOLD, execution=3, filling_bits=7),
            replace(FUTURE, gtc_mode=2, session=(HOUR_MS, 22 * HOUR_MS)),
            replace(SHARE, gtc_mode=1, session=(14 * HOUR_MS, 21 * HOUR_MS)),
            INDEX,
        ),
        clock_ms=-5 * HOUR_MS,
        margin_mode=1,
        balance=exact(60_000),
        leverage=50,
        commission_per_lot=exact(1.25),
        fee_per_lot=exact(0.35),
        comment_limit=25,
        slippage=6,
    ),
    Broker(
        name="hedging, hedged margin, first in first out, JPY",
        symbols=(
            replace(EURUSD, margin_hedged=exact(50_000)),
            replace(USDJPY, margin_larger_leg=True),
            replace(EURGBP, margin_hedged=exact(0), trade_mode=3),
            replace(GOLD, order_bits=127 - 64),
            replace(INDEX, trade_mode=0),
            replace(FUTURE, margin_hedged=exact(300)),
        ),
        currency="JPY",
        currency_digits=0,
        balance=exact(3_000_000),
        fifo_close=True,
        commission_per_lot=exact(400),
    ),
    Broker(
        name="hedging prohibited, narrow terms",
        symbols=(
            replace(EURUSD, order_bits=127 - 32),
            replace(USDJPY, order_bits=127 - 8, expiration_bits=5),
            replace(EURGBP, filling_bits=2, execution=1),
            replace(GOLD, filling_bits=1, stops_level=30),
            replace(INDEX, calculation="cfd", execution=0),
        ),
        balance=exact(5_000),
        leverage=500,
        hedging_prohibited=True,
    ),
    Broker(
        name="hedging, little money, every swap, EUR",
        symbols=(
            replace(EURUSD, **_swaps(2, -7.5, 3.25), session=(2 * HOUR_MS, 23 * HOUR_MS), move=60),
            replace(USDJPY, **_swaps(3, 4.5, -11.125, triple_day=1), move=60),
            replace(EURGBP, **_swaps(4, -3.333, -1.5)),
            replace(GOLD, **_swaps(2, -0.02, 0.01), move=80),
            replace(INDEX, **_swaps(6, -65, 25, triple_day=5), move=150),
            replace(FUTURE, **_swaps(7, -75, 25)),
        ),
        currency="EUR",
        balance=exact(1_200),
        leverage=200,
        stop_out=exact(90),
        commission_per_lot=exact(3),
    ),
    Broker(
        name="netting, stop-out in money",
        symbols=(*_all(*ALL, **_swaps(7, -30, -12), gtc_mode=1, move=50), FUTURE),
        margin_mode=0,
        balance=exact(6_000),
        leverage=500,
        stop_out=exact(5_400),
        stop_out_money=True,
        stop_out_removes_orders=False,
        clock_ms=7 * HOUR_MS,
    ),
)


# As the simulator wants to read them.


def profile_of(broker: Broker) -> Profile:
    """The same terms as a profile of the simulator, by way of a broker file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.toml"
        file.write_text("\n".join(_toml(broker)), encoding="utf-8")
        return load_profile(file)


def _toml(broker: Broker) -> Iterator[str]:
    modes = {0: "netting", 1: "exchange", 2: "hedging"}
    hours = broker.clock_ms // HOUR_MS
    yield "[broker]"
    settings: dict[str, object] = {
        "margin_mode": modes[broker.margin_mode],
        "stop_out_mode": "money" if broker.stop_out_money else "percent",
        "stop_out": broker.stop_out,
        "stop_out_removes_orders": broker.stop_out_removes_orders,
        "limit_orders": broker.limit_orders,
        "limit_positions": broker.limit_positions,
        "fifo_close": broker.fifo_close,
        "hedging_prohibited": broker.hedging_prohibited,
        "comment_limit": broker.comment_limit,
        "comment_accepted": broker.comment_accepted,
        "commission_per_lot": broker.commission_per_lot,
        "commission_percent": broker.commission_percent,
        "fee_per_lot": broker.fee_per_lot,
        "commission_on": "in" if broker.commission_on_entry_only else "both",
        "answer_quotes": broker.answer_quotes,
        "answer_echoes_comment": broker.echoes_comment,
        "quote_age_ms": broker.quote_age_ms,
        "slippage_points": broker.slippage,
        "time_zone": f"UTC{hours:+d}" if hours else "UTC",
    }
    for name, value in settings.items():
        yield f"{name} = {_value(value)}"
    for symbol in broker.symbols:
        yield f"[symbols.{symbol.name}]"
        for name, value in _table(symbol).items():
            yield f"{name} = {_value(value)}"


def _table(symbol: Symbol) -> dict[str, object]:
    table: dict[str, object] = {
        name: getattr(symbol, name)
        for name in (
            "calculation", "base", "profit", "margin", "digits", "tick_size", "tick_value",
            "volume_min", "volume_max", "volume_step", "volume_limit", "stops_level",
            "freeze_level", "trade_mode", "margin_initial", "margin_maintenance",
            "margin_rate_long", "margin_rate_short", "swap_mode", "swap_long", "swap_short",
        )
    }  # fmt: skip
    table |= {
        "group": "",
        "contract_size": symbol.contract,
        "filling_mode": symbol.filling_bits,
        "expiration_mode": symbol.expiration_bits,
        "order_mode": symbol.order_bits,
        "exemode": symbol.execution,
        "margin_hedged_use_leg": symbol.margin_larger_leg,
        "swap_rollover3days": symbol.triple_day,
        "order_gtc_mode": symbol.gtc_mode,
    }
    if symbol.margin_hedged is not None:
        table["margin_hedged"] = symbol.margin_hedged
    if symbol.session is not None:
        begin, end = (f"{ms // HOUR_MS:02d}:{ms % HOUR_MS // 60_000:02d}" for ms in symbol.session)
        table["sessions"] = [f"Mon-Fri {begin}-{end}"]
    return table


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return repr(float(value))
    return repr(value)
