"""A small market and decisions of every kind for it, written as files: what the sweeps run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onefill.replay.generate import generate_ticks, write_csv
from onefill.terminal.simulator.ticks import TickSeries

START_MS = 1_772_409_600_000  # a Monday, 00:00 UTC
FAULTS = (
    "lost_reply=0.2,late_execution=0.1,partial=0.15,requote=0.2,reject=0.05,hang=0.1,disconnect=0.1"
)
STRANGE_FAULTS = (
    "lost_reply=0.2,late_execution=0.15,partial=0.2,requote=0.15,reject=0.05,hang=0.1,"
    "disconnect=0.1,rewritten_comment=0.2,stale_history=0.3,early_cancel=0.1,activation_reject=0.2"
)
_TICKS = 300
_DIGITS = {"EURUSD": 5, "XAUUSD": 3}
_PRICES = {"EURUSD": 1.0850, "XAUUSD": 2350.0}
_LOTS = {"EURUSD": 0.1, "XAUUSD": 0.02}

Line = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """What one run is made from. `config` overrides the engine's settings."""

    name: str
    seed: int = 1
    faults: str = ""
    config: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write ticks and orders into a folder; what a victim is told to run, as JSON values."""
        series = {
            symbol: generate_ticks(symbol, digits, START_MS, _TICKS, self.seed, _PRICES[symbol])
            for symbol, digits in _DIGITS.items()
        }
        ticks = []
        for symbol, one in series.items():
            path = folder / f"{symbol}.csv"
            write_csv(one, _DIGITS[symbol], path)
            ticks.append(str(path))
        orders = folder / "orders.jsonl"
        orders.write_text("".join(json.dumps(line) + "\n" for line in decisions(series)))
        return {
            "ticks": ticks,
            "orders": str(orders),
            "faults": self.faults,
            "seed": self.seed,
            "config": self.config,
        }


#: The sweeps' four: a broker that behaves; one that does not; one that misbehaves in every way;
#: one that cannot be looked into for long enough, so that orders end in quarantine.
QUIET = Scenario("quiet", seed=1)
FAULTY = Scenario("faulty", seed=2, faults=FAULTS)
STRANGE = Scenario("strange", seed=127, faults=STRANGE_FAULTS)
HOPELESS = Scenario(
    "hopeless", seed=3, faults="hang=0.3,lost_reply=0.2", config={"quarantine_after_ms": 15_000}
)


def decisions(series: dict[str, TickSeries]) -> list[Line]:
    """Every action and order type, right ones and wrong ones, several at one instant."""
    eur, gold = _Desk(series["EURUSD"]), _Desk(series["XAUUSD"])
    return [
        eur.market("m1", 1, "buy", loss=400, gain=600),
        gold.market("m2", 1, "sell"),
        eur.market("m3", 1, "sell", comment="of the same instant"),
        eur.market("wrong-volume", 1, "buy") | {"volume": 0.015},
        eur.pending("far-limit", 2, "buy", "limit", -900),
        eur.pending("near-limit", 2, "sell", "limit", 6),
        eur.pending("near-stop", 2, "buy", "stop", 6, magic=7),
        eur.pending("stop-limit", 2, "buy", "stop_limit", 9) | eur.limit(2, 8),
        eur.pending("short-lived", 2, "sell", "limit", 800) | {"expiration": at(30)},
        eur.pending("wrong-side", 2, "buy", "limit", 900),
        {"client_key": "move-stop", "at": at(4), "action": "modify", "target": "m1"}
        | {"stop_loss": eur.price(4, -500)},
        {"client_key": "move-limit", "at": at(4), "action": "modify", "target": "far-limit"}
        | {"price": eur.price(4, -1000)},
        {"client_key": "half", "at": at(6), "action": "close", "target": "m1", "volume": 0.05},
        eur.market("tight", 8, "sell", loss=25, gain=20),
        gold.market("m4", 8, "buy") | {"volume": 0.05},
        {"client_key": "take-back", "at": at(9), "action": "cancel", "target": "far-limit"},
        {"client_key": "nobody", "at": at(9), "action": "close", "target": "never-was"},
        eur.market("held", 10, "buy"),
        {"client_key": "take-back-held", "at": at(10.5), "action": "cancel", "target": "held"},
        gold.market("late", 11, "buy") | {"expires_at": at(12)},
        gold.market("too-late", 13, "buy") | {"expires_at": at(12)},
        {"client_key": "rest", "at": at(20), "action": "close", "target": "m1"},
        eur.market("m5", 40, "buy", loss=300),
        {"client_key": "all-eur", "at": at(60), "action": "close_all", "symbol": "EURUSD"},
        gold.market("m6", 70, "sell"),
        {"client_key": "all", "at": at(80), "action": "close_all"},
        eur.pending("stays", 90, "sell", "limit", 900),
    ]


def at(seconds: float) -> int:
    """Unix ms of so many seconds into the market."""
    return START_MS + round(seconds * 1_000)


class _Desk:
    """Drafts orders of one symbol, priced in points from the quote of their moment."""

    def __init__(self, ticks: TickSeries) -> None:
        self._ticks = ticks
        self._digits = _DIGITS[ticks.symbol]

    def price(self, seconds: float, points: int) -> float:
        """So many points from the middle at that moment."""
        now = int(self._ticks.time_ms.searchsorted(at(seconds), "right")) - 1
        middle = (int(self._ticks.bid[now]) + int(self._ticks.ask[now])) // 2
        return (middle + points) / 10.0**self._digits

    def limit(self, seconds: float, points: int) -> Line:
        """The second price of a stop limit."""
        return {"stop_limit_price": self.price(seconds, points)}

    def market(
        self,
        key: str,
        seconds: float,
        side: str,
        *,
        loss: int = 0,
        gain: int = 0,
        comment: str = "",
    ) -> Line:
        """An order at the market, with stops at a distance in points."""
        sign = 1 if side == "buy" else -1
        line = self._line(key, seconds, side)
        if loss:
            line["stop_loss"] = self.price(seconds, -sign * loss)
        if gain:
            line["take_profit"] = self.price(seconds, sign * gain)
        return line | ({"comment": comment} if comment else {})

    def pending(
        self, key: str, seconds: float, side: str, kind: str, points: int, magic: int = 0
    ) -> Line:
        """An order that waits at a distance in points."""
        line = self._line(key, seconds, side)
        return line | {"order_type": kind, "price": self.price(seconds, points), "magic": magic}

    def _line(self, key: str, seconds: float, side: str) -> Line:
        symbol = self._ticks.symbol
        return {
            "client_key": key,
            "at": at(seconds),
            "symbol": symbol,
            "side": side,
            "volume": _LOTS[symbol],
        }
