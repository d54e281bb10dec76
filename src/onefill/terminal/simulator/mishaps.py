"""What becomes of a trade request on its way to the broker and there: whatever befalls it."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Reply, SendResult
from onefill.terminal.simulator import retcodes
from onefill.terminal.simulator.broker import Broker
from onefill.terminal.simulator.faults import LASTING, Mishap
from onefill.terminal.simulator.other_account import refused_there

OFFLINE = Reply(None, (-10004, "No IPC connection"))
IPC_TIMEOUT = Reply(None, (-10005, "IPC timeout"))
_LOST = Reply(None, (-10002, "IPC recv failed"))


def carried_out(
    broker: Broker, trade: BrokerRequest, mishap: Mishap, *, keyless: bool
) -> Reply | None:
    """Let a mishap befall a request, or let the broker decide on it. None where no answer will ever
    come. What befalls one without a key is noted in the book: the next draws depend on it."""
    kind = mishap.kind
    if kind == "disconnect":
        broker.go_offline(mishap.delay_ms)
        return OFFLINE if mishap.other else _unexecuted(retcodes.CONNECTION)
    if kind == "late_execution":
        broker.schedule(trade, mishap.fate, mishap.delay_ms)
        return IPC_TIMEOUT if mishap.other else _unexecuted(retcodes.TIMEOUT)
    if kind == "hang" and not mishap.carried_out:
        if keyless:
            broker.miss()
        return None
    if kind == "terminal_restart":
        broker.trouble(kind, mishap.delay_ms)
        broker.go_offline(mishap.delay_ms)
        return OFFLINE
    if kind in LASTING:
        broker.trouble(kind, mishap.delay_ms, mishap.skew_ms)
    refused = refused_by_terminal(broker, trade)
    if refused is not None:
        return refused
    if kind == "requote" or _is_storm(broker, trade):
        result = broker.refuse(trade, retcodes.REQUOTE)
    elif kind == "reject":
        result = broker.refuse(trade, retcodes.REJECT)
    else:
        result = broker.execute(trade, mishap.fate)
    if mishap.silent:
        return None
    return _LOST if kind == "lost_reply" else Reply(result)


def refused_by_terminal(broker: Broker, trade: BrokerRequest) -> Reply | None:
    """The answer where the request does not get to this account's broker now, else None."""
    account = broker.account
    if account.trouble("autotrading_off") is not None:
        return _unexecuted(retcodes.CLIENT_DISABLES_AT)
    if account.trouble("wrong_account") is not None:
        return refused_there(trade)
    return None


def _is_storm(broker: Broker, trade: BrokerRequest) -> bool:
    return trade.action == port.ACTION_DEAL and broker.account.trouble("requote_storm") is not None


def _unexecuted(retcode: int) -> Reply:
    return Reply(SendResult(retcode=retcode, comment=retcodes.COMMENTS[retcode]))
