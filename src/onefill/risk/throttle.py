"""Controls 6 and 7: how many messages an account sends in a while, and how many orders alike.

Both are counted from the journal's records, so that a restart forgets nothing.
"""

from __future__ import annotations

import shlex
from bisect import bisect_right
from math import inf

from onefill.model.account import AccountState
from onefill.model.intent import Action
from onefill.model.throttle import count_within, kind_of_order
from onefill.risk.caps import Caps
from onefill.risk.case import Case
from onefill.risk.reasons import Denial, DenialCode, deny


def message_rate(case: Case) -> Denial | None:
    """Control 6, for what opens or changes. Closes and cancels count, and pass."""
    caps = case.caps
    if caps.messages == inf:
        return None
    count = count_within(case.state.messages, case.now_ms, caps.message_window_ms) + 1
    if count <= caps.messages:
        return None
    return deny(
        DenialCode.TOO_MANY_MESSAGES,
        count=count,
        seconds=f"{caps.message_window_ms / 1000:g}",
        limit=case.told("max_messages"),
    )


def sends_wait_until(state: AccountState, action: Action, caps: Caps, now_ms: int) -> int:
    """Control 6 right before a send: when an order that opens or changes may go, Unix ms; 0: now.

    What was accepted within the rate may have waited (for a connection, a gateway, a price) and
    would leave in a burst. Closes and cancels go at once.
    """
    if caps.messages == inf or action not in (Action.OPEN, Action.MODIFY):
        return 0
    most, window_ms = int(caps.messages), caps.message_window_ms
    if count_within(state.sends, now_ms, window_ms) < most:
        return 0
    if not most:
        return now_ms + window_ms
    return state.sends[bisect_right(state.sends, now_ms) - most] + window_ms


def strategy_goes_on(case: Case) -> Denial | None:
    """Control 7: the strategy was not stopped, or a person has resumed it."""
    why = case.state.stopped.get(case.intent.magic)
    if why is None:
        return None
    return deny(
        DenialCode.STRATEGY_STOPPED,
        magic=case.intent.magic,
        why=why,
        how=_how(case),
    )


def orders_alike(case: Case) -> Denial | None:
    """Control 7: one order more than the limit; whoever is told this must stop the strategy."""
    caps = case.caps
    if caps.repeats == inf:
        return None
    moments = case.state.alike.get(kind_of_order(case.intent))
    count = count_within(moments, case.now_ms, caps.repeats_window_ms) + 1 if moments else 1
    if count <= caps.repeats:
        return None
    return deny(
        DenialCode.REPEATED_ORDERS,
        magic=case.intent.magic,
        count=count,
        seconds=f"{caps.repeats_window_ms / 1000:g}",
        limit=case.told("max_repeats"),
        how=_how(case),
    )


def _how(case: Case) -> str:
    return (
        f"onefill journal resume DIR --strategy {case.intent.magic} "
        f"--account {shlex.quote(case.state.account)} --by WHO --reason TEXT"
    )


def message_window_ms(action: Action, caps: Caps) -> int:
    """How long an approved order counts as a message; a close_all sends none of its own."""
    return 0 if caps.messages == inf or action is Action.CLOSE_ALL else caps.message_window_ms


def alike_window_ms(action: Action, caps: Caps) -> int:
    """How long an approved order counts as one of orders alike."""
    return caps.repeats_window_ms if action is Action.OPEN and caps.repeats != inf else 0
