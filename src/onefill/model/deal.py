"""A deal: what the broker executed, the only evidence of a fill."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from onefill.model.intent import Side


class Entry(StrEnum):
    """What a deal did to its position."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    OUT_BY = "out_by"


class DealReason(StrEnum):
    """Why the broker made the deal."""

    ORDER = "order"
    STOP_LOSS = "sl"
    TAKE_PROFIT = "tp"
    STOP_OUT = "so"
    ROLLOVER = "rollover"
    OTHER = "other"


class Deal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One execution. Money is in account currency, signed; the time is UTC."""

    ticket: int
    order: int
    position: int
    symbol: str
    side: Side
    entry: Entry
    volume_e8: int
    price: float
    time_ms: int
    profit: float = 0.0
    commission: float = 0.0
    swap: float = 0.0
    fee: float = 0.0
    magic: int = 0
    reason: DealReason = DealReason.ORDER
    comment: str = ""
