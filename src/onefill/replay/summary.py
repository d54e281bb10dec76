"""What a run came to: counts, money, slippage, and what its inputs left out."""

from __future__ import annotations

from collections import Counter

import msgspec

from onefill.execution.report import Answer
from onefill.replay.inputs import Inputs
from onefill.terminal.port import AccountRow


class RefusedOrder(msgspec.Struct, frozen=True):
    """A line of the orders file that is no order."""

    file: str
    line: int
    field: str
    message: str


class Slippage(msgspec.Struct, frozen=True):
    """Over the filled orders, in pips; positive is worse. None where nothing filled."""

    mean_pips: float | None = None
    worst_pips: float | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run. Money is in account currency; `profit` is closed profit, costs included."""

    orders: int
    counts: dict[str, int]
    balance: float
    equity: float
    profit: float
    floating_profit: float
    margin: float
    margin_free: float
    currency: str
    slippage: Slippage
    ticks_replayed: int
    broken_lines: int
    refused_lines: list[RefusedOrder] = []
    head_hash: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Summary).decode


def summarise(answers: list[Answer], inputs: Inputs, account: AccountRow) -> Summary:
    """The summary of a run that has just ended."""
    slipped = [a.slippage_pips for a in answers if a.slippage_pips is not None]
    return Summary(
        orders=len(answers),
        counts=dict(sorted(Counter(a.status for a in answers).items())),
        balance=account.balance,
        equity=account.equity,
        profit=round(account.balance - inputs.settings.balance, account.currency_digits),
        floating_profit=account.profit,
        margin=account.margin,
        margin_free=account.margin_free,
        currency=account.currency,
        slippage=Slippage(
            mean_pips=round(sum(slipped) / len(slipped), 6) if slipped else None,
            worst_pips=max(slipped) if slipped else None,
        ),
        ticks_replayed=inputs.ticks.read,
        broken_lines=inputs.ticks.broken_count,
        refused_lines=[
            RefusedOrder(str(line.file), line.line, line.field, line.message)
            for line in inputs.orders.refused
        ],
    )


def encode_summary(summary: Summary) -> str:
    """As the journal keeps it: without the head's hash, which depends on it."""
    return _encode(summary).decode()


def decode_summary(text: str, head_hash: str) -> Summary:
    """As it was told, with the journal's head."""
    return msgspec.structs.replace(_decode(text), head_hash=head_hash)
