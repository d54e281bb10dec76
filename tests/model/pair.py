"""The simulator and the model side by side: the same ticks, the same requests; and everything that
each of them shows, compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from traceback import format_exc
from typing import Any

from onefill.model.resolved import BrokerRequest
from onefill.runtime.draws import Draws
from onefill.terminal.port import Reply
from onefill.terminal.port import Request as Call
from onefill.terminal.simulator.faults import parse_faults
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.model.brokers import profile_of
from tests.model.draw import Step, draw
from tests.model.market import BEGIN_MS, Tick, series_of
from tests.model.reference import margin
from tests.model.reference.rows import Deal, Luck, Order, Request, sign_of
from tests.model.reference.server import Server
from tests.model.reference.terms import DAY_MS, Broker, Number, exact

OPENED_MS = (BEGIN_MS // DAY_MS - 30) * DAY_MS

Shown = dict[str, Any]


@dataclass(slots=True)
class Difference:
    """Where the two do not agree, and what led there."""

    place: int
    step: Step
    seen: Shown
    expected: Shown

    def told(self) -> str:
        """Only what differs, whole."""
        lines = [f"step {self.place}: {self.step.label}: {_request(self.step)}"]
        for name in sorted(self.seen.keys() | self.expected.keys()):
            seen, expected = self.seen.get(name), self.expected.get(name)
            if seen != expected:
                lines += [f"  {name}:", *_unlike(seen, expected)]
        return "\n".join(lines)


def _unlike(seen: Any, expected: Any) -> list[str]:
    """Both, and the fields that differ where both have them."""
    lines = [f"    simulator {seen}", f"    model     {expected}"]
    if isinstance(seen, list) and isinstance(expected, list):
        seen, expected = dict(enumerate(seen)), dict(enumerate(expected))
    if isinstance(seen, dict) and isinstance(expected, dict):
        for name in sorted(seen.keys() | expected.keys()):
            one, other = seen.get(name), expected.get(name)
            if one != other:
                if isinstance(one, dict) and isinstance(other, dict):
                    fields = [field for field in one if one[field] != other.get(field)]
                    one = {field: one[field] for field in fields}
                    other = {field: other.get(field) for field in fields}
                lines.append(f"    {name}: simulator {one}, model {other}")
    return lines


class Pair:
    """One account twice."""

    def __init__(self, broker: Broker, ticks: list[Tick], faults: str = "") -> None:
        """`faults`: those of the simulator that are the market's; the model is told what they do
        to each order."""
        self._broker = broker
        self._profile, self._series = profile_of(broker), series_of(broker, ticks)
        draws = Draws(self._profile.broker.seed)
        self.server = Server(
            broker, OPENED_MS, lambda most, ticket: draws.between(0, most, "slippage", ticket)
        )
        self._faults = parse_faults(faults) if faults else None
        self._folder = TemporaryDirectory()
        self.terminal = self._started()
        self._ticks = ticks
        self._next = 0
        self._cursor = self._told = 0

    def close(self) -> None:
        """Let go."""
        self.terminal.close()
        self._folder.cleanup()

    def _started(self) -> SimulatedTerminal:
        """The simulator from its book, as far as there is one."""
        return SimulatedTerminal(
            self._profile,
            self._series,
            currency=self._broker.currency,
            balance=float(self._broker.balance),
            leverage=self._broker.leverage,
            faults=self._faults,
            book=Path(self._folder.name) / "broker.log",
        )

    def take(self, place: int, at_ms: int, seed: int) -> tuple[Step, Shown, Difference | None]:
        """Let time pass to a step, take it, and compare."""
        self._pass_to(at_ms)
        step = draw(Random(seed), self.server.account)
        key = str(seed)
        expected = self._expected(step, key)
        try:
            seen = self._seen(step, at_ms, key)
        except Exception:  # noqa: BLE001  - whatever it is, it is told with what led there
            return step, expected, Difference(place, step, {"crash": format_exc()}, {})
        answer = expected
        expected, seen = expected | self._model_shows(), seen | self._simulator_shows()
        return step, answer, None if seen == expected else Difference(place, step, seen, expected)

    def _pass_to(self, at_ms: int) -> None:
        ticks = self._ticks
        while self._next < len(ticks) and ticks[self._next].at_ms <= at_ms:
            tick = ticks[self._next]
            point = tick.symbol.point
            self.server.tick(tick.symbol.name, tick.bid * point, tick.ask * point, tick.at_ms)
            self._next += 1
        self.server.pass_to(at_ms)

    # What is answered.

    def _expected(self, step: Step, key: str) -> Shown:
        server, request = self.server, step.request
        if step.what == "send":
            answer = server.send(request, self._luck(request, key))
            if answer is None:
                return {"answer": None}
            return {"answer": _plain(answer, "opens")}
        if step.what == "check":
            check = server.check(request)
            if check is None:
                return {"answer": None}
            told = _plain(check)
            return {"answer": told | {"margin_level": round(told["margin_level"], 6)}}
        if step.what == "history":
            begin, end = step.window
            rows = server.account.history
            shown = [one for one in rows if begin <= _over_ms(one) <= end]
            return {"answer": _tickets(shown)}
        if step.what == "position":
            rows = server.account.history
            mine = [one for one in rows if one.position_id == step.position]
            return {"answer": _tickets(mine)}
        if step.what in ("nothing", "restart"):
            return {"answer": None}
        return {"answer": self._calculated(step)}

    def _luck(self, request: Request, key: str) -> Luck:
        if self._faults is None:
            return Luck()
        fate = self._faults.mishap(_asked(request), key, 1).fate
        return Luck(fate.parts, fate.nothing)

    def _calculated(self, step: Step) -> float | None:
        account, request = self.server.account, step.request
        symbol, sign = account.symbols[request.symbol], sign_of(request.type)
        if not account.money.is_quoted(symbol):
            return None
        volume, price = exact(request.volume), exact(request.price)
        if step.what == "margin":
            return float(margin.of_deal(account, symbol, sign, volume, price))
        close = account.quotes[symbol.name].closing(sign)
        return float(account.money.profit(symbol, sign, volume, price, close))

    def _seen(self, step: Step, at_ms: int, key: str) -> Shown:
        request = step.request
        if step.what in ("send", "check"):
            name = f"order_{step.what}"
            reply = self._call(name, {"request": _asked(request)}, at_ms, key)
            if reply.value is None:
                assert reply.error[0] == -2, reply
                return {"answer": None}
            told = {name: getattr(reply.value, name) for name in reply.value.__struct_fields__}
            told.pop("retcode_external", None)
            if step.what == "check":  # a quotient, which nobody rounds
                told["margin_level"] = round(told["margin_level"], 6)
            return {"answer": told}
        if step.what in ("history", "position"):
            window = {"from_ms": step.window[0], "to_ms": step.window[1]}
            if step.what == "position":
                window = {"position": step.position}
            orders = self._call("history_orders_get", window, at_ms).value
            deals = self._call("history_deals_get", window, at_ms).value
            return {"answer": ([one.ticket for one in orders], [one.ticket for one in deals])}
        if step.what == "nothing":
            self._call("account_info", {}, at_ms)
            return {"answer": None}
        if step.what == "restart":
            self._call("account_info", {}, at_ms)
            self.terminal.close()
            self.terminal = self._started()
            self._call("account_info", {}, at_ms)
            return {"answer": None}
        more = {"price": request.price}
        if step.what == "profit":
            tick = self._call("symbol_info_tick", {"symbol": request.symbol}, at_ms).value
            close = (tick.ask if request.type else tick.bid) if tick else 1.0
            more = {"price_open": request.price, "price_close": close}
        terms = {"action": request.type, "symbol": request.symbol, "volume": request.volume}
        return {"answer": self._call(f"order_calc_{step.what}", terms | more, at_ms).value}

    def _call(self, name: str, arguments: dict[str, Any], at_ms: int = 0, key: str = "") -> Reply:
        call = Call(name, arguments, key=key, attempt=1)
        reply = self.terminal.call(call, max(at_ms, self.terminal.now_ms))
        assert isinstance(reply, Reply), reply
        return reply

    # What is to be seen after it.

    def _model_shows(self) -> Shown:
        account = self.server.account
        new = account.history[self._told :]
        self._told = len(account.history)
        floating, bound = account.floating(), account.margin()
        equity = account.balance + floating
        return {
            "time": account.now_ms,
            "balance": float(account.balance),
            "equity": float(equity),
            "margin": float(bound),
            "margin_free": float(equity - bound),
            "floating": float(floating),
            "next order": account.next_order,
            "orders": {one.ticket: _order(one) for one in account.orders.values()},
            "positions": {
                one.ticket: {
                    **_plain(one, "margin_rate"),
                    "profit": float(account.profit_of(one)),
                    "price_current": float(account.quotes[one.symbol].closing(one.sign)),
                }
                for one in account.positions.values()
            },
            "deals": [_plain(one) for one in new if isinstance(one, Deal)],
            "finished": [_order(one) for one in new if isinstance(one, Order)],
        }

    def _simulator_shows(self) -> Shown:
        account = self._call("account_info", {}).value
        changes = self._call("changes", {"cursor": self._cursor}).value
        self._cursor = changes.cursor
        return {
            "time": self.terminal.now_ms,
            "balance": account.balance,
            "equity": account.equity,
            "margin": account.margin,
            "margin_free": account.margin_free,
            "floating": account.profit,
            "next order": self._call("ready", {}).value.last_ticket + 1,
            "orders": {one.ticket: _order_row(one) for one in self._call("orders_get", {}).value},
            "positions": {
                one.ticket: _position_row(one) for one in self._call("positions_get", {}).value
            },
            "deals": [_deal_row(one) for one in changes.deals],
            "finished": [_order_row(one) for one in changes.orders],
        }


def _asked(request: Request) -> BrokerRequest:
    return BrokerRequest(**_plain(request))


def _tickets(rows: list[Order | Deal]) -> tuple[list[int], list[int]]:
    """Of the orders, and of the deals."""
    orders = [row.ticket for row in rows if isinstance(row, Order)]
    return orders, [row.ticket for row in rows if isinstance(row, Deal)]


def _over_ms(row: Order | Deal) -> int:
    return row.done_ms if isinstance(row, Order) else row.time_ms


def _plain(row: Any, hidden: str = "") -> dict[str, Any]:
    """A row's fields, the exact numbers as the simulator tells them: the nearest float."""
    told = {}
    for name in row.__slots__:
        if name != hidden:
            value = getattr(row, name)
            told[name] = float(value) if type(value) is Number else value
    return told


def _order(order: Order) -> dict[str, Any]:
    return _plain(order, "luck")


def _order_row(row: Any) -> dict[str, Any]:
    return {
        "ticket": row.ticket,
        "symbol": row.symbol,
        "type": row.type,
        "state": row.state,
        "magic": row.magic,
        "volume": row.volume_initial,
        "rest": row.volume_current,
        "price": row.price_open,
        "sl": row.sl,
        "tp": row.tp,
        "stoplimit": row.price_stoplimit,
        "comment": row.comment,
        "setup_ms": row.setup_ms,
        "done_ms": row.done_ms,
        "expiration_ms": row.expiration_ms,
        "position_id": row.position_id,
        "position_by_id": row.position_by_id,
        "filling": row.type_filling,
        "time": row.type_time,
        "reason": row.reason,
    }


def _position_row(row: Any) -> dict[str, Any]:
    names = (
        "ticket", "identifier", "symbol", "magic", "volume", "sl", "tp", "comment", "time_ms",
        "update_ms", "swap", "reason", "profit", "price_current",
    )  # fmt: skip
    told = {name: getattr(row, name) for name in names}
    return {**told, "sign": 1 - 2 * row.type, "price": row.price_open}


_DEAL = (
    "ticket", "order", "position_id", "symbol", "type", "entry", "magic", "reason", "volume",
    "price", "profit", "commission", "swap", "fee", "comment", "time_ms",
)  # fmt: skip


def _deal_row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _DEAL}


def _request(step: Step) -> str:
    if step.what not in ("send", "check"):
        return step.what
    given = {name: value for name, value in _plain(step.request).items() if value}
    return f"{step.what} {given}"
