"""What follows from risk's no, beside the order's denial: a strategy is stopped, a breach recorded,
a person told; and the marks that losses are told against."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Steps, Tell
from onefill.execution.told import Alarm
from onefill.model.account import LossMarks
from onefill.model.events import Alerted, Breached, EquityMarked, Event, StrategyStopped
from onefill.model.intent import OrderIntent
from onefill.model.market import MarketView
from onefill.risk.losses import breach_of, marks_at, watched
from onefill.risk.reasons import Denial, DenialCode


def loss_marks(desk: Desk, intent: OrderIntent, symbol: str, view: MarketView | None) -> LossMarks:
    """The marks at this look, for an order whose losses are limited; else those last known."""
    known = desk.state.equity
    if view is None or not intent.raises_risk:
        return known
    if not watched(desk.limits.caps(intent.magic, symbol)):
        return known
    day, seen = desk.day_of(desk.now_ms), desk.equity_marks
    if seen is None:
        return marks_at(desk.state, view, day)
    day_start = seen.day_start if seen.day == day else 0.0
    return marks_at(desk.state, view, day, day_start=day_start, peak=seen.peak)


def moved(desk: Desk, marks: LossMarks) -> tuple[Event, ...]:
    """The record of marks that are not the journal's any more."""
    if marks == desk.state.equity:
        return ()
    return (EquityMarked(day=marks.day, day_start=marks.day_start, peak=marks.peak),)


def consequences(
    desk: Desk, intent: OrderIntent, denial: Denial, marks: LossMarks
) -> tuple[Event, ...]:
    """What is recorded in the commit that denies an order, once each."""
    state, magic = desk.state, intent.magic
    if denial.code == DenialCode.REPEATED_ORDERS and magic not in state.stopped:
        why = denial.message.partition(": it is stopped")[0]
        stop = StrategyStopped(magic=magic, why=why)
        return stop, _critical("STRATEGY_STOPPED", denial.message, intent)
    limit = breach_of(denial.code, desk.limits.caps(magic, intent.symbol))
    if not limit or state.breached.get(limit) == marks.day:
        return ()
    return Breached(limit=limit, day=marks.day), _critical(denial.code, denial.message, intent)


def tell_alerts(events: tuple[Event, ...]) -> Steps:
    """Tell those of the events that a person must hear of; they are durable."""
    for event in events:
        if isinstance(event, Alerted):
            yield Tell(Alarm(event), "alert")


def _critical(code: str, message: str, intent: OrderIntent) -> Alerted:
    return Alerted(code=code, message=message, level="critical", key=intent.client_key)
