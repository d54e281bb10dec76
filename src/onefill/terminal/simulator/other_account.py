"""Another account is logged in at the terminal: what calls tell then.

It has never traded and has no money, so whatever is sent to it is refused, and nothing of it is in
this account's book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Changes, Reply, SendResult
from onefill.terminal.simulator import retcodes

_EMPTY = frozenset({"orders_get", "positions_get", "history_orders_get", "history_deals_get"})
_REFUSALS = {
    port.ACTION_SLTP: retcodes.POSITION_CLOSED,
    port.ACTION_CLOSE_BY: retcodes.POSITION_CLOSED,
    port.ACTION_MODIFY: retcodes.INVALID,
    port.ACTION_REMOVE: retcodes.INVALID,
}


def as_other_account(call: str, arguments: Any, answer: Callable[[], Reply]) -> Reply:
    """A call's answer on the other account; `answer` asks this one."""
    if call in _EMPTY:
        return Reply(())
    if call == "changes":
        return Reply(Changes(cursor=arguments["cursor"]))
    reply = answer()
    if reply.value is None:
        return reply
    if call == "ready":
        return Reply(msgspec.structs.replace(reply.value, login=reply.value.login + 1))
    if call == "account_info":
        bare = msgspec.structs.replace(
            reply.value, login=reply.value.login + 1, balance=0.0, equity=0.0, margin=0.0,
            margin_free=0.0, profit=0.0,
        )  # fmt: skip
        return Reply(bare)
    if call == "look":
        view = msgspec.structs.replace(
            reply.value, balance=0.0, equity=0.0, margin=0.0, margin_free=0.0, open_positions=0,
            open_orders=0,
        )  # fmt: skip
        return Reply(view)
    return reply


def refused_there(request: BrokerRequest) -> Reply:
    """What the other account's broker answers to a trade request."""
    retcode = _REFUSALS.get(request.action, retcodes.NO_MONEY)
    if request.position:
        retcode = retcodes.POSITION_CLOSED
    return Reply(SendResult(retcode=retcode, comment=retcodes.COMMENTS[retcode]))
