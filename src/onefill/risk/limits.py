"""The limit hierarchy: firm, tenant, account, strategy (magic), symbol; the tightest holds.

A limit that is set nowhere denies. Limits on sums (`TOTALS`) are counted where they are set: those
of firm, tenant and account over the account, those of a strategy or a symbol over that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from onefill.model.volume import LOT_E8
from onefill.risk.caps import LIMITS, TOTALS, Caps, TotalCaps, Trading, Value, tightness, written
from onefill.risk.limits_file import LimitsError, read_levels

ACCOUNT_LEVELS = ("firm", "tenant", "account")
_CACHED = 4096


class Limits:
    """All levels of one limits file; `caps` is the view of them that an order meets.

    `levels` maps a level ("firm", "strategy.7", "symbol.EURUSD") to its limits by name, checked.
    """

    def __init__(self, levels: Mapping[str, Mapping[str, Value]], file: str) -> None:
        self._levels = levels
        self._file = file
        self._caps: dict[tuple[int, str], Caps] = {}

    def caps(self, magic: int, symbol: str) -> Caps:
        """What holds for an order of this magic in this symbol."""
        found = self._caps.get((magic, symbol))
        if found is None:
            if len(self._caps) >= _CACHED:
                self._caps.clear()
            found = self._caps[magic, symbol] = self._resolve(magic, symbol)
        return found

    def slippage_limit(self, magic: int, symbol: str) -> float:
        """Pips of slippage beyond which a fill is told; inf where no level sets it."""
        return self.caps(magic, symbol).slippage_pips

    def told(self, name: str, magic: int, symbol: str, scope: tuple[str, ...] = ()) -> str:
        """A limit as a sentence tells it: name, value that holds, level and file.

        `scope` names the levels that count, where it is not all of them.
        """
        held = self._held(name, scope or _chain(magic, symbol), symbol)
        if held is None:
            return f"{name}, which {self._file} does not set"
        level, value = held
        return f"{name} = {written(name, value)} ([{level}] in {self._file})"

    def told_missing(self, names: tuple[str, ...]) -> str:
        """Where limits that are set nowhere belong."""
        return (
            f"{', '.join(names)} (not set at any level of {self._file}; what is not set denies: "
            f"set it there, under [account] for example)"
        )

    def tightened(self, values: Mapping[str, Value], file: str) -> Limits:
        """These limits and others of the firm's beside them: of each the tighter holds."""
        firm = dict(self._levels.get("firm", {}))
        for name, value in values.items():
            firm[name] = max(
                [firm.get(name, value), value], key=lambda one: tightness(name, one, "")
            )
        return Limits({**self._levels, "firm": firm}, f"{self._file} and {file}")

    def text(self) -> str:
        """All levels in one canonical form: equal limits, equal text."""
        lines = [
            f"{level}.{name} = {written(name, value)}"
            for level, limits in sorted(self._levels.items())
            for name, value in sorted(limits.items())
        ]
        return "\n".join(lines) + "\n"

    def fingerprint(self) -> str:
        """SHA-256 of the canonical text, in hex."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def _resolve(self, magic: int, symbol: str) -> Caps:
        chain = _chain(magic, symbol)
        held = {name: self._held(name, chain, symbol) for name in LIMITS}
        values = {name: found[1] for name, found in held.items() if found is not None}

        def number(name: str, without: float = math.inf) -> float:
            value = values.get(name)
            return value if isinstance(value, float) else without

        return Caps(
            magic=magic,
            symbol=symbol,
            missing=tuple(
                name for name, limit in LIMITS.items() if name not in values and not limit.optional
            ),
            trading=Trading(str(values.get("trading", Trading.HALTED))),
            auto_trading=values.get("auto_trading") is True,
            permitted=_permits(values.get("symbols"), symbol),
            price_collar_percent=number("price_collar_percent"),
            order_value=number("max_order_value"),
            order_volume_e8=round_e8(number("max_order_volume")),
            quote_age_ms=number("max_quote_age_s") * 1000,
            spread_pips=number("max_spread_pips"),
            slippage_pips=number("max_slippage_pips"),
            margin_cushion=number("margin_cushion"),
            risk_percent=number("risk_per_trade_percent"),
            repeat_window_ms=round(number("repeat_window_s", 0.0) * 1000),
            messages=number("max_messages"),
            message_window_ms=_window_ms(values, "message_window_s"),
            repeats=number("max_repeats"),
            repeats_window_ms=_window_ms(values, "max_repeats_window_s"),
            positions_per_symbol=number("max_positions_per_symbol"),
            volume_per_symbol_e8=round_e8(number("max_volume_per_symbol")),
            volume_e8=round_e8(number("max_volume")),
            margin_level_percent=number("min_margin_level_percent", 0.0),
            daily_loss=number("max_daily_loss"),
            drawdown_percent=number("max_drawdown_percent"),
            account=self._totals("account", ACCOUNT_LEVELS),
            strategy=self._own_totals("strategy", f"strategy.{magic}"),
            in_symbol=self._own_totals("symbol", f"symbol.{symbol}"),
        )

    def _held(self, name: str, chain: tuple[str, ...], symbol: str) -> tuple[str, Value] | None:
        """The level whose value of a limit holds, the highest of equals; None: set nowhere."""
        found = [
            (level, limits[name])
            for level in chain
            if name in (limits := self._levels.get(level, {}))
        ]
        return max(found, key=lambda one: tightness(name, one[1], symbol), default=None)

    def _own_totals(self, scope: str, level: str) -> TotalCaps | None:
        limits = self._levels.get(level, {})
        return self._totals(scope, (level,)) if any(name in limits for name in TOTALS) else None

    def _totals(self, scope: str, chain: tuple[str, ...]) -> TotalCaps:
        held = [self._held(name, chain, "") for name in TOTALS]
        values = [found[1] if found is not None else math.inf for found in held]
        return TotalCaps(scope, *(value for value in values if isinstance(value, float)))


def load_limits(path: Path | None) -> Limits:
    """The limits of a file; without one, the shipped ones. Raises `LimitsError`."""
    if path is None:
        return parse_limits(limits_text(), "the shipped limits")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        why = getattr(failure, "strerror", None) or "it is not UTF-8 text"
        raise LimitsError("LIMITS_UNREADABLE", f"limits file {path}: {why}") from None
    return parse_limits(text, str(path))


def parse_limits(text: str, file: str) -> Limits:
    """The limits that TOML text sets; `file` is its name in messages. Raises `LimitsError`."""
    return Limits(read_levels(text, file), file)


def limits_text() -> str:
    """The shipped limits as TOML, each with what it is."""
    return files("onefill.risk").joinpath("shipped.toml").read_text(encoding="utf-8")


def round_e8(lots: float) -> float:
    """Lots as 1e-8 lots, float noise gone; inf stays."""
    return lots if math.isinf(lots) else float(round(lots * LOT_E8))


def _chain(magic: int, symbol: str) -> tuple[str, ...]:
    return (*ACCOUNT_LEVELS, f"strategy.{magic}", f"symbol.{symbol}")


def _window_ms(values: Mapping[str, Value], name: str) -> int:
    value = values.get(name)
    return round((value if isinstance(value, float) else LIMITS[name].without) * 1000)


def _permits(names: Value | None, symbol: str) -> bool:
    return isinstance(names, tuple) and ("*" in names or symbol in names)
