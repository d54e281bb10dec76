"""A broker whose process ends anywhere goes on from its book as if nothing had happened."""

from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onefill.terminal import port
from onefill.terminal.port import Reply

from .stage import NOON, Quote, Stage, deal, pending, profile_with, stops

HOUR = 3_600_000
PROFILE = """
[broker]
time_zone = "America/New_York+7"
stop_out = 80
history_lag_ms = 1500
commission_per_lot = 3
[symbols.EURUSD]
swap_mode = 1
swap_long = -7.5
swap_short = 2.25
order_gtc_mode = 1
sessions = ["Mon-Fri 00:05-23:55"]
[symbols.USDJPY]
swap_mode = 7
swap_long = -12
swap_short = 4
[symbols.EURGBP]
swap_mode = 5
swap_long = -4
swap_short = 1
expiration = "2014-05-13"
[symbols.GBPUSD]
"""
FAULTS = (
    "requote=0.1,late_execution=0.1,partial=0.2,stale_history=0.2,requote_storm=0.05,"
    "autotrading_off=0.05,disconnect=0.05,wrong_account=0.05,late_max_ms=9000000"
)
STARTS = {"EURUSD": 138_000, "USDJPY": 102_000, "EURGBP": 82_000, "GBPUSD": 168_000}
ACTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(sorted(STARTS)),
        st.integers(0, 1),
        st.integers(1, 80),
        st.booleans(),
    ),
    min_size=3,
    max_size=25,
)


def market(seed: int) -> dict[str, list[Quote]]:
    """Six days, a quote every ten minutes or so."""
    draw = Random(seed)
    quotes = {}
    for name, bid in STARTS.items():
        rows, at = [], 0
        while at < 144 * HOUR:
            rows.append((at, bid, bid + draw.randint(5, 15)))
            at += draw.randint(1, 1_200_000)
            bid += draw.randint(-60, 60)
        quotes[name] = rows
    return quotes


def act(stage: Stage, kind: int, symbol: str, side: int, size: int) -> Any:
    """One request: what is sent depends only on what the stage tells."""
    account = stage.terminal.broker.account
    feed = account.listed[symbol].feed
    scale = account.listed[symbol].scale
    positions = sorted(account.ledger.positions)
    if kind < 2 or not positions:
        return stage.call(deal(side, size / 100, symbol))
    if kind == 2:
        price = (feed.bid - 100 * size) / scale
        return stage.call(pending(2, price, size / 100, symbol, type_time=size % 2))
    held = account.ledger.positions[positions[size % len(positions)]]
    if kind == 3:
        return stage.call(deal(1 - held.type, held.volume, held.symbol, position=held.ticket))
    listed = account.listed[held.symbol]
    away = 40 * size * (1 if held.type else -1)
    return stage.call(stops(held.ticket, sl=(listed.feed.bid + away) / listed.scale))


def told(stage: Stage) -> Any:
    """Everything that a program can see."""
    stage.run(150 * HOUR)
    window = {"from_ms": 0, "to_ms": NOON + 200 * HOUR}
    return [
        stage.ask("account_info"),
        stage.ask("positions_get"),
        stage.ask("orders_get"),
        stage.ask("history_orders_get", **window),
        stage.ask("history_deals_get", **window),
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 50), acts=ACTS)
def test_restarts_change_nothing(
    tmp_path_factory: Any, seed: int, acts: list[tuple[int, str, int, int, bool]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("run")
    profile = profile_with(folder, PROFILE)
    quotes = market(seed)

    def opened(name: str) -> Stage:
        return Stage(
            quotes, profile=profile, faults=FAULTS, seed=seed, book=folder / name, balance=3_000.0
        )

    steady, restarted = opened("steady.log"), opened("restarted.log")
    at = 0
    for kind, symbol, side, size, restarts in acts:
        at += 1 + size * 250_000 * (1 + kind)
        at = min(at, 140 * HOUR)
        for stage in (steady, restarted):
            stage.run(at)
        if restarts:
            restarted.terminal.close()
            restarted = opened("restarted.log")
            restarted.run(at)
        first, second = (
            act(steady, kind, symbol, side, size),
            act(restarted, kind, symbol, side, size),
        )
        assert isinstance(first, Reply)
        assert first == second
    assert told(steady) == told(restarted)
    assert all(row.volume > 0 for row in steady.ask("positions_get"))
    assert {row.reason for row in told(steady)[4]} <= {
        port.REASON_CLIENT, port.REASON_EXPERT, port.REASON_SL, port.REASON_TP, port.REASON_SO,
        port.REASON_ROLLOVER,
    }  # fmt: skip
    steady.terminal.close()
    restarted.terminal.close()
