"""What every way to a terminal does alike: one suite for the port, whoever answers it.

It trades the smallest volume of one symbol, at prices relative to the quote, and takes away what it
leaves: a demo account can be tested as it is, with positions of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onefill.execution.drivers.live import LiveTerminal
from onefill.model.market import MarketView
from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.model.volume import to_lots
from onefill.terminal import port
from onefill.terminal.filling import market_filling
from onefill.terminal.port import (
    AccountRow,
    Changes,
    DealRow,
    OrderRow,
    PositionRow,
    Ready,
    Reply,
    Request,
    SendResult,
    Tick,
)
from tests.contract.ports import ADAPTERS, LOGIN, REAL, SERVER, real_session, why_not

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAGIC = 987_654_321
#: How far from the market pending orders and stops are put, as a part of the price.
FAR = 0.02
#: How long a real broker's history may take to show what happened.
PATIENCE_S = 60.0


class Bench:
    """A terminal, a symbol, and short words for calls."""

    def __init__(self, terminal: LiveTerminal, kind: str) -> None:
        self.terminal = terminal
        self.real = kind == REAL
        self.symbol = os.environ.get("MT5_SYMBOL", "EURUSD") if self.real else "EURUSD"
        self.epoch = 1
        self.terms: Symbol

    async def begin(self) -> None:
        """Wait for the first quote."""
        for _ in range(200):
            self.terms = await self.ask("symbol_info", symbol=self.symbol)
            tick = await self.ask("symbol_info_tick", symbol=self.symbol)
            if tick is not None and (await self.ask("ready")).synchronised:
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"no quote of {self.symbol} has come: is its market open?")

    async def call(self, name: str, *, epoch: int | None = None, not_after_ms: int | None = None,
                   **arguments: Any) -> Reply:  # fmt: skip
        deadline_ms = now_ms() + 10_000
        used = self.epoch if epoch is None else epoch
        return await self.terminal.call(Request(name, arguments, used, not_after_ms, deadline_ms))

    async def ask(self, name: str, **arguments: Any) -> Any:
        return (await self.call(name, **arguments)).value

    async def send(self, request: BrokerRequest, **more: Any) -> SendResult:
        reply = await self.call("order_send", request=request, **more)
        assert isinstance(reply.value, SendResult), reply
        return reply.value

    async def deal(self, side: int = 0, lots: float = 0.0, **more: Any) -> BrokerRequest:
        tick: Tick = await self.ask("symbol_info_tick", symbol=self.symbol)
        filling = market_filling(self.terms.filling_flags, self.terms.execution_mode)
        assert filling is not None
        return BrokerRequest(
            action=port.ACTION_DEAL, symbol=self.symbol, magic=MAGIC, type=side,
            volume=lots or self.least, price=tick.bid if side else tick.ask, deviation=100,
            type_filling=filling, **more,
        )  # fmt: skip

    async def pending(self, below: float = FAR, **more: Any) -> BrokerRequest:
        """A buy limit, so far below the market (a part of the price)."""
        return BrokerRequest(
            action=port.ACTION_PENDING, symbol=self.symbol, magic=MAGIC, volume=self.least,
            type=port.TYPE_BUY_LIMIT, price=await self.price(-below),
            type_filling=port.FILLING_RETURN, **more,
        )  # fmt: skip

    @property
    def least(self) -> float:
        """The smallest volume, in lots."""
        return to_lots(self.terms.volume_min_e8)

    async def price(self, away: float) -> float:
        """A price so far above the market (a part of it)."""
        tick: Tick = await self.ask("symbol_info_tick", symbol=self.symbol)
        return self.terms.price(self.terms.points(tick.ask * (1 + away)))

    async def own(self, name: str, **arguments: Any) -> list[Any]:
        """Rows that this suite made."""
        rows = await self.ask(name, **arguments)
        assert rows is not None
        return [row for row in rows if row.magic == MAGIC]

    async def history(self, name: str, count: int, **arguments: Any) -> list[Any]:
        """Rows of the history, as soon as there are so many."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            rows = await self.ask(name, **arguments)
            if len(rows) >= count or time.monotonic() > until_s:
                return list(rows)
            await asyncio.sleep(0.05)

    async def clean(self) -> None:
        """Close and remove what a test left."""
        for row in await self.own("positions_get"):
            closing = await self.deal(1 - row.type, row.volume, position=row.ticket)
            assert (await self.send(closing)).retcode == 10009
        for row in await self.own("orders_get"):
            removal = BrokerRequest(action=port.ACTION_REMOVE, order=row.ticket)
            assert (await self.send(removal)).retcode == 10009


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(params=list(ADAPTERS), scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    trouble = why_not(name)
    if trouble:
        pytest.skip(trouble)
    return name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    home: Path = tmp_path_factory.mktemp("port")
    async with ADAPTERS[kind](home) as terminal:
        bench = Bench(terminal, kind)
        await bench.begin()
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(opened: Bench) -> AsyncIterator[Bench]:
    yield opened
    await opened.clean()


async def test_it_tells_symbols_quotes_and_the_account(bench: Bench) -> None:
    symbol = await bench.ask("symbol_info", symbol=bench.symbol)
    assert isinstance(symbol, Symbol)
    assert symbol.contract_size > 0
    assert len(symbol.base) == len(symbol.profit) == 3
    tick = await bench.ask("symbol_info_tick", symbol=bench.symbol)
    assert isinstance(tick, Tick)
    assert 0 < tick.bid <= tick.ask < tick.bid * 1.01
    assert abs(tick.time_ms - now_ms()) < 60_000
    account = await bench.ask("account_info")
    assert isinstance(account, AccountRow)
    wanted = (LOGIN, SERVER)
    if bench.real:
        wanted = (real_session().login, real_session().server)
        assert account.trade_mode == 0, "this suite trades: it wants a demo account"
    assert (account.login, account.server) == wanted


async def test_a_look_shows_the_market_and_the_account_of_one_moment(bench: Bench) -> None:
    view = await bench.ask("look", symbol=bench.symbol)
    assert isinstance(view, MarketView)
    assert view.session_open
    assert abs(view.quote_ms - now_ms()) < 60_000
    assert view.point_value > 0
    assert view.margin_per_lot > 0
    account = await bench.ask("account_info")
    assert (view.balance, view.currency) == (account.balance, account.currency)
    if not bench.real:
        assert view.point_value == pytest.approx(1.0)
        assert view.margin_per_lot == pytest.approx(1_100, abs=1)


async def test_an_unknown_symbol_is_not_found_and_a_missing_argument_told(bench: Bench) -> None:
    assert (await bench.call("symbol_info", symbol="NOSUCH")).value is None
    assert (await bench.call("look", symbol="NOSUCH")).error[0] == -4
    reply = await bench.call("look")
    assert reply.value is None
    assert reply.error[0] == -2


async def test_it_is_ready_and_says_for_whom(bench: Bench) -> None:
    ready = await bench.ask("ready")
    assert isinstance(ready, Ready)
    assert (ready.connected, ready.trade_allowed, ready.synchronised) == (True, True, True)
    account = await bench.ask("account_info")
    assert (ready.login, ready.server) == (account.login, account.server)
    assert abs(ready.server_ms - now_ms()) < 60_000


async def test_a_deal_opens_a_position_and_its_opposite_closes_it(bench: Bench) -> None:
    baseline = (await bench.ask("ready")).last_ticket
    cursor = (await bench.ask("changes", cursor=0)).cursor
    opened = await bench.send(await bench.deal(comment="token text"))
    assert opened.retcode == 10009
    assert opened.order > baseline
    (position,) = await bench.own("positions_get", symbol=bench.symbol)
    assert isinstance(position, PositionRow)
    assert (position.ticket, position.identifier) == (opened.order, opened.order)
    assert (position.volume, position.comment) == (bench.least, "token text")
    assert abs(position.time_ms - now_ms()) < 60_000

    closed = await bench.send(await bench.deal(1, position=position.ticket))
    assert closed.retcode == 10009
    assert await bench.own("positions_get") == []
    deals = await bench.history("history_deals_get", 2, position=position.ticket)
    assert [(row.order, row.entry) for row in deals] == [(opened.order, 0), (closed.order, 1)]
    await bench.history("history_orders_get", 2, position=position.ticket)
    told = await bench.ask("changes", cursor=cursor)
    assert isinstance(told, Changes)
    fresh = [row for row in told.deals if row.order in (opened.order, closed.order)]
    assert [row.order for row in fresh] == [opened.order, closed.order]
    assert {row.ticket for row in told.orders} >= {opened.order, closed.order}
    again = await bench.ask("changes", cursor=told.cursor)
    assert not again.deals


async def test_history_is_searched_in_windows_of_utc(bench: Bench) -> None:
    opened = await bench.send(await bench.deal())
    await bench.history("history_deals_get", 1, position=opened.order)
    window = {"from_ms": now_ms() - 60_000, "to_ms": now_ms() + 60_000}
    orders = await bench.ask("history_orders_get", **window)
    deals = await bench.ask("history_deals_get", **window)
    assert opened.order in [row.ticket for row in orders if isinstance(row, OrderRow)]
    assert opened.order in [row.order for row in deals if isinstance(row, DealRow)]
    before = {"from_ms": now_ms() - 7_200_000, "to_ms": now_ms() - 3_600_000}
    earlier = await bench.ask("history_orders_get", **before)
    assert opened.order not in [row.ticket for row in earlier]


async def test_a_pending_order_is_placed_changed_and_removed(bench: Bench) -> None:
    first, second = await bench.price(-2 * FAR), await bench.price(-1.5 * FAR)
    placed = await bench.send(await bench.pending(sl=first))
    assert (placed.retcode, placed.deal) == (10009, 0)
    (row,) = await bench.ask("orders_get", ticket=placed.order)
    assert (row.sl, row.volume_current) == (first, bench.least)
    expires_ms = (now_ms() // 60_000 + 60) * 60_000
    changed = await bench.send(
        BrokerRequest(
            action=port.ACTION_MODIFY,
            order=placed.order,
            symbol=bench.symbol,
            price=second,
            type_time=port.TIME_SPECIFIED,
            expiration_ms=expires_ms,
        )
    )
    assert changed.retcode == 10009
    (row,) = await bench.own("orders_get", symbol=bench.symbol)
    assert (row.price_open, row.sl) == (second, 0.0)
    assert abs(row.expiration_ms - expires_ms) < 1_000
    removed = await bench.send(BrokerRequest(action=port.ACTION_REMOVE, order=placed.order))
    assert removed.retcode == 10009
    assert await bench.own("orders_get") == []
    (ended,) = await bench.history("history_orders_get", 1, ticket=placed.order)
    assert ended.state == port.STATE_CANCELED


async def test_stops_of_a_position_are_changed_and_the_same_again_is_said_so(bench: Bench) -> None:
    opened = await bench.send(await bench.deal())
    low, high = await bench.price(-FAR), await bench.price(FAR)
    stops = BrokerRequest(
        action=port.ACTION_SLTP, symbol=bench.symbol, position=opened.order, sl=low, tp=high
    )
    assert (await bench.send(stops)).retcode == 10009
    (position,) = await bench.ask("positions_get", ticket=opened.order)
    assert (position.sl, position.tp) == (low, high)
    assert (await bench.send(stops)).retcode == 10025


@pytest.mark.parametrize(
    ("what", "retcode"),
    [("volume", 10014), ("stops", 10016), ("price", 10015), ("position", 10036), ("order", 10013)],
)
async def test_a_refusal_is_the_broker_s_and_leaves_nothing(
    bench: Bench, what: str, retcode: int
) -> None:
    refused = await bench.send(await _wrong(bench, what))
    assert (refused.retcode, refused.order, refused.deal) == (retcode, 0, 0)
    assert await bench.own("positions_get") == []
    assert await bench.own("orders_get") == []


async def _wrong(bench: Bench, what: str) -> BrokerRequest:
    if what == "volume":
        return await bench.deal(lots=bench.least * 1.5)
    if what == "stops":
        return await bench.deal(sl=await bench.price(FAR))
    if what == "price":
        return await bench.pending(below=-FAR)
    if what == "position":
        return await bench.deal(1, position=999)
    return BrokerRequest(action=port.ACTION_REMOVE, order=999)


async def test_a_call_after_its_time_sends_nothing(bench: Bench) -> None:
    request = await bench.deal()
    late = await bench.call("order_send", request=request, not_after_ms=now_ms() - 1_000)
    assert (late.value, late.error[0]) == (None, port.TOO_LATE)
    assert await bench.own("positions_get") == []
    in_time = await bench.call("order_send", request=request, not_after_ms=now_ms() + 5_000)
    assert in_time.value.retcode == 10009


async def test_an_older_engine_is_shut_out_for_ever(bench: Bench) -> None:
    older = bench.epoch
    bench.epoch += 6
    assert (await bench.send(await bench.deal())).retcode == 10009
    request = await bench.deal()
    stale = await bench.call("order_send", request=request, epoch=older)
    assert (stale.value, stale.error[0]) == (None, port.STALE_EPOCH)
    assert len(await bench.own("positions_get")) == 1


async def test_margin_and_profit_are_reckoned(bench: Bench) -> None:
    price = await bench.price(0.0)
    asked = {"action": 0, "symbol": bench.symbol, "volume": 1.0}
    view: MarketView = await bench.ask("look", symbol=bench.symbol)
    margin = await bench.ask("order_calc_margin", **asked, price=price)
    assert margin == pytest.approx(view.margin_per_lot, rel=0.01)
    higher = bench.terms.price(bench.terms.points(price) + 1_000)
    profit = await bench.ask("order_calc_profit", **asked, price_open=price, price_close=higher)
    assert profit == pytest.approx(1_000 * view.point_value, rel=0.05)
