"""What one seed means: its market, its decisions, its broker's faults, its limits, its deaths."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import msgspec

from onefill.execution.config import ExecutionConfig
from onefill.replay.generate import generate_ticks
from onefill.risk.limits import Limits, parse_limits
from onefill.terminal.simulator.faults import KINDS, FaultPlan, parse_faults
from onefill.terminal.simulator.ticks import TickSeries
from tests.simulation.decisions import DIGITS, Decision, decide
from tests.simulation.points import crash_points

START_MS = 1_772_409_600_000
_PRICES = {"EURUSD": 1.085, "GBPUSD": 1.27, "USDJPY": 150.0}
_ORDERS = 55
_TICKS = 1_600

#: The broker answers and executes within these; an honest seed's engine is calibrated to them.
LATE_MAX_MS = 4_000
_CONFIG = ExecutionConfig(
    max_attempts=3,
    backoff_ms=400,
    poll_interval_ms=250,
    order_timeout_ms=3_000,
    call_deadline_ms=1_500,
    lateness_bound_ms=LATE_MAX_MS,
    snapshots=3,
    snapshot_interval_ms=500,
    quarantine_after_ms=60_000,
    connection_retry_ms=300,
    connection_patience_ms=8_000,
)

#: Orders that come close together share a look, as they do where a worker is asked.
_SHARING = msgspec.structs.replace(_CONFIG, look_shared_ms=20)

#: Points that few lives come to, in the groups in which they are come to: each group is aimed at
#: as one, so that deaths there are not rarer than elsewhere.
_RARE = tuple(
    tuple(f"{point}:{side}" for point in group for side in ("before", "after"))
    for group in (
        ("commit:expire", "tell:expired"),
        ("commit:cancel_unsent", "tell:cancelled", "tell:done"),
        ("commit:boot_unknown", "commit:deny_late", "tell:key_reused", "commit:again"),
        ("commit:step_back",),
    )
)


@dataclass(frozen=True, slots=True)
class Aim:
    """Where an engine dies: when it comes to one of these points (empty: any) for the nth time."""

    points: tuple[str, ...]
    nth: int
    #: Instead of dying there, it stalls while another engine takes over, and then goes on.
    stalls: bool = False
    #: The broker's process dies with it, and comes up again from its book.
    with_terminal: bool = False
    #: How long nobody runs the account (ms).
    down_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One seed's world, and how its engine is set up."""

    seed: int
    markets: list[TickSeries]
    decisions: list[Decision]
    faults: FaultPlan
    config: ExecutionConfig = _CONFIG
    limits: Limits
    #: The caps that `limits` sets on the account: positions, pending orders, exposure (USD).
    caps: tuple[int, int, float]
    #: Where each life ends, in order; after that they end by themselves.
    aims: tuple[Aim, ...] = ()
    #: Besides, deaths at places that few lives come to, each whenever one does.
    rare: tuple[Aim, ...] = ()
    #: The broker keeps to what the engine was calibrated to: then no fill is ever late.
    honest: bool = True
    #: Comments reach the broker's books as they were sent.
    comments_kept: bool = True
    #: What a person does about quarantined orders: nothing, the truth, or the contrary.
    operator: str = ""
    #: How long the disk takes to make a commit durable (ms).
    disk_ms: int = 0
    #: Somebody else trades on the account too (when: Unix ms).
    strangers: tuple[int, ...] = ()
    #: When the gate in front of the broker is closed: from, to (Unix ms), whether by a halt.
    gate: tuple[tuple[int, int, bool], ...] = ()
    #: Another program on the account does what we are about to do, right before each first send.
    twins: bool = False


def plan_of(seed: int) -> Plan:
    """Everything about a seed's run."""
    draw = random.Random(f"plan {seed}")
    markets = _markets(seed, draw)
    rates = _rates(draw)
    character = _CHARACTERS[seed % len(_CHARACTERS)]
    caps = (draw.choice([8, 14, 20]), draw.choice([4, 6, 9]), draw.choice([2e5, 4e5, 6e5]))
    plan = Plan(
        seed=seed,
        config=_SHARING if seed % 2 else _CONFIG,
        markets=markets,
        decisions=decide(seed, markets, _ORDERS),
        faults=_faults(rates, seed, stale_max_ms=draw.choice([1_200, 20_000])),
        limits=_limits(caps, draw.choice([1.9, 5.5])),
        caps=caps,
        aims=_aims(seed, draw),
        rare=tuple(_rare(group, draw) for group in draw.sample(_RARE, 2)),
        comments_kept=rates.get("rewritten_comment", 0) == 0,
        disk_ms=draw.choice([0, 0, 0, 7, 250]),
        strangers=_strangers(draw, markets[0]),
        gate=_gate(random.Random(f"gate {seed}"), markets[0]) if seed % 3 == 0 else (),
    )
    return character(plan, draw, rates)


def _markets(seed: int, draw: random.Random) -> list[TickSeries]:
    names = draw.sample(list(_PRICES), draw.choice([1, 1, 2, 3]))
    return [
        generate_ticks(name, DIGITS[name], START_MS, _TICKS, seed * 10 + n, _PRICES[name], 150, 2.5)
        for n, name in enumerate(sorted(names))
    ]


def _rates(draw: random.Random) -> dict[str, float]:
    """About half of the kinds of faults, each at a rate of its own; one that befalls every call,
    looks too, at a tenth of it: a look at the broker is five calls, all of which must be answered.
    """
    rates = {kind: round(draw.uniform(0.05, 0.25), 3) for kind in KINDS if draw.random() < 0.55}
    if "ipc_timeout" in rates:
        rates["ipc_timeout"] /= 10
    return rates


def _faults(
    rates: dict[str, float], seed: int, *, late_max_ms: int = LATE_MAX_MS, stale_max_ms: int = 1_200
) -> FaultPlan:
    words = [f"{kind}={rate}" for kind, rate in rates.items()]
    words += [f"late_max_ms={late_max_ms}", f"stale_max_ms={stale_max_ms}", "offline_max_ms=2500"]
    words += ["trouble_max_ms=2500", "storm_max_ms=2500", "skew_max_ms=20000"]
    return parse_faults(",".join(words), seed)


def _limits(caps: tuple[int, int, float], spread_pips: float) -> Limits:
    positions, orders, value = caps
    return parse_limits(
        f"""
        [account]
        trading = "normal"
        auto_trading = true
        symbols = ["*"]
        price_collar_percent = 5
        max_order_value = 60_000
        max_order_volume = 0.35
        max_exposure_value = {value:.0f}
        max_orders = {orders}
        max_positions = {positions}
        max_quote_age_s = 3600
        max_spread_pips = {spread_pips}
        max_slippage_pips = 2
        margin_cushion = 1.5
        risk_per_trade_percent = "off"
        repeat_window_s = "off"
        """,
        "the limits of a simulated run",
    )


def _aims(seed: int, draw: random.Random) -> tuple[Aim, ...]:
    points = crash_points()
    aims = []
    for number in range(draw.choice([2, 4, 6, 9, 12])):
        aimed = draw.choice(["anywhere", "one point", "one point"])
        stalls = draw.random() < 0.12
        where: tuple[str, ...] = ()
        if stalls:
            where = draw.choice([("call:order_send:before",), ("commit:sending:before",), ()])
        elif aimed == "one point":
            where = (points[(seed * 12 + number) % len(points)],)
        aims.append(
            Aim(
                points=where,
                nth=draw.choice([1, 1, 2, 3]) if where else draw.randint(5, 900),
                stalls=stalls,
                with_terminal=draw.random() < 0.25,
                down_ms=draw.choice([0, 0, 700, 6_000]),
            )
        )
    return tuple(aims)


def _rare(points: tuple[str, ...], draw: random.Random) -> Aim:
    return Aim(points, nth=draw.randint(1, len(points)))


def _strangers(draw: random.Random, market: TickSeries) -> tuple[int, ...]:
    if draw.random() < 0.6:
        return ()
    first, last = int(market.time_ms[0]), int(market.time_ms[-1])
    return tuple(sorted(draw.randint(first + 1_000, last) for _ in range(draw.randint(1, 5))))


def _gate(draw: random.Random, market: TickSeries) -> tuple[tuple[int, int, bool], ...]:
    first, last = int(market.time_ms[0]), int(market.time_ms[-1])
    begins = [draw.randint(first, last) for _ in range(draw.randint(1, 4))]
    return tuple(
        (at_ms, at_ms + draw.choice([500, 5_000, 20_000]), draw.random() < 0.5) for at_ms in begins
    )


def _plain(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    return plan


def _hasty(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    """A market order that is not seen to fill at once is withdrawn; pending ones fill in parts."""
    torn = {**rates, "partial": 0.7, "stale_history": 0.5}
    faults = _faults(torn, plan.seed, stale_max_ms=20_000)
    config = changed(_CONFIG, order_timeout_ms=0)
    return replace(plan, config=config, faults=faults, rare=_also_at(plan, draw, "call:withdraw"))


def _patient(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    """Quarantine comes early and a person decides, rightly."""
    slow = {**rates, "late_execution": 0.3, "lost_reply": 0.2, "partial": 0.4}
    faults = _faults(slow, plan.seed, stale_max_ms=20_000)
    config = changed(_CONFIG, quarantine_after_ms=draw.choice([1_000, 1_000, 4_000]))
    return replace(plan, config=config, faults=faults, operator="truth")


def _left_alone(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    """Quarantine comes early and nobody decides anything."""
    return replace(plan, config=changed(_CONFIG, quarantine_after_ms=draw.choice([1_000, 4_000])))


def _dishonest(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    """The broker carries out orders long after what it was measured to."""
    worse = {**rates, "late_execution": 0.3}
    faults = _faults(worse, plan.seed, late_max_ms=40_000)
    return replace(plan, honest=False, faults=faults, operator="truth")


def _misjudged(plan: Plan, draw: random.Random, rates: dict[str, float]) -> Plan:
    """A person settles quarantined orders as over while the broker may still carry them out."""
    worse = {"late_execution": 0.5, "partial": 0.5, "lost_reply": 0.1, "stale_history": 0.2}
    return replace(
        plan,
        honest=False,
        comments_kept=True,
        faults=_faults(worse, plan.seed, late_max_ms=25_000),
        config=changed(_CONFIG, quarantine_after_ms=1_000),
        operator="wrong",
        rare=_also_at(plan, draw, "tell:late"),
    )


def _also_at(plan: Plan, draw: random.Random, point: str) -> tuple[Aim, ...]:
    """A death, too, at a point that this character's engines come to, and few others do."""
    return (*plan.rare, _rare((f"{point}:before", f"{point}:after"), draw))


def changed(config: ExecutionConfig, **fields: int) -> ExecutionConfig:
    """The settings, with some of them changed."""
    return msgspec.structs.replace(config, **fields)


def with_faults(plan: Plan, rates: dict[str, float]) -> Plan:
    """The plan, with these faults instead of its own, and an honest broker that keeps comments."""
    faults = _faults(rates, plan.seed, stale_max_ms=20_000)
    return replace(plan, faults=faults, honest=True, comments_kept=True)


_CHARACTERS = (_plain, _hasty, _patient, _plain, _dishonest, _left_alone, _hasty, _misjudged)
