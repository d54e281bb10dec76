"""Hypothesis strategies: every message that can be said on the wire, with every field."""

from typing import Any

from hypothesis import strategies as st

from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Heartbeat,
    HeldPosition,
    MarketData,
    Message,
    Preferences,
    Profile,
    Result,
    RiskProfile,
    Status,
    WireError,
)
from onefill.contracts.wire.trading.market_data_pb2 import MarketDataStream, TickData
from onefill.model.intent import Action, OrderIntent, OrderType, Side, is_child_key
from onefill.model.states import State

_CHARACTERS = st.characters(codec="utf-8").filter(str.isprintable)


def _text(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(_CHARACTERS, min_size=least, max_size=most)


KEYS = _text(1, 128).filter(lambda key: not is_child_key(key))
NAMES = _text(0, 64)
TIMES = st.integers(10**11, 253_402_300_799_999)
PRICES = st.floats(1e-6, 1e9)
LEVELS = st.just(0.0) | PRICES
MONEY = st.floats(-1e15, 1e15)
SIDES = st.sampled_from(Side)
TICKETS = st.integers(1, 2**63 - 1)
MAGICS = st.integers(0, 2**63 - 1)
SMALL_MAGICS = st.integers(0, 2**31 - 1)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def opens(draw: st.DrawFn, *, kinds: list[OrderType], plain: bool, flat: bool) -> OrderIntent:
    """`plain`: only what a bare dialect can say; `flat`: only what the second one can."""
    kind = draw(st.sampled_from(kinds))
    in_units = not plain and draw(st.booleans())
    pending = kind is not OrderType.MARKET
    return OrderIntent(
        action=Action.OPEN,
        symbol=draw(_text(1, 64)),
        side=draw(SIDES),
        volume=None if in_units else draw(st.floats(1e-8, 1e9)),
        units=draw(st.floats(1e-8, 1e15)) if in_units else None,
        order_type=kind,
        price=draw(PRICES if pending else _maybe(PRICES)),
        stop_limit_price=draw(PRICES) if kind is OrderType.STOP_LIMIT else None,
        stop_loss=draw(_maybe(PRICES)),
        take_profit=draw(_maybe(PRICES)),
        deviation=None if flat else draw(_maybe(st.integers(0, 2**31 - 1))),
        expiration_ms=draw(_maybe(TIMES)) if pending and not flat else None,
        magic=draw(SMALL_MAGICS if plain and not flat else MAGICS),
        **_told(draw),
    )


@st.composite
def closes(draw: st.DrawFn, *, plain: bool, flat: bool) -> OrderIntent:
    target = draw(targets())
    named = bool(target)
    side = None if named else draw(SIDES if plain else _maybe(SIDES))
    return OrderIntent(
        action=Action.CLOSE,
        symbol="" if named and plain else draw(_text(0 if named else 1, 64)),
        side=side,
        volume=draw(_maybe(st.floats(1e-8, 1e9))),
        price=draw(_maybe(PRICES)),
        deviation=None if flat else draw(_maybe(st.integers(0, 2**31 - 1))),
        magic=0 if flat and not named else draw(SMALL_MAGICS if plain else MAGICS),
        **target,
        **_told(draw),
    )


@st.composite
def modifies(draw: st.DrawFn, *, plain: bool, flat: bool) -> OrderIntent:
    target = draw(targets())
    named = bool(target)
    return OrderIntent(
        action=Action.MODIFY,
        symbol="" if named and plain else draw(_text(0 if named else 1, 64)),
        side=None if named else draw(SIDES if plain else _maybe(SIDES)),
        price=draw(_maybe(PRICES)),
        stop_limit_price=None if plain else draw(_maybe(PRICES)),
        stop_loss=draw(_maybe(LEVELS)),
        take_profit=draw(_maybe(LEVELS)),
        expiration_ms=None if flat else draw(_maybe(TIMES)),
        magic=0 if flat and not named else draw(SMALL_MAGICS if plain else MAGICS),
        **target,
        **_told(draw),
    )


@st.composite
def cancels(draw: st.DrawFn, *, plain: bool) -> OrderIntent:
    target = draw(targets())
    named = bool(target)
    return OrderIntent(
        action=Action.CANCEL,
        symbol="" if named and plain else draw(_text(0 if named else 1, 64)),
        side=None if named else draw(SIDES if plain else _maybe(SIDES)),
        magic=draw(SMALL_MAGICS if plain else MAGICS),
        **target,
        **_told(draw),
    )


@st.composite
def close_alls(draw: st.DrawFn, *, plain: bool) -> OrderIntent:
    return OrderIntent(
        action=Action.CLOSE_ALL,
        symbol=draw(_text(0, 64)),
        magic=0 if plain else draw(MAGICS),
        **_told(draw),
    )


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Any]:
    named = {
        "target": draw(_maybe(_text(1, 148).map(lambda key: f"t{key[:147]}"))),
        "target_ticket": draw(_maybe(TICKETS)),
        "target_order": draw(_maybe(TICKETS)),
    }
    return {field: value for field, value in named.items() if value is not None}


def _told(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "client_key": draw(KEYS.filter(lambda key: not key.startswith("t"))),
        "comment": draw(_text(0, 255)),
        "expires_at_ms": draw(TIMES),
        "user_id": draw(NAMES),
        "reason": draw(_text(0, 100)),
        "confidence": draw(_maybe(st.floats(1e-9, 1.0))),
        "correlation_id": draw(NAMES),
    }


@st.composite
def commands(
    draw: st.DrawFn, intents: st.SearchStrategy[OrderIntent], *, dated: bool = True
) -> Command:
    intent = draw(intents)
    return Command(
        intent=intent,
        account=draw(NAMES),
        user_id=intent.user_id,
        made_ms=draw(TIMES) if dated and intent.action is not Action.CLOSE_ALL else 0,
    )


_MARKET, _LIMIT, _STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
#: What each dialect can say without the other end's knowing our extensions.
EXECUTION = commands(
    opens(kinds=[_MARKET, _LIMIT, _STOP, OrderType.PENDING], plain=True, flat=False)
    | closes(plain=True, flat=False)
    | modifies(plain=True, flat=False)
    | cancels(plain=True)
)
TRADING = commands(
    opens(kinds=[_MARKET, _LIMIT, _STOP], plain=True, flat=True)
    | closes(plain=True, flat=True)
    | modifies(plain=True, flat=True)
    | close_alls(plain=True),
    dated=False,
)
#: What an envelope can say.
COMMANDS = commands(
    opens(kinds=list(OrderType), plain=False, flat=False)
    | closes(plain=False, flat=False)
    | modifies(plain=False, flat=False)
    | cancels(plain=False)
    | close_alls(plain=False)
)
RESULTS = st.builds(
    Result,
    command_id=KEYS,
    status=st.sampled_from(Status),
    order_ticket=st.just(0) | TICKETS,
    price=LEVELS,
    error=_text(0, 200),
    at_ms=st.just(0) | TIMES,
    volume=st.floats(0, 1e9),
    position_ticket=st.just(0) | TICKETS,
    retcode=st.integers(-(2**31), 2**31 - 1),
    sequence=st.integers(0, 2**63 - 1),
    requested_price=LEVELS,
    slippage_pips=st.none() | st.floats(-1e6, 1e6),
    state=_maybe(st.sampled_from(State)),
)
_POSITIONS = st.builds(
    HeldPosition,
    ticket=TICKETS,
    symbol=NAMES,
    side=SIDES,
    volume=st.floats(0, 1e9),
    price=LEVELS,
    price_now=LEVELS,
    stop_loss=LEVELS,
    take_profit=LEVELS,
    profit=MONEY,
    magic=MAGICS,
    command_id=_text(0, 148),
)
PROFILES = st.builds(
    Profile,
    user_id=NAMES,
    account=_text(1, 64),
    broker=NAMES,
    server=NAMES,
    live=st.booleans(),
    currency=_text(0, 16),
    balance=MONEY,
    equity=MONEY,
    margin_used=MONEY,
    margin_free=MONEY,
    risk=st.builds(
        RiskProfile,
        max_risk_per_trade=st.floats(0, 100),
        max_daily_loss=st.floats(0, 1e15),
        max_drawdown=st.floats(0, 1),
        allow_news_trading=st.booleans(),
        allowed_symbols=st.lists(NAMES, max_size=3).map(tuple),
    ),
    preferences=st.builds(
        Preferences,
        preferred_lot_size=st.floats(0, 1e9),
        max_open_positions=st.integers(0, 2**31 - 1),
        auto_close_friday=st.booleans(),
        conservative_mode=st.booleans(),
    ),
    positions=st.none() | st.lists(_POSITIONS, max_size=3).map(tuple),
    positions_untold=st.integers(0, 2**63 - 1),
    as_of_sequence=st.integers(0, 2**63 - 1),
    day_start_equity=MONEY,
    peak_equity=MONEY,
    trade_allowed=st.booleans(),
    why_not=_text(0, 100),
    limits_fingerprint=st.text("0123456789abcdef", max_size=64),
)
_STREAM = MarketDataStream(
    ticks=[TickData(symbol="EURUSD", bid=1.1, ask=1.2, time_msc=1_700_000_000_000)], source="MT5"
)
MARKET_DATA = st.sampled_from([b"", _STREAM.SerializeToString()]).map(MarketData)
_BIG = st.integers(0, 2**63 - 1)
MESSAGES: st.SearchStrategy[Message] = (
    COMMANDS
    | RESULTS
    | PROFILES
    | MARKET_DATA
    | st.builds(Ack, _text(0, 148), _BIG, st.booleans())
    | st.builds(WireError, _text(1, 64), _text(0, 200), KEYS)
    | st.builds(Heartbeat, _BIG)
    | st.builds(ConfigUpdate, _BIG, st.binary(max_size=200))
)
