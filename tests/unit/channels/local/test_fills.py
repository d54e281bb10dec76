"""Fills: in whole, in part, slipped; a live position is never told as rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.terminal import port
from onefill.terminal.port import Reply, Request, SendResult
from tests.unit.channels.local.desk import Desk, Doctored, decision


def _filled(terminal: Doctored, share: float) -> None:
    """The broker fills a share and cancels the rest, as an immediate-or-cancel order."""

    def send(request: Request, really: Any) -> Reply:
        whole = request.arguments["request"]
        lots = round(whole.volume * share, 2)
        part = msgspec.structs.replace(whole, volume=lots)
        reply = terminal.simulated.call(
            request._replace(arguments={"request": part}), terminal.simulated.now_ms
        )
        assert isinstance(reply, Reply)
        result: SendResult = reply.value
        terminal.rules["history_orders_get"] = lambda ask, rows: _cancelled(rows(), whole.volume)
        return Reply(msgspec.structs.replace(result, retcode=10010), reply.error)

    def _cancelled(reply: Reply, asked: float) -> Reply:
        rows = tuple(
            msgspec.structs.replace(
                row,
                state=port.STATE_CANCELED,
                volume_current=round(asked - row.volume_initial, 2),
                volume_initial=asked,
            )
            for row in reply.value
        )
        return Reply(rows, reply.error)

    terminal.rules["order_send"] = send


@pytest.mark.parametrize(
    ("share", "status", "reason"),
    [
        (0.99, "filled", None),
        (0.95, "partially_filled", None),
        (0.90, "partially_filled", None),
        (0.89, "partially_filled", "insufficient_fill"),
        (0.5, "partially_filled", "insufficient_fill"),
    ],
)
def test_a_fill_in_part_is_told_by_its_share_and_never_as_rejected(
    desk: Desk, share: float, status: str, reason: str | None
) -> None:
    terminal = desk.terminal()
    _filled(terminal, share)
    done = desk.engine.execute(decision(units=100_000))

    assert (done.status, done.rejection_reason) == (status, reason), done
    assert done.executed_units == pytest.approx(100_000 * share)
    assert done.position_ticket
    assert "lots filled" in (done.rejection_details or "")


def test_slippage_beyond_the_limit_is_told_and_the_position_stays(tmp_path: Path) -> None:
    with Desk(tmp_path, max_slippage_pips=2.0) as desk:
        terminal = desk.terminal()

        def slip(request: Request, really: Any) -> Reply:
            reply = really()
            rows = tuple(msgspec.structs.replace(row, price=1.1006) for row in reply.value)
            return Reply(rows, reply.error)

        terminal.rules["history_deals_get"] = slip
        done = desk.engine.execute(decision())

    assert (done.status, done.rejection_reason) == ("filled", "slippage_exceeded")
    assert (done.slippage_pips, done.executed_units) == (5.0, 10_000)
    assert "position is open and was kept" in (done.rejection_details or "")


@pytest.mark.parametrize(
    ("symbol", "units", "price"), [("USDJPY", 10_000, 150.05), ("XAUUSD", 10, 2000.2)]
)
def test_pips_are_the_symbols_own(desk: Desk, symbol: str, units: float, price: float) -> None:
    terminal = desk.terminal()

    def slip(request: Request, really: Any) -> Reply:
        reply = really()
        return Reply(
            tuple(msgspec.structs.replace(row, price=price) for row in reply.value), reply.error
        )

    terminal.rules["history_deals_get"] = slip
    done = desk.engine.execute(decision(symbol=symbol, units=units))
    snapshot = desk.broker.get_market_snapshot(symbol)

    assert done.status == "filled", done
    assert snapshot is not None
    pip = {"USDJPY": 0.01, "XAUUSD": 0.01}[symbol]
    assert done.slippage_pips == pytest.approx((price - snapshot.ask_price) / pip)


def test_the_deviation_reaches_the_broker_in_points(desk: Desk) -> None:
    terminal = desk.terminal()
    desk.engine.execute(decision())

    assert terminal.sent[0].arguments["request"].deviation == 200
