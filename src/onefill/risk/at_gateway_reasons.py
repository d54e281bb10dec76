"""Why a gateway says no before a command leaves: every code with its control and its sentence."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from onefill.risk.reasons import Denial


class GatewayCode(StrEnum):
    """What programs see of a gateway's denial; `GATEWAY_REASONS` has the sentence for people."""

    HALTED = "HALTED"
    KILLED = "KILLED"
    NOT_ATTESTED = "NOT_ATTESTED"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    ACCOUNT_NOT_THE_USERS = "ACCOUNT_NOT_THE_USERS"
    ACCOUNT_KIND_DIFFERS = "ACCOUNT_KIND_DIFFERS"
    BROKER_NOT_APPROVED = "BROKER_NOT_APPROVED"
    USER_NOT_ACTIVE = "USER_NOT_ACTIVE"
    USER_AUTO_TRADING_OFF = "USER_AUTO_TRADING_OFF"
    CONFIDENCE_TOO_LOW = "CONFIDENCE_TOO_LOW"
    PROFILE_MISSING = "PROFILE_MISSING"
    PROFILE_STALE = "PROFILE_STALE"
    POSITIONS_NOT_TOLD = "POSITIONS_NOT_TOLD"
    TERMINAL_NOT_TRADING = "TERMINAL_NOT_TRADING"
    SYMBOL_NOT_THE_HOLDERS = "SYMBOL_NOT_THE_HOLDERS"
    SIZE_MISSING = "SIZE_MISSING"
    SIZE_IN_UNITS = "SIZE_IN_UNITS"
    INTENT_INCOMPLETE = "INTENT_INCOMPLETE"
    ADVICE_ONLY = "ADVICE_ONLY"
    TOO_MANY_WAITING = "TOO_MANY_WAITING"
    NOT_EXPRESSIBLE = "NOT_EXPRESSIBLE"
    KEY_RESERVED = "KEY_RESERVED"
    EXPIRED = "EXPIRED"


class GatewayReason(NamedTuple):
    """One row: the control's number (empty: none of the list) and the sentence."""

    control: str
    sentence: str


_C = GatewayCode
_R = GatewayReason

#: `{limit}` in a sentence is a limit as `Limits.told` tells it: name, value and where it is set.
GATEWAY_REASONS: dict[GatewayCode, GatewayReason] = {
    _C.HALTED: _R(
        "1",
        "trading is halted ({halt}): only closes and cancels pass until a person resumes it",
    ),
    _C.KILLED: _R(
        "1", "the order was not sent: trading was halted while it waited ({halt}); decide anew"
    ),
    _C.NOT_ATTESTED: _R(
        "22",
        "the client holds to limits {told}, and {approved} were approved for the account; approve "
        "them or mend the client's limits file",
    ),
    _C.ACCOUNT_UNKNOWN: _R("9", "no account {account!r} is registered; check mt5_account"),
    _C.ACCOUNT_NOT_ACTIVE: _R(
        "9", "account {account} is {standing}: it is traded once an administrator makes it active"
    ),
    _C.ACCOUNT_NOT_THE_USERS: _R(
        "9", "account {account} does not belong to user {user!r}; check user_id and mt5_account"
    ),
    _C.ACCOUNT_KIND_DIFFERS: _R(
        "9",
        "account {account} is registered as {registered} and its terminal says {told}; register it "
        "as what it is",
    ),
    _C.BROKER_NOT_APPROVED: _R(
        "9", "broker {broker!r} of account {account} is not approved; an administrator approves it"
    ),
    _C.USER_NOT_ACTIVE: _R("9", "user {user!r} is unknown or not active"),
    _C.USER_AUTO_TRADING_OFF: _R(
        "9", "automatic trading is switched off for user {user!r}; switch it on to trade"
    ),
    _C.CONFIDENCE_TOO_LOW: _R(
        "9",
        "confidence_score {score} is below the {least} that is asked for{why}; decide with more "
        "confidence or lower the user's least",
    ),
    _C.PROFILE_MISSING: _R(
        "15",
        "no client of account {account} has told its profile yet, so that nothing can be judged; "
        "connect its client",
    ),
    _C.PROFILE_STALE: _R(
        "15",
        "the last profile of account {account} is {age} s old, more than {most} s; look at its "
        "client's connection",
    ),
    _C.POSITIONS_NOT_TOLD: _R(
        "12",
        "account {account} has {count} positions open, more than its client can list in a profile, "
        "so that counts and volumes cannot be judged; close some",
    ),
    _C.TERMINAL_NOT_TRADING: _R("9", "the terminal of account {account} does not trade now: {why}"),
    _C.SYMBOL_NOT_THE_HOLDERS: _R(
        "9", "{symbol} is not among the symbols that the account's holder allows ({symbols})"
    ),
    _C.SIZE_MISSING: _R(
        "5",
        "the decision names no size above 0, and the account's holder prefers none; name one",
    ),
    _C.SIZE_IN_UNITS: _R(
        "5",
        "a size in units cannot be held against {limit} at the gateway, which knows no contract "
        "sizes; name the volume in lots",
    ),
    _C.INTENT_INCOMPLETE: _R("16", "the decision names no {field}"),
    _C.ADVICE_ONLY: _R("", "the decision is not marked for automatic execution: it is recorded"),
    _C.TOO_MANY_WAITING: _R(
        "17", "{count} orders wait for the account's client already; connect it, or cancel some"
    ),
    _C.NOT_EXPRESSIBLE: _R(
        "", "the client's contract has no words for this order ({what}); connect an enveloped one"
    ),
    _C.KEY_RESERVED: _R(
        "", "client_key {key!r} is of a form kept for the gateway's own orders; choose another"
    ),
    _C.EXPIRED: _R("", "the order expired before it could be sent; it was not sent"),
}


def refuse(code: GatewayCode, **values: object) -> Denial:
    """The denial, its sentence filled in."""
    return Denial(code.value, GATEWAY_REASONS[code].sentence.format_map(values))
