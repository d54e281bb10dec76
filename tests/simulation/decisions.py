"""Seeded decisions for a seeded market: orders of every kind, at moments and levels that hurt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import msgspec

from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.terminal.simulator.ticks import TickSeries

DIGITS = {"EURUSD": 5, "GBPUSD": 5, "USDJPY": 3}
_LOTS = (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.5)
_MAGICS = (0, 0, 7)


@dataclass(frozen=True, slots=True)
class Decision:
    """An intent and when it arrives (Unix ms)."""

    at_ms: int
    intent: OrderIntent


def decide(seed: int, markets: list[TickSeries], count: int) -> list[Decision]:
    """At least `count` decisions, in order of arrival; the same arguments give the same ones."""
    return _Author(seed, markets).write(count)


class _Author:
    def __init__(self, seed: int, markets: list[TickSeries]) -> None:
        self._draw = random.Random(f"decisions {seed}")
        self._markets = markets
        self._made: list[Decision] = []
        self._first_ms = int(markets[0].time_ms[0]) + 1_000
        self._last_ms = int(markets[0].time_ms[-1]) - 5_000

    def write(self, count: int) -> list[Decision]:
        at_ms = self._first_ms
        step = (self._last_ms - self._first_ms) * 2 // count
        while len(self._made) < count:
            at_ms += self._draw.randint(0, step)
            if self._draw.random() < 0.18:
                self._burst(at_ms)
            else:
                self._one(at_ms)
        return sorted(self._made, key=lambda decision: decision.at_ms)

    def _burst(self, at_ms: int) -> None:
        """Several at the same millisecond: they press on the limits together, and look alike."""
        alike = self._draw.random() < 0.5
        first = self._opening(at_ms)
        for number in range(self._draw.randint(3, 7)):
            if number and not alike:
                first = self._opening(at_ms)
            self._add(at_ms, msgspec.structs.replace(first, client_key=self._key()))
        if self._draw.random() < 0.6:  # the burst's last one may be held back still
            last = self._made[-1].intent.client_key
            cancel = OrderIntent(client_key=self._key(), action=Action.CANCEL, target=last)
            self._add(at_ms + self._draw.choice([0, 50, 500]), cancel)

    def _one(self, at_ms: int) -> None:
        draw = self._draw.random()
        if draw < 0.50 or not self._made:
            self._add(at_ms, self._opening(at_ms))
        elif draw < 0.62:
            self._add(at_ms, self._close())
        elif draw < 0.73:
            self._add(at_ms, self._modify(at_ms))
        elif draw < 0.84:
            self._add(at_ms, self._aimed(Action.CANCEL))
        elif draw < 0.87:
            symbol = self._draw.choice(["", self._market().symbol])
            self._add(
                at_ms,
                OrderIntent(client_key=self._key(), action=Action.CLOSE_ALL, symbol=symbol),
            )
        elif draw < 0.95:
            self._repeat(at_ms)
        else:
            self._stale(at_ms)

    def _add(self, at_ms: int, intent: OrderIntent) -> None:
        self._made.append(Decision(at_ms, intent))

    def _key(self) -> str:
        return f"k{len(self._made) + 1:03d}"

    def _market(self) -> TickSeries:
        return self._draw.choice(self._markets)

    def _repeat(self, at_ms: int) -> None:
        """A key comes again: with what it said before, or with something else."""
        earlier = self._draw.choice(self._made[-12:]).intent
        if self._draw.random() < 0.35:
            earlier = msgspec.structs.replace(earlier, comment="something else")
        self._add(at_ms + self._draw.choice([0, 0, 700]), earlier)

    def _stale(self, at_ms: int) -> None:
        """An order that has expired when it arrives, or does so soon."""
        opening = self._opening(at_ms)
        expires = at_ms + self._draw.choice([-1, 0, 1, 300, 400, 450])
        self._add(at_ms, msgspec.structs.replace(opening, expires_at_ms=expires))

    def _aimed(self, action: Action, **more: Any) -> OrderIntent:
        """An intent about an earlier order, mostly a recent one: it may still be in flight."""
        recent = self._made[-8:] if self._draw.random() < 0.75 else self._made
        opened = [d for d in recent if d.intent.action is Action.OPEN] or recent
        if action is Action.CANCEL and self._draw.random() < 0.7:
            pending = [d for d in opened if d.intent.order_type is not OrderType.MARKET]
            opened = pending or opened
        target = self._draw.choice(opened).intent.client_key
        expires = self._draw.choice([None, None, None, opened[-1].at_ms + 20_000])
        return OrderIntent(
            client_key=self._key(), action=action, target=target, expires_at_ms=expires, **more
        )

    def _close(self) -> OrderIntent:
        part = self._draw.choice([None, None, 0.05, 0.1])
        return self._aimed(Action.CLOSE, volume=part)

    def _modify(self, at_ms: int) -> OrderIntent:
        change = self._aimed(Action.MODIFY)
        meant = next(d.intent for d in self._made if d.intent.client_key == change.target)
        market = next((m for m in self._markets if m.symbol == meant.symbol), self._markets[0])
        quote = _quote(market, at_ms)
        side = meant.side or Side.BUY
        away = self._draw.randint(25, 150)
        levels: dict[str, float] = {"stop_loss": _price(market, quote - side.sign * away)}
        if self._draw.random() < 0.5:
            levels["take_profit"] = _price(market, quote + side.sign * away)
        if meant.order_type is not OrderType.MARKET and meant.price and self._draw.random() < 0.4:
            levels = {"price": _price(market, _points(market, meant.price) + 3)}
        return msgspec.structs.replace(change, **levels)

    def _opening(self, at_ms: int) -> OrderIntent:
        market = self._market()
        side = self._draw.choice(list(Side))
        kind = self._draw.choice([OrderType.MARKET] * 5 + [*OrderType][1:] + [OrderType.LIMIT])
        quote = _quote(market, at_ms)
        fields: dict[str, Any] = {}
        entry = quote
        if kind is not OrderType.MARKET:
            away = self._draw.randint(12, 60)
            # Behind the market for a limit, ahead of it for the stops.
            entry = quote - side.sign * away * (1 if kind is OrderType.LIMIT else -1)
            fields["price"] = _price(market, entry)
            if kind is OrderType.STOP_LIMIT:
                entry -= side.sign * self._draw.randint(3, 10)
                fields["stop_limit_price"] = _price(market, entry)
            if self._draw.random() < 0.4:
                seconds = self._draw.choice([1, 2, 3, 5, 20, 60, 120])
                fields["expiration_ms"] = at_ms + seconds * 1_000
        if self._draw.random() < 0.6:
            fields["stop_loss"] = _price(market, entry - side.sign * self._draw.randint(25, 120))
            fields["take_profit"] = _price(market, entry + side.sign * self._draw.randint(25, 120))
        if self._draw.random() < 0.15:
            fields["expires_at_ms"] = at_ms + self._draw.randint(1, 30) * 1_000
        if self._draw.random() < 0.3:
            fields["comment"] = "a note that is longer than brokers keep"
        return OrderIntent(
            client_key=self._key(),
            action=Action.OPEN,
            symbol=market.symbol,
            side=side,
            order_type=kind,
            volume=self._draw.choice(_LOTS),
            magic=self._draw.choice(_MAGICS),
            deviation=200,
            **fields,
        )


def _quote(market: TickSeries, at_ms: int) -> int:
    place = max(0, int(market.time_ms.searchsorted(at_ms, "right")) - 1)
    middle: int = (int(market.bid[place]) + int(market.ask[place])) // 2
    return middle


def _points(market: TickSeries, price: float) -> int:
    points: int = round(price * 10 ** DIGITS[market.symbol])
    return points


def _price(market: TickSeries, points: int) -> float:
    price: float = points / 10 ** DIGITS[market.symbol]
    return price
