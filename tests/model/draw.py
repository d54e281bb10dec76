"""What a step asks for, drawn from the step's own seed and the account as it stands then, so that
the steps of a run still mean something when others are left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.model.brokers import HOUR_MS
from tests.model.reference import rows
from tests.model.reference.account import Account
from tests.model.reference.rows import Order, Position, Request, sign_of
from tests.model.reference.terms import DAY_MS, Number, Symbol

LIMIT_KINDS = (rows.BUY_LIMIT, rows.SELL_LIMIT)
STOP_LIMIT_KINDS = (rows.BUY_STOP_LIMIT, rows.SELL_STOP_LIMIT)


@dataclass(slots=True)
class Step:
    """`what` of: send, check, margin, profit, history, position, restart, nothing."""

    what: str
    #: For the report.
    label: str
    request: Request = field(default_factory=lambda: Request(action=0))
    window: tuple[int, int] = (0, 0)
    #: A position's identifier.
    position: int = 0


def draw(rng: Random, account: Account) -> Step:
    """The next thing to do."""
    kind = rng.random()
    if kind < 0.08:
        return Step("nothing", "time passes")
    if kind < 0.10:
        return Step("history", "history of a window", window=_window(rng, account))
    if kind < 0.11:
        ticket = rng.randrange(1_000_001, account.next_order + 1)
        return Step("position", "history of a position", position=ticket)
    if kind < 0.115:
        return Step("restart", "restart of the simulator")
    if kind < 0.17:
        request = _opening(rng, account)
        return Step(*rng.choice((("margin", "calc margin"), ("profit", "calc profit"))), request)
    label, request = _request(rng, account)
    if rng.random() < 0.13:
        label, request = f"spoilt: {label}", _spoilt(rng, account, request)
    if rng.random() < 0.1:
        return Step("check", f"check: {label.removeprefix('spoilt: ')}", request)
    return Step("send", label, request)


def _window(rng: Random, account: Account) -> tuple[int, int]:
    begin = account.now_ms - rng.randrange(48) * HOUR_MS
    return begin, begin + rng.randrange(72) * HOUR_MS


def _request(rng: Random, account: Account) -> tuple[str, Request]:
    positions, orders = list(account.positions.values()), list(account.orders.values())
    hedging = account.broker.hedging
    weights = {
        "open": 30 if len(positions) < 6 else 14 if len(positions) < 12 else 3,
        "pending": 22 if len(orders) < 6 else 4,
        "close": 5 + len(positions) if positions else 0,
        "close part": 8 if positions else 0,
        "reverse": 8 if positions and not hedging else 0,
        "stops": 16 if positions else 0,
        "close by": 12 if _opposites(positions) else 1,
        "modify": 8 if orders else 0,
        "remove": 4 if orders else 0,
    }
    label = rng.choices(list(weights), list(weights.values()))[0]
    if label == "open":
        return _side("open", request := _opening(rng, account)), request
    if label == "pending":
        request = _pending(rng, account)
        return f"pending {_KINDS[request.type]}", request
    if label == "stops":
        return label, _stops(rng, account, rng.choice(positions))
    if label == "close by":
        return label, _close_by(rng, positions)
    if label == "modify":
        return label, _modify(rng, account, rng.choice(orders))
    if label == "remove":
        return label, Request(action=rows.REMOVE, order=rng.choice(orders).ticket)
    return label, _closing(rng, account, rng.choice(positions), label)


_KINDS = {
    2: "buy limit", 3: "sell limit", 4: "buy stop", 5: "sell stop", 6: "buy stop limit",
    7: "sell stop limit",
}  # fmt: skip


LABELS = (
    "time passes", "history of a window", "history of a position", "restart of the simulator",
    "calc margin", "calc profit", "open buy", "open sell", "close", "close part", "reverse",
    "stops", "close by", "modify", "remove", *(f"pending {kind}" for kind in _KINDS.values()),
)  # fmt: skip
"""Every action that is drawn, beside those that are spoilt and those that are only checked."""


def _side(word: str, request: Request) -> str:
    return f"{word} {'sell' if request.type else 'buy'}"


def _price(rng: Random, account: Account, symbol: Symbol, sign: int) -> Number:
    """What it would cost now; without a quote, what it cost in the beginning."""
    quote = account.quotes.get(symbol.name)
    if quote is None:
        return round(Number(str(symbol.start)) / symbol.tick_size) * symbol.tick_size
    return quote.opening(sign)


def _away(rng: Random, symbol: Symbol, price: Number, sign: int, *, least: int = 0) -> float:
    """A price some points above (+1) or below (-1) another, on the symbol's step."""
    points = symbol.stops_level + least + rng.randrange(1, max(2, symbol.move * 4))
    size = symbol.tick_size
    steps = -(-points * symbol.point // size)
    base = -(-price // size) if sign > 0 else price // size
    return float((base + sign * steps) * size)


def _volume(rng: Random, symbol: Symbol) -> float:
    steps = rng.randrange(1, 30) if rng.random() < 0.85 else rng.randrange(1, 200)
    return float(min(symbol.volume_min + steps * symbol.volume_step, symbol.volume_max))


def _filling(rng: Random, symbol: Symbol, *, pending: bool = False) -> int:
    if pending and rng.random() < 0.8:
        return rows.RETURN
    if symbol.execution == 3 and rng.random() < 0.4:
        return rows.RETURN
    return rows.FOK if symbol.filling_bits & 1 and rng.random() < 0.6 else rows.IOC


def _comment(rng: Random) -> str:
    return rng.choice(("", "", "a note", "grid 7", "twenty-five letters long.", "Grüße"))


def _levels(
    rng: Random, symbol: Symbol, price: Number, sign: int, *, least: int = 0
) -> tuple[float, float]:
    stop = _away(rng, symbol, price, -sign, least=least) if rng.random() < 0.45 else 0.0
    target = _away(rng, symbol, price, sign, least=least) if rng.random() < 0.45 else 0.0
    return stop, target


def _opening(rng: Random, account: Account) -> Request:
    symbol, kind = rng.choice(account.broker.symbols), rng.randrange(2)
    price, sign = _price(rng, account, symbol, sign_of(kind)), sign_of(kind)
    stop, target = _levels(rng, symbol, _price(rng, account, symbol, -sign), sign)
    drift = rng.choice((0, 0, 0, 0, 2, -3, 9)) * symbol.tick_size
    return Request(
        action=rows.DEAL,
        symbol=symbol.name,
        type=kind,
        volume=_volume(rng, symbol),
        price=float(price + drift),
        sl=stop,
        tp=target,
        deviation=rng.choice((0, 5, 50, 500)),
        magic=rng.choice((0, 7, 2**40)),
        type_filling=_filling(rng, symbol),
        comment=_comment(rng),
    )


def _closing(rng: Random, account: Account, position: Position, label: str) -> Request:
    symbol, kind = account.symbols[position.symbol], 1 if position.sign > 0 else 0
    volume = position.volume
    if label == "close part" and volume > symbol.volume_step:
        steps = rng.randrange(1, int(volume / symbol.volume_step))
        volume = steps * symbol.volume_step
    if label == "reverse":
        volume += rng.randrange(1, 20) * symbol.volume_step
    name = account.broker.hedging or (label != "reverse" and rng.random() < 0.5)
    return Request(
        action=rows.DEAL,
        symbol=symbol.name,
        type=kind,
        volume=float(volume),
        price=float(_price(rng, account, symbol, sign_of(kind))),
        deviation=rng.choice((0, 10, 100)),
        magic=rng.choice((0, 7)),
        type_filling=_filling(rng, symbol),
        comment=_comment(rng),
        position=position.ticket if name else 0,
    )


def _pending(rng: Random, account: Account) -> Request:
    symbol, kind = rng.choice(account.broker.symbols), rng.randrange(2, 8)
    sign = sign_of(kind)
    way = -sign if kind in LIMIT_KINDS else sign
    price = _away(rng, symbol, _price(rng, account, symbol, sign), way)
    limit = _away(rng, symbol, Number(str(price)), -sign) if kind in STOP_LIMIT_KINDS else 0.0
    stop, target = _levels(rng, symbol, Number(str(limit or price)), sign)
    kinds = [one for one in range(4) if symbol.expiration_bits & 1 << one]
    return Request(
        action=rows.PENDING,
        symbol=symbol.name,
        type=kind,
        volume=_volume(rng, symbol),
        price=price,
        stoplimit=limit,
        sl=stop,
        tp=target,
        magic=rng.choice((0, 11)),
        type_filling=_filling(rng, symbol, pending=True),
        type_time=rng.choice(kinds),
        expiration_ms=account.now_ms + rng.randrange(60_000, DAY_MS),
        comment=_comment(rng),
    )


def _stops(rng: Random, account: Account, position: Position) -> Request:
    symbol = account.symbols[position.symbol]
    market = _price(rng, account, symbol, -position.sign)
    stop, target = _levels(rng, symbol, market, position.sign)
    name = account.broker.hedging or rng.random() < 0.6
    return Request(
        action=rows.SLTP,
        symbol=symbol.name if rng.random() < 0.7 or not name else "",
        position=position.ticket if name else 0,
        sl=stop,
        tp=target,
    )


def _opposites(positions: list[Position]) -> list[tuple[Position, Position]]:
    return [
        (one, other)
        for one in positions
        for other in positions
        if one.symbol == other.symbol and one.sign != other.sign
    ]


def _close_by(rng: Random, positions: list[Position]) -> Request:
    pairs = _opposites(positions)
    if not pairs:
        tickets = [one.ticket for one in positions] + [1]
        return Request(
            action=rows.CLOSE_BY, position=rng.choice(tickets), position_by=rng.choice(tickets)
        )
    one, other = rng.choice(pairs)
    return Request(
        action=rows.CLOSE_BY,
        position=one.ticket,
        position_by=other.ticket,
        magic=rng.choice((0, 5)),
        comment=_comment(rng),
    )


def _modify(rng: Random, account: Account, order: Order) -> Request:
    symbol, sign = account.symbols[order.symbol], sign_of(order.type)
    way = -sign if order.type in LIMIT_KINDS else sign
    price = float(order.price)
    if rng.random() < 0.7:
        price = _away(rng, symbol, _price(rng, account, symbol, sign), way)
    limit = float(order.stoplimit)
    if order.type in STOP_LIMIT_KINDS and rng.random() < 0.8:
        limit = _away(rng, symbol, Number(str(price)), -sign)
    stop, target = _levels(rng, symbol, Number(str(limit or price)), sign)
    if rng.random() < 0.3:
        stop, target = float(order.sl), float(order.tp)
    again = rng.random() < 0.4
    kinds = [one for one in range(4) if symbol.expiration_bits & 1 << one]
    return Request(
        action=rows.MODIFY,
        order=order.ticket,
        price=price,
        stoplimit=limit,
        sl=stop,
        tp=target,
        type_time=order.time if again else rng.choice(kinds),
        expiration_ms=order.expiration_ms
        if again
        else account.now_ms + rng.randrange(60_000, DAY_MS),
    )


def _spoilt(rng: Random, account: Account, request: Request) -> Request:
    """One thing of a request made wrong, or at least odd."""
    symbol = account.symbols.get(request.symbol, account.broker.symbols[0])
    other = rng.choice([*account.broker.symbols[:2], None])
    tickets = [*account.positions, *account.orders, 999, 0]
    half = float(symbol.point / 2)
    spoils: list[dict[str, Any]] = [
        {"volume": 0.0},
        {"volume": float(symbol.volume_step / 2)},
        {"volume": request.volume + float(symbol.volume_step / 3)},
        {"volume": -request.volume},
        {"volume": float(symbol.volume_max) + float(symbol.volume_step)},
        {"volume": request.volume * 10},
        {"volume": float(symbol.volume_max)},
        {"price": 0.0},
        {"price": -request.price},
        {"price": request.price + half},
        {"price": request.price + half / 1e7},
        {"price": request.price * 1.001},
        {"price": float(_price(rng, account, symbol, 1))},
        {"stoplimit": request.price},
        {"stoplimit": 0.0},
        {"stoplimit": request.price + half},
        {"sl": float(_price(rng, account, symbol, rng.choice((1, -1))))},
        {"tp": float(_price(rng, account, symbol, rng.choice((1, -1))))},
        {"sl": request.tp, "tp": request.sl},
        {"sl": request.price + half},
        {"tp": request.price + half},
        {"sl": -1.0},
        {"sl": 0.0, "tp": 0.0},
        {"symbol": "NOSUCH"},
        {"symbol": other.name if other else ""},
        {"action": 0},
        {"action": rng.choice((1, 5, 6, 7, 8, 10))},
        {"type": rng.randrange(9)},
        {"type_filling": rng.randrange(4)},
        {"type_time": rng.randrange(5)},
        {"expiration_ms": account.now_ms},
        {"expiration_ms": 0, "type_time": rng.choice((2, 3))},
        {"order": rng.choice(tickets)},
        {"position": rng.choice(tickets)},
        {"position": rng.choice(tickets), "position_by": rng.choice(tickets)},
        {"comment": "x" * rng.randrange(15, 40)},
        {"deviation": 0},
    ]
    return replace(request, **rng.choice(spoils))
