"""How broker profiles look: what differs between them side by side, and one of them in detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.specification import Specification

EXECUTION = ("request", "instant", "market", "exchange")
"""MT5's `trade_exemode`, in words."""


def differences(profiles: list[Profile]) -> Table:
    """A column a profile, a row for each thing that may differ."""
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    table.add_column("", style="dim", no_wrap=True)
    for one in profiles:
        table.add_column(escape(one.name), overflow="fold")
    for title, tell in _ROWS:
        table.add_row(title, *(escape(tell(one)) for one in profiles))
    return table


def detail(profile: Profile) -> list[Table]:
    """Its settings, its faults, and its symbols."""
    settings = Table(
        title=f"{escape(profile.name)}: {escape(profile.about)}",
        title_justify="left", show_header=False, box=SIMPLE_HEAD,
    )  # fmt: skip
    settings.add_column(style="dim", no_wrap=True)
    settings.add_column()
    for name, value in msgspec.structs.asdict(profile.broker).items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        settings.add_row(name, escape(shown))
    settings.add_row("faults", escape(_faults(profile)))
    return [settings, _symbols(profile)]


def profile_object(profile: Profile, *, whole: bool) -> dict[str, Any]:
    """As JSON has it; `whole` with the symbols' terms."""
    told: dict[str, Any] = {
        "name": profile.name,
        "about": profile.about,
        "broker": profile.broker,
        "execution": _executions(profile.specifications.values()),
        "faults": profile.faults,
        "symbols": len(profile.specifications),
    }
    if whole:
        told["symbols"] = {
            name: {
                "execution": EXECUTION[one.symbol.execution_mode],
                **msgspec.structs.asdict(one.symbol),
                **msgspec.structs.asdict(one.terms),
            }
            for name, one in profile.specifications.items()
        }
    return told


def _symbols(profile: Profile) -> Table:
    table = Table(title="symbols", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for name in ("symbol", "kind", "execution"):
        table.add_column(name, no_wrap=True)
    for name in ("digits", "contract", "lots", "stops, freeze", "swap"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("hours of trade")
    for name, one in profile.specifications.items():
        symbol, terms = one.symbol, one.terms
        table.add_row(
            escape(name),
            one.calculation,
            EXECUTION[symbol.execution_mode],
            str(symbol.digits),
            f"{symbol.contract_size:g}",
            f"{symbol.volume_min_e8 / 1e8:g} to {symbol.volume_max_e8 / 1e8:g}",
            f"{symbol.stops_level}, {symbol.freeze_level}",
            f"{terms.swap_long:g} / {terms.swap_short:g}",
            escape(", ".join(one.sessions) or "always"),
        )
    return table


def _executions(specifications: Iterable[Specification]) -> dict[str, int]:
    """How many symbols are executed in which way, the commonest first."""
    modes = Counter(EXECUTION[one.symbol.execution_mode] for one in specifications)
    return dict(modes.most_common())


def _faults(profile: Profile) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in profile.faults.items()) or "none"


def _costs(profile: Profile) -> str:
    broker = profile.broker
    parts = [
        (broker.commission_per_lot, f"{broker.commission_per_lot:g} a lot"),
        (broker.commission_percent, f"{broker.commission_percent:g} % of value"),
        (broker.fee_per_lot, f"fee {broker.fee_per_lot:g} a lot"),
    ]
    return ", ".join(text for value, text in parts if value) or "none"


def _stop_out(profile: Profile) -> str:
    broker = profile.broker
    unit = " %" if broker.stop_out_mode == "percent" else f" {broker.currency}"
    if not broker.stop_out:
        return "none"
    return f"{broker.stop_out:g}{unit} (call {broker.margin_call:g})"


def _account(profile: Profile) -> str:
    broker = profile.broker
    return f"{broker.balance:,.0f} {broker.currency}, 1:{broker.leverage}"


def _names(profile: Profile) -> str:
    return profile.offered("EURUSD")


def _swaps(profile: Profile) -> str:
    modes = {one.terms.swap_mode for one in profile.specifications.values()}
    return ", ".join(map(str, sorted(modes - {0}))) or "none"


def _comment(profile: Profile) -> str:
    return f"{profile.broker.comment_limit}, {profile.broker.comment_accepted}"


def _limits(profile: Profile) -> str:
    return f"{profile.broker.limit_orders or 'any'}, {profile.broker.limit_positions or 'any'}"


def _milliseconds(value: int) -> str:
    return f"{value:,} ms" if value else "none"


_ROWS: tuple[tuple[str, Callable[[Profile], str]], ...] = (
    ("what", lambda one: one.about.partition(":")[2].strip() or one.about),
    ("account", _account),
    ("margin mode", lambda one: one.broker.margin_mode),
    ("execution", lambda one: ", ".join(_executions(one.specifications.values()))),
    ("server's clock", lambda one: one.broker.time_zone),
    ("comment kept, taken", _comment),
    ("commission", _costs),
    ("swap modes", _swaps),
    ("slippage", lambda one: f"0 to {one.broker.slippage_points} points"),
    ("latency", lambda one: _milliseconds(one.broker.latency_ms)),
    ("history lag", lambda one: _milliseconds(one.broker.history_lag_ms)),
    ("stop-out", _stop_out),
    ("orders, positions", _limits),
    ("symbols", lambda one: f"{len(one.specifications)}, as {_names(one)}"),
    ("faults", lambda one: f"{len(one.faults)} kinds" if one.faults else "none"),
)  # fmt: skip
