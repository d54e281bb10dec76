"""What a person may decide about an order, and how the decision is recorded."""

from __future__ import annotations

from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Moved, StrategyResumed
from onefill.model.order import OrderState
from onefill.model.states import SETTLED, State
from onefill.runtime.clock import Clock

_GOES_ON = (State.WORKING, State.PARTIALLY_FILLED)


def resolve(
    journal: Journal,
    key: str,
    to: State,
    *,
    by: str,
    reason: str,
    clock: Clock,
    account: str | None = None,
    ticket: int = 0,
) -> int:
    """Settle a quarantined order as `to`; durable on return. Returns the record's number.

    `ticket` is the broker's order; what goes on working there cannot be followed without it.

    The clock tells when, but in the journal of a replay: there the market's time is the time, and
    the decision comes right after what happened last. `account` may be None where only one account
    has the key. Raises `NOT_RESOLVED` with the reason why not: no such order, not in quarantine,
    not a state to settle it as, no author, no reason, no ticket where one is needed.
    """
    if to not in SETTLED:
        names = ", ".join(SETTLED)
        raise _refusal(f"an order cannot be settled as {to}: choose one of {names}")
    if not by.strip() or not reason.strip():
        raise _refusal("a decision needs who took it and why: give --by and --reason")
    owner, order = _only_order(journal, key, account)
    decided = decision(owner, order, to, by=by, reason=reason, ticket=ticket)
    return _record(journal, owner, decided, clock)


def decision(
    account: str, order: OrderState, to: State, *, by: str, reason: str, ticket: int = 0
) -> Moved:
    """The record that settles an order. Raises `NOT_RESOLVED` where it is not in quarantine, or no
    ticket is known where one is needed."""
    if order.state is not State.QUARANTINED:
        raise _refusal(
            f"order {order.key!r} of account {account!r} is {order.state}, not quarantined: "
            "only what evidence could not settle is for a person to decide"
        )
    if to in _GOES_ON and not (ticket or order.order_ticket):
        raise _refusal(
            f"order {order.key!r} cannot be settled as {to} without the broker's order: give "
            "--ticket"
        )
    return Moved(
        key=order.key, to=to, message=reason, evidence="operator", by=by, order_ticket=ticket
    )


def resume_strategy(
    journal: Journal,
    magic: int,
    *,
    by: str,
    reason: str,
    clock: Clock,
    account: str | None = None,
) -> int:
    """Let a strategy that control 7 stopped open orders again; durable on return. Returns the
    record's number. When, and `account`, as in `resolve`.

    Raises `NOT_RESUMED` with the reason why not: it is not stopped, no author, no reason.
    """
    if not by.strip() or not reason.strip():
        raise OnefillError(
            "NOT_RESUMED", "a decision needs who took it and why: give --by and --reason"
        )
    names = journal.accounts()
    stopped = [
        name for name in names if account in (None, name) and magic in journal.state(name).stopped
    ]
    if not stopped:
        where = f"in account {account!r}" if account is not None else "in any account"
        raise OnefillError(
            "NOT_RESUMED", f"strategy {magic} is not stopped {where} of this journal"
        )
    if len(stopped) > 1:
        raise OnefillError(
            "NOT_RESUMED",
            f"strategy {magic} is stopped in accounts {', '.join(stopped)}: name one with "
            "--account",
        )
    resumed = StrategyResumed(magic=magic, by=by, reason=reason)
    return _record(journal, stopped[0], resumed, clock)


def _record(journal: Journal, owner: str, decided: Moved | StrategyResumed, clock: Clock) -> int:
    state = journal.state(owner)
    at_ms = state.last_ms if state.made_from else clock.now_ms()
    seq = journal.append(owner, decided, at_ms)
    journal.flush()
    return seq


def _only_order(journal: Journal, key: str, account: str | None) -> tuple[str, OrderState]:
    names = journal.accounts() if account is None else [account]
    found = [(name, order) for name in names if (order := journal.find(name, key)) is not None]
    if not found:
        where = f" of account {account!r}" if account is not None else ""
        raise _refusal(f"there is no order {key!r}{where} in this journal")
    if len(found) > 1:
        owners = ", ".join(name for name, _ in found)
        raise _refusal(f"order {key!r} exists in accounts {owners}: name one with --account")
    return found[0]


def _refusal(why: str) -> OnefillError:
    return OnefillError("NOT_RESOLVED", why)
