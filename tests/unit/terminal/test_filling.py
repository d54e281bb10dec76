"""The filling mode of every kind of order, held against the simulated broker's own rules: none is
ever answered 10030."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from onefill.execution.denial import Refused
from onefill.execution.resolve import resolve_close, resolve_open
from onefill.execution.stages.request import build_request
from onefill.model.account import Position
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.filling import market_filling
from onefill.terminal.simulator.checks import filling_code
from tests.unit.execution.bench import EURUSD, Bench
from tests.unit.terminal.simulator.stage import Stage, profile_with

FILLINGS = (port.FILLING_FOK, port.FILLING_IOC, port.FILLING_RETURN, port.FILLING_BOC)
TERMS = [(flags, mode) for flags in range(8) for mode in range(4)]
#: Price and limit price of a pending order, on a market of 1.10000 to 1.10010.
KINDS = {
    (OrderType.LIMIT, Side.BUY): (1.09, 0.0),
    (OrderType.LIMIT, Side.SELL): (1.11, 0.0),
    (OrderType.STOP, Side.BUY): (1.11, 0.0),
    (OrderType.STOP, Side.SELL): (1.09, 0.0),
    (OrderType.STOP_LIMIT, Side.BUY): (1.11, 1.109),
    (OrderType.STOP_LIMIT, Side.SELL): (1.09, 1.091),
}


@pytest.mark.parametrize(("flags", "mode"), TERMS)
def test_a_market_order_asks_for_what_the_broker_takes_or_is_not_sent(
    flags: int, mode: int
) -> None:
    symbol = msgspec.structs.replace(EURUSD, filling_flags=flags, execution_mode=mode)
    taken = [one for one in FILLINGS if not filling_code(symbol, one, pending=False)]

    found = market_filling(flags, mode)

    assert found in taken if taken else found is None
    if port.FILLING_IOC in taken:
        assert found == port.FILLING_IOC


@pytest.mark.parametrize(("flags", "mode"), TERMS)
def test_no_order_that_the_engine_makes_is_refused_for_its_filling(
    tmp_path: Path, flags: int, mode: int
) -> None:
    toml = f"[symbols.EURUSD]\nfilling_mode = {flags}\nexemode = {mode}\n"
    stage = Stage([(0, 110_000, 110_010)], profile=profile_with(tmp_path, toml))
    stage.advance(10)
    bench = Bench()
    bench.desk.symbols["EURUSD"] = stage.ask("symbol_info", symbol="EURUSD")
    if market_filling(flags, mode) is not None:
        for side, quote in ((Side.BUY, 1.1001), (Side.SELL, 1.1)):
            order = bench.accepted(f"m{side}", side=side, requested_price=quote)
            assert stage.send(build_request(bench.desk, order)).retcode == 10009
    for (kind, side), (price, limit) in KINDS.items():
        order = bench.accepted(
            f"{kind}{side}", order_type=kind, side=side, price=price, stop_limit_price=limit
        )
        assert stage.send(build_request(bench.desk, order)).retcode == 10009


def test_a_symbol_that_takes_no_filling_is_refused_before_anything_is_sent() -> None:
    stage = Stage([(0, 110_000, 110_010)])
    stage.advance(10)
    symbol = msgspec.structs.replace(EURUSD, filling_flags=4, execution_mode=2)
    intent = OrderIntent(
        client_key="k", action=Action.OPEN, symbol="EURUSD", side=Side.BUY, volume=0.1
    )

    with pytest.raises(Refused, match="no filling mode") as caught:
        resolve_open(intent, symbol, stage.ask("look", symbol="EURUSD"), 20)
    assert caught.value.code == "FILLING_UNSUPPORTED"


@pytest.mark.parametrize("asked", [None, 0.1], ids=["whole", "in part"])
def test_a_close_on_such_a_symbol_is_refused_too_and_says_what_is_left_to_do(
    asked: float | None,
) -> None:
    stage = Stage([(0, 110_000, 110_010)])
    stage.advance(10)
    symbol = msgspec.structs.replace(EURUSD, filling_flags=0, execution_mode=2)
    held = Position(
        ticket=7, symbol="EURUSD", side=Side.BUY, volume_e8=to_e8(0.3), price=1.09, key="o"
    )
    intent = OrderIntent(client_key="c", action=Action.CLOSE, target="o", volume=asked)

    with pytest.raises(Refused, match="close position 7 by hand") as caught:
        resolve_close(intent, held, symbol, stage.ask("look", symbol="EURUSD"), 20)
    assert caught.value.code == "FILLING_UNSUPPORTED"


@pytest.mark.parametrize(("flags", "mode"), TERMS)
def test_no_close_is_refused_for_its_filling(tmp_path: Path, flags: int, mode: int) -> None:
    if market_filling(flags, mode) is None:
        return
    toml = f"[symbols.EURUSD]\nfilling_mode = {flags}\nexemode = {mode}\n"
    stage = Stage([(0, 110_000, 110_010)], profile=profile_with(tmp_path, toml))
    stage.advance(10)
    bench = Bench()
    bench.desk.symbols["EURUSD"] = stage.ask("symbol_info", symbol="EURUSD")
    opened = stage.send(build_request(bench.desk, bench.accepted("o", requested_price=1.1001)))
    close = bench.accepted(
        "c", action=Action.CLOSE, side=Side.SELL, position_ticket=opened.order, requested_price=1.1
    )
    assert stage.send(build_request(bench.desk, close)).retcode == 10009
