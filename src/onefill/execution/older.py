"""Boot: positions that were open before the account's journal began are taken into its books, so
that they can be closed and changed by their tickets and are counted as what they are."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Steps, Tell
from onefill.execution.outcome import deal_of
from onefill.execution.told import Alarm
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.events import Alerted, PositionDealt
from onefill.model.volume import to_e8
from onefill.model.wording import counted
from onefill.terminal.port import DealRow, PositionRow, Reply


def take_in_older(desk: Desk) -> Steps:
    """Book them as nobody's, by their own deals. A position whose deals the broker no longer shows
    whole stays out, and so does that of a netting account, which has shares, not deals of its own.
    What cannot be asked now is asked at the next start."""
    if desk.netting:
        return
    reply: Reply = yield desk.call("positions_get")
    rows: tuple[PositionRow, ...] = reply.value or ()
    found: list[PositionDealt] = []
    for row in rows:
        if row.time_ms < desk.state.began_ms and row.identifier not in desk.state.positions:
            deals = yield from _deals_of(desk, row)
            if deals:
                found.append(PositionDealt(deals=deals))
    if not found:
        return
    many = counted(len(found), "position")
    alert = Alerted(
        code="POSITIONS_FOUND",
        message=f"{many} opened before this journal began: no order of ours opened them",
    )
    yield Commit((*found, alert), "followed")
    yield Tell(Alarm(alert), "alert")


def _deals_of(desk: Desk, row: PositionRow) -> Steps:
    """A position's deals, oldest first; none where they do not make up what is open of it."""
    reply: Reply = yield desk.call("history_deals_get", position=row.identifier)
    shown: tuple[DealRow, ...] = reply.value or ()
    deals = tuple(sorted(map(deal_of, shown), key=lambda deal: (deal.time_ms, deal.ticket)))
    if any(deal.ticket in desk.state.booked for deal in deals):
        return ()
    return deals if sum(map(_opens_e8, deals)) == to_e8(row.volume) else ()


def _opens_e8(deal: Deal) -> int:
    """What a deal adds to its position; less than 0 where it closes some of it."""
    if deal.reason is DealReason.ROLLOVER:
        return 0
    return deal.volume_e8 if deal.entry is Entry.IN else -deal.volume_e8
