"""A decision as JSON writes it: an order's fields as in an orders file, and who, where, how sure.

The rules between an order's fields are `contracts.order_line`'s; there is no second set here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onefill.contracts.order_line import Line, Wrong, check_text, intent_of
from onefill.gateway.api.body import check_names
from onefill.gateway.api.refusal import invalid
from onefill.gateway.ports import Decision
from onefill.model.intent import Action
from onefill.replay.order_mistakes import Expected, explain

MAX_NAME, MAX_REASON = 128, 1_024
MAX_TICKET = 2**63 - 1
MAX_LINE = 65_536
LEAST_MS = 100_000_000_000
"""A number of an expiry below this is a time in seconds: as milliseconds it would be in 1973 at the
latest, as seconds it reaches to the year 5138."""


class DecisionLine(Line, forbid_unknown_fields=True, kw_only=True):
    """The fields as written; null is the same as leaving a field out."""

    mt5_account: str | int | None = None
    user_id: str | None = None
    auto_execute: bool | None = None
    confidence_score: float | None = None
    reason: str | None = None
    correlation_id: str | None = None
    position_ticket: int | None = None
    order_ticket: int | None = None


_decode = msgspec.json.Decoder(DecisionLine).decode


def decision_of(raw: bytes | msgspec.Raw) -> Decision:
    """The decision that a JSON object means. Raises `Refusal` (422, 400)."""
    text = bytes(raw)
    try:
        if len(text) > MAX_LINE:
            raise Wrong("", f"expected at most {MAX_LINE} bytes, not {len(text)}")
        line = _decode(text)
        check_names(text)
        return _decision(line)
    except Wrong as wrong:
        raise invalid(wrong.field, wrong.message) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
        mistake = explain(text, failure, _ALSO)
        if mistake.field == "decisions":
            whole = "no such field; a batch is a JSON array of decisions, nothing around it"
            raise invalid(mistake.field, whole) from None
        raise invalid(mistake.field, mistake.message) from None


def key_in(raw: bytes | msgspec.Raw) -> str | None:
    """The client key of a decision that was refused, where that much can be read of it."""
    try:
        return msgspec.json.decode(raw, type=_Keyed).client_key[:MAX_NAME]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class _Keyed(msgspec.Struct):
    client_key: str


def _decision(line: DecisionLine) -> Decision:
    if line.mt5_account is None:
        raise Wrong("mt5_account", "is required: the account that the decision is for")
    if line.at is not None:
        raise Wrong("at", "belongs to a replay; a decision arrives when it is sent")
    _check_unit("expires_at", line.expires_at)
    _check_unit("expiration", line.expiration)
    account = str(line.mt5_account)
    check_text("mt5_account", account, MAX_NAME)
    if line.user_id:
        check_text("user_id", line.user_id, MAX_NAME)
    if line.reason:
        check_text("reason", line.reason, MAX_REASON)
    if line.correlation_id:
        check_text("correlation_id", line.correlation_id, MAX_NAME)
    sure = line.confidence_score
    if sure is not None and not 0 <= sure <= 1:  # false for NaN too
        raise Wrong("confidence_score", f"expected 0 to 1, not {sure!r}")
    named = _check_tickets(line)
    intent = msgspec.structs.replace(
        intent_of(line, size_may_lack=True, ticket_named=named),
        target_ticket=line.position_ticket,
        target_order=line.order_ticket,
        user_id=line.user_id or "",
        reason=line.reason or "",
        confidence=sure,
        correlation_id=line.correlation_id or "",
    )
    return Decision(intent=intent, account=account, auto_execute=line.auto_execute or False)


_TICKETS: dict[str, tuple[Action, ...]] = {
    "position_ticket": (Action.CLOSE, Action.MODIFY),
    "order_ticket": (Action.MODIFY, Action.CANCEL),
}
"""The broker's ticket in place of a target, and the actions that it has a meaning for."""


def _check_tickets(line: DecisionLine) -> bool:
    """Whether the broker's ticket says what is meant. Raises `Wrong`."""
    action = line.action or Action.OPEN
    given = [field for field in _TICKETS if getattr(line, field) is not None]
    for field in given:
        ticket = getattr(line, field)
        if action not in _TICKETS[field]:
            raise Wrong(field, f"has no meaning for action {action}; leave it out")
        if not 0 < ticket <= MAX_TICKET:
            raise Wrong(field, f"expected the broker's ticket, above 0, not {ticket}")
    named = [*given, *(["target"] if line.target is not None else [])]
    if len(named) > 1:
        raise Wrong(named[0], f"{named[1]} is given too; give one of the two")
    return bool(given)


def _check_unit(field: str, value: int | float | str | None) -> None:
    """Raises `Wrong` for a Unix time in seconds, which would have passed long ago."""
    if isinstance(value, int | float) and 0 < value < LEAST_MS:
        raise Wrong(
            field,
            f"expected Unix milliseconds, and {value!r} is a time in seconds: write "
            f"{int(value * 1_000)}, or RFC 3339 with an offset (2014-05-08T12:00:00Z)",
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_account(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, int) and not isinstance(value, bool))


def _is_ticket(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_ALSO: Expected = {
    "mt5_account": (_is_account, "the account's login"),
    "user_id": (_is_text, "text"),
    "auto_execute": (lambda value: isinstance(value, bool), "true or false"),
    "confidence_score": (_is_number, "a number from 0 to 1"),
    "reason": (_is_text, "text"),
    "correlation_id": (_is_text, "text"),
    "position_ticket": (_is_ticket, "the broker's ticket, a whole number"),
    "order_ticket": (_is_ticket, "the broker's ticket, a whole number"),
}
