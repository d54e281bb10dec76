"""An order as JSON writes it: its fields, the rules between them, and the intent it means."""

from __future__ import annotations

from msgspec import Struct

from onefill.contracts.moments import to_ms
from onefill.model.intent import Action, OrderIntent, OrderType, Side, is_child_key

MAX_KEY, MAX_COMMENT, MAX_SYMBOL = 128, 255, 64
MAX_TARGET = MAX_KEY + 20
"""A child of a close_all has its parent's key and a ticket."""
MAX_MAGIC, MAX_DEVIATION = 2**63 - 1, 2**31 - 1
MAX_PRICE, MAX_VOLUME, MAX_UNITS = 1e9, 1e9, 1e15


class Line(Struct, forbid_unknown_fields=True):
    """The fields as written; null is the same as leaving a field out."""

    client_key: str
    at: int | float | str | None = None
    action: Action | None = None
    symbol: str | None = None
    side: Side | None = None
    volume: float | None = None
    units: float | None = None
    order_type: OrderType | None = None
    price: float | None = None
    stop_limit_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    deviation: int | None = None
    magic: int | None = None
    comment: str | None = None
    expires_at: int | float | str | None = None
    expiration: int | float | str | None = None
    target: str | None = None


class Wrong(Exception):
    """A line that cannot be taken: the field, and what was expected of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


_LEVELS = ("price", "stop_limit_price", "stop_loss", "take_profit")
_SIZES = ("volume", "units")
#: Fields that would change nothing for an action, so that who writes them expects something else.
_NOT_FOR: dict[Action, tuple[str, ...]] = {
    Action.OPEN: ("target",),
    Action.CLOSE: ("stop_limit_price", "stop_loss", "take_profit", "expiration"),
    Action.MODIFY: _SIZES,
    Action.CANCEL: (*_SIZES, *_LEVELS, "expiration"),
    Action.CLOSE_ALL: (*_SIZES, *_LEVELS, "expiration", "side", "target"),
}


def moment_of(line: Line) -> int | None:
    """When the decision arrives (Unix ms); None: together with the line before it."""
    return None if line.at is None else _moment("at", line.at)


def intent_of(
    line: Line, *, size_may_lack: bool = False, ticket_named: bool = False
) -> OrderIntent:
    """The intent that a line means. `size_may_lack`: where an opening order names no size, somebody
    else knows one. `ticket_named`: what a close, a change or a cancel means is named by a ticket
    beside the line. Raises `Wrong`."""
    action = line.action or Action.OPEN
    check_text("client_key", line.client_key, MAX_KEY)
    if is_child_key(line.client_key):
        raise Wrong("client_key", "ends in / and a number, which names the children of a close_all")
    for field in _NOT_FOR[action]:
        if getattr(line, field) is not None:
            raise Wrong(field, f"has no meaning for action {action}; leave it out")
    if line.symbol is not None:
        check_text("symbol", line.symbol, MAX_SYMBOL)
    if line.comment:
        check_text("comment", line.comment, MAX_COMMENT)
    _check_numbers(line)
    if action is Action.OPEN:
        _check_open(line, size_may_lack)
    else:
        _check_other(line, action, ticket_named)
    return OrderIntent(
        client_key=line.client_key,
        action=action,
        symbol=line.symbol or "",
        side=line.side,
        volume=line.volume,
        units=line.units,
        order_type=line.order_type or OrderType.MARKET,
        price=line.price,
        stop_limit_price=line.stop_limit_price,
        stop_loss=line.stop_loss,
        take_profit=line.take_profit,
        deviation=line.deviation,
        magic=line.magic or 0,
        comment=line.comment or "",
        expires_at_ms=None if line.expires_at is None else _moment("expires_at", line.expires_at),
        expiration_ms=None if line.expiration is None else _moment("expiration", line.expiration),
        target=line.target,
    )


def _check_numbers(line: Line) -> None:
    """Ranges; every comparison is false for NaN, so each is written to refuse that."""
    volume, units = line.volume, line.units
    if volume is not None and not 0 < volume <= MAX_VOLUME:
        raise Wrong("volume", f"expected lots above 0, at most {MAX_VOLUME:g}, not {volume!r}")
    if units is not None:
        if not 0 < units <= MAX_UNITS:
            raise Wrong("units", f"expected units above 0, at most {MAX_UNITS:g}, not {units!r}")
        if volume is not None:
            raise Wrong("units", "volume is given too; give one of the two")
    for field in _LEVELS:
        price = getattr(line, field)
        if price is not None and not 0 <= price <= MAX_PRICE:
            raise Wrong(field, f"expected a price, or 0 for none, not {price!r}")
    deviation, magic = line.deviation, line.magic
    if deviation is not None and not 0 <= deviation <= MAX_DEVIATION:
        raise Wrong("deviation", f"expected points, 0 to {MAX_DEVIATION}, not {deviation}")
    if magic is not None and not 0 <= magic <= MAX_MAGIC:
        raise Wrong("magic", f"expected a whole number from 0 to {MAX_MAGIC}, not {magic}")


def _check_open(line: Line, size_may_lack: bool) -> None:
    if line.symbol is None:
        raise Wrong("symbol", "is required to open")
    if line.side is None:
        raise Wrong("side", 'is required to open: "buy" or "sell"')
    if line.volume is None and line.units is None and not size_may_lack:
        raise Wrong("volume", "is required to open: lots, or units in place of it")
    kind = line.order_type or OrderType.MARKET
    if kind is OrderType.MARKET:
        if line.expiration:
            raise Wrong(
                "expiration",
                "belongs to a pending order; what ends an unsent market order is expires_at",
            )
    elif not line.price:
        raise Wrong("price", f"is required for a {kind} order")
    if kind is OrderType.STOP_LIMIT:
        if not line.stop_limit_price:
            raise Wrong("stop_limit_price", "is required for a stop_limit order")
    elif line.stop_limit_price:
        raise Wrong("stop_limit_price", f"belongs to a stop_limit order, and this is a {kind}")


def _check_other(line: Line, action: Action, ticket_named: bool) -> None:
    if line.order_type not in (None, OrderType.MARKET):
        raise Wrong("order_type", f"has no meaning for action {action}; leave it out")
    if line.target is not None:
        check_text("target", line.target, MAX_TARGET)
        if line.target == line.client_key:
            raise Wrong("target", "is the order's own client_key; name the order that is meant")
    elif ticket_named:
        pass
    elif action in (Action.MODIFY, Action.CANCEL):
        raise Wrong("target", f"is required to {action}: the client_key of the order meant")
    elif action is Action.CLOSE and line.symbol is None:
        raise Wrong("target", "is required to close, or a symbol with one open position")
    if action is Action.MODIFY:
        for field in ("price", "stop_limit_price"):
            if getattr(line, field) == 0:
                raise Wrong(field, "expected a price above 0; leave it out to keep it as it is")


def check_text(field: str, text: str, most: int) -> None:
    """Text of a length, without control characters. Raises `Wrong`."""
    if not 1 <= len(text) <= most:
        raise Wrong(field, f"expected 1 to {most} characters, not {len(text)}")
    if not text.isprintable():
        raise Wrong(field, f"expected printable characters, not {text[:40]!r}")


def _moment(field: str, value: int | float | str) -> int:
    if field == "expiration" and value == 0:
        return 0  # good till cancelled
    try:
        return to_ms(value)
    except ValueError as wrong:
        raise Wrong(field, str(wrong)) from None
