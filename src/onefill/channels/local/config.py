"""The engine's settings as callers of the published API write them."""

from __future__ import annotations

from dataclasses import dataclass

from onefill.execution.config import ExecutionConfig
from onefill.model.errors import OnefillError

_WHOLE = frozenset({"max_retries", "deviation_pips", "magic", "comment_limit"})
_MAY_BE_0 = frozenset({
    "deviation_pips", "magic", "retry_backoff_seconds", "lateness_bound_seconds",
    "connection_patience_seconds",
})  # fmt: skip
_MOST, _MOST_MAGIC = 1e9, 2**63
_LOOK_SHARED_MS = 20
"""A quote that a terminal showed so lately is the one that it shows: MT5's own feed is polled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEngineConfig:
    """The published names and defaults. Raises `OnefillError` (`CONFIG_INVALID`)."""

    #: The widest spread on which an order is opened, and the slippage beyond which a fill is told,
    #: in pips.
    max_slippage_pips: float = 10.0
    #: A market order that has not filled by then is withdrawn.
    order_timeout_seconds: float = 60.0
    #: Sends of one order in all; only what provably reached nobody is sent again.
    max_retries: int = 3
    #: The free margin must be more than so many times the margin that an order needs.
    min_margin_cushion: float = 1.5
    poll_interval_seconds: float = 0.5
    #: An older quote is stale: no order is opened on it.
    max_tick_age_seconds: float = 60.0
    #: Greatest deviation of a market order, in pips; converted to points by the symbol.
    deviation_pips: int = 20
    #: The magic number that the engine's orders carry.
    magic: int = 0
    #: Backoff before the second send.
    retry_backoff_seconds: float = 1.0
    #: A call of the terminal without an answer by then has an unknown outcome, and its worker ends.
    call_deadline_seconds: float = 10.0
    #: How late the broker may still carry out what it was sent; calibrated per broker.
    lateness_bound_seconds: float = 30.0
    #: How long an order waits for a terminal that is not fit to send.
    connection_patience_seconds: float = 60.0
    #: Letters of a comment that the broker keeps.
    comment_limit: int = 27

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _invalid(f"{name} {value!r} is not a number")
            most = _MOST_MAGIC if name == "magic" else _MOST
            if not (value >= 0 if name in _MAY_BE_0 else value > 0) or value >= most:
                least = "0 or more" if name in _MAY_BE_0 else "above 0"
                raise _invalid(f"{name} {value!r} must be {least}, and below {most:g}")
            if name in _WHOLE and value != int(value):
                raise _invalid(f"{name} {value!r} is not a whole number")
        if not 16 <= self.comment_limit <= 31:
            raise _invalid(f"comment_limit {self.comment_limit} is not in 16 to 31")

    def execution(self) -> ExecutionConfig:
        """The same for the nine stages."""
        return ExecutionConfig(
            max_attempts=self.max_retries,
            backoff_ms=_ms(self.retry_backoff_seconds),
            poll_interval_ms=_ms(self.poll_interval_seconds),
            order_timeout_ms=_ms(self.order_timeout_seconds),
            call_deadline_ms=_ms(self.call_deadline_seconds),
            lateness_bound_ms=_ms(self.lateness_bound_seconds),
            connection_patience_ms=_ms(self.connection_patience_seconds),
            look_shared_ms=_LOOK_SHARED_MS,
            deviation_pips=self.deviation_pips,
            comment_limit=self.comment_limit,
        )


def _invalid(why: str) -> OnefillError:
    return OnefillError("CONFIG_INVALID", f"the engine's config: {why}")


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000))
