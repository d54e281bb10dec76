"""Records in words: what a person reads of an event, and what a program reads of a record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from onefill.journal.record import Row
from onefill.model import events as ev
from onefill.model.deal import Deal
from onefill.model.intent import OrderIntent
from onefill.model.resolved import ResolvedOrder
from onefill.model.volume import to_lots


def plain(text: str) -> str:
    """Text from outside, made harmless for a terminal: no control characters, no line breaks."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def time_text(at_ms: int) -> str:
    """Unix milliseconds as UTC, to the millisecond; the bare number where no calendar has it."""
    try:
        moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(at_ms)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"


def kind_of(event: ev.Event) -> str:
    """The event's name in the journal: "accepted", "moved" ..."""
    return str(event.__struct_config__.tag)


def record_object(row: Row) -> dict[str, Any]:
    """A record for a program; times in Unix ms, the event with its fields as stored."""
    event = ev.decode_event(row.body)
    return {
        "seq": row.seq,
        "at_ms": row.at_ms,
        "account": row.account,
        "order_number": row.number,
        "event": msgspec.to_builtins(event),
        "hash": row.hash.hex(),
    }


def describe(event: ev.Event) -> str:
    """The event in a sentence."""
    match event:
        case ev.Began():
            return "made from " + ", ".join(f"{k} {v}" for k, v in sorted(event.made_from.items()))
        case ev.Accepted():
            return _resolved(event.order, event.intent)
        case ev.Denied():
            return event.message
        case ev.Sending():
            return (
                f"attempt {event.attempt} under epoch {event.epoch}; "
                f"highest ticket before it {event.baseline_ticket}"
            )
        case ev.Moved():
            return _moved(event)
        case ev.Dispatched():
            return "handed to the account's client"
        case ev.Reported():
            return _reported(event)
        case ev.Amended():
            return "now " + _levels(event)
        case ev.PositionDealt():
            return _deals(event.deals)
        case ev.Reopened():
            return event.why
        case ev.Alerted():
            return f"{event.level}: {event.message}"
        case ev.StrategyStopped():
            return f"strategy {event.magic} is stopped: {event.why}"
        case ev.StrategyResumed():
            return f"strategy {event.magic} goes on, by {event.by}: {event.reason}"
        case ev.EquityMarked():
            return f"the day began with {event.day_start:.10g}, the highest was {event.peak:.10g}"
        case ev.Breached():
            return f"{event.limit} was reached"
        case ev.Concluded():
            return "the replay came to its end"


def _resolved(order: ResolvedOrder, intent: OrderIntent) -> str:
    words = [str(order.action)]
    if order.volume_e8:
        words += [str(order.side), f"{to_lots(order.volume_e8):.10g}"]
    words.append(order.symbol)
    if order.volume_e8:
        words.append(str(order.order_type))
    if order.target:
        words.append(f"of {order.target}")
    levels = _levels(order)
    asked = f"asked at {order.requested_price:.10g}" if order.requested_price else ""
    text = " ".join(word for word in words if word)
    return "; ".join(part for part in (text, levels, asked, intent.comment) if part)


def _levels(of: ResolvedOrder | ev.Amended) -> str:
    named = (
        ("price", of.price),
        ("stop limit", of.stop_limit_price),
        ("stop loss", of.stop_loss),
        ("take profit", of.take_profit),
    )
    return ", ".join(f"{name} {value:.10g}" for name, value in named if value)


def _moved(event: ev.Moved) -> str:
    said = [event.message, _deals(event.deals)]
    if event.order_ticket:
        said.append(f"order {event.order_ticket}")
    if event.position_ticket:
        said.append(f"position {event.position_ticket}")
    if event.by:
        said.append(f"decided by {event.by}")
    elif event.evidence:
        said.append(f"proven by {event.evidence}")
    if event.late:
        said.append("late")
    return "; ".join(part for part in said if part)


def _reported(event: ev.Reported) -> str:
    said = [event.message]
    if event.volume_e8:
        price = f" at {event.price:.10g}" if event.price else ""
        said.append(f"{to_lots(event.volume_e8):.10g}{price}")
    if event.order_ticket:
        said.append(f"order {event.order_ticket}")
    if event.position_ticket:
        said.append(f"position {event.position_ticket}")
    said.append(f"decided by {event.by}" if event.by else f"the client's result {event.sequence}")
    return "; ".join(part for part in said if part)


def _deals(deals: tuple[Deal, ...]) -> str:
    return ", ".join(
        f"deal {deal.ticket}: {deal.side} {to_lots(deal.volume_e8):.10g} {deal.symbol}"
        f" at {deal.price:.10g}" + (f", profit {deal.profit:,.2f}" if deal.profit else "")
        for deal in deals
    )
