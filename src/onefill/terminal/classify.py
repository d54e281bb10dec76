"""What an answer of `order_send` proves: every (action, code) in exactly one class.

The protocol's step 6 as one table; a code that is not in it is ambiguous. The documentation's
tables are generated from here (`outcomes_table`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from onefill.terminal import port
from onefill.terminal.codes import ERRORS, RETCODES
from onefill.terminal.port import Reply, SendResult


class Outcome(StrEnum):
    """What is proven."""

    DONE = "done"  # carried out; a pending order: accepted and working
    PARTLY = "partly"  # carried out in part
    PLACED = "placed"  # accepted and working
    REFUSED = "refused"  # not executed
    RETRY = "retry"  # not executed, and another attempt may be
    NEVER_SENT = "never_sent"  # it never left this machine
    LOOK = "look"  # what it was to act on has changed: the state must be looked at
    AMBIGUOUS = "ambiguous"  # nothing is proven


class Classified(NamedTuple):
    """An answer's class, with its code, MT5's name of the code, and a text for people."""

    outcome: Outcome
    code: int
    name: str
    text: str


ACTIONS = {
    port.ACTION_DEAL: "DEAL",
    port.ACTION_PENDING: "PENDING",
    port.ACTION_SLTP: "SLTP",
    port.ACTION_MODIFY: "MODIFY",
    port.ACTION_REMOVE: "REMOVE",
    port.ACTION_CLOSE_BY: "CLOSE_BY",
}
_TRADES = (port.ACTION_DEAL, port.ACTION_PENDING, port.ACTION_CLOSE_BY)
_CHANGES = (port.ACTION_SLTP, port.ACTION_MODIFY)
_O = Outcome

#: Retcode to class, whatever the action; `BY_ACTION` has the exceptions.
BY_RETCODE: dict[int, Outcome] = {
    10004: _O.RETRY,
    10006: _O.REFUSED,
    10007: _O.REFUSED,
    10008: _O.PLACED,
    10009: _O.DONE,
    10010: _O.PARTLY,
    10011: _O.AMBIGUOUS,
    10012: _O.AMBIGUOUS,
    10013: _O.REFUSED,
    10014: _O.REFUSED,
    10015: _O.REFUSED,
    10016: _O.REFUSED,
    10017: _O.REFUSED,
    10018: _O.REFUSED,
    10019: _O.REFUSED,
    10020: _O.RETRY,
    10021: _O.RETRY,
    10022: _O.REFUSED,
    10023: _O.LOOK,
    10024: _O.REFUSED,
    10025: _O.AMBIGUOUS,  # nothing to change: no answer to a trade
    10026: _O.REFUSED,
    10027: _O.REFUSED,
    10028: _O.AMBIGUOUS,
    10029: _O.REFUSED,
    10030: _O.REFUSED,
    10031: _O.AMBIGUOUS,
    10032: _O.REFUSED,
    10033: _O.REFUSED,
    10034: _O.REFUSED,
    10035: _O.REFUSED,
    10036: _O.LOOK,
    10038: _O.REFUSED,
    10039: _O.REFUSED,
    10040: _O.REFUSED,
    10041: _O.LOOK,  # an order was made, and cancelled when it was due
    10042: _O.REFUSED,
    10043: _O.REFUSED,
    10044: _O.REFUSED,
    10045: _O.REFUSED,
    10046: _O.REFUSED,
}

#: Where the action makes the difference.
BY_ACTION: dict[tuple[int, int], Outcome] = {
    # The levels are what they were to become.
    **{(action, 10025): _O.DONE for action in _CHANGES},
    (port.ACTION_REMOVE, 10025): _O.LOOK,
    # "Accepted" and "in part" prove nothing of a change or a removal.
    **{(action, 10008): _O.LOOK for action in (*_CHANGES, port.ACTION_REMOVE)},
    **{(action, 10010): _O.LOOK for action in (*_CHANGES, port.ACTION_REMOVE)},
}

#: `last_error` to class, where `order_send` gave no result.
BY_ERROR: dict[int, Outcome] = {
    1: _O.AMBIGUOUS,  # no result, and no error either
    -1: _O.AMBIGUOUS,
    -2: _O.NEVER_SENT,  # the arguments were wrong
    -3: _O.AMBIGUOUS,  # out of memory: perhaps only for the answer
    -4: _O.AMBIGUOUS,
    -5: _O.NEVER_SENT,  # package and terminal do not understand each other
    -6: _O.AMBIGUOUS,
    -7: _O.NEVER_SENT,  # the terminal has no such function
    -8: _O.NEVER_SENT,  # the terminal takes no orders from Python
    -10000: _O.AMBIGUOUS,
    -10001: _O.AMBIGUOUS,
    -10002: _O.AMBIGUOUS,
    -10003: _O.AMBIGUOUS,
    -10004: _O.AMBIGUOUS,
    -10005: _O.AMBIGUOUS,
    port.TIMED_OUT: _O.AMBIGUOUS,
    port.WORKER_DIED: _O.AMBIGUOUS,
    port.STALE_EPOCH: _O.NEVER_SENT,
    port.TOO_LATE: _O.NEVER_SENT,
    port.NO_WORKER: _O.RETRY,
}

_GOOD = frozenset({_O.DONE, _O.PARTLY, _O.PLACED})
_NOTHING_DONE = frozenset({_O.REFUSED, _O.RETRY})


def classify(action: int, reply: Reply) -> Classified:
    """What the reply to an `order_send` of this action proves.

    A result that contradicts itself (a success without a ticket, a refusal with a deal) proves
    nothing.
    """
    result: SendResult | None = reply.value
    if result is None:
        code, said = reply.error
        name, meaning = ERRORS.get(code, ("UNKNOWN_ERROR", "an error that MT5 does not document"))
        outcome = BY_ERROR.get(code, _O.AMBIGUOUS)
        return Classified(outcome, code, name, f"no result: {_plain(said) or meaning} ({code})")
    code = result.retcode
    name, meaning = RETCODES.get(code, ("UNKNOWN_RETCODE", "a code that MT5 does not document"))
    outcome = _of_retcode(action, code)
    text = f"{_plain(result.comment) or meaning} ({code})"
    wrong = _contradiction(action, outcome, result)
    if wrong:
        return Classified(_O.AMBIGUOUS, code, name, f"{text}, but {wrong}")
    return Classified(outcome, code, name, text)


def _of_retcode(action: int, code: int) -> Outcome:
    if action not in ACTIONS:
        return _O.AMBIGUOUS
    return BY_ACTION.get((action, code)) or BY_RETCODE.get(code, _O.AMBIGUOUS)


def _contradiction(action: int, outcome: Outcome, result: SendResult) -> str:
    """Why a result cannot be believed, in words; empty where it can."""
    if action not in _TRADES:
        return ""
    evidence = result.order or (result.deal if action != port.ACTION_PENDING else 0)
    if outcome in _GOOD and not evidence:
        return "it names no order"
    if outcome in _NOTHING_DONE and (result.deal or result.order):
        return f"it names order {result.order} and deal {result.deal}"
    return ""


def _plain(text: str) -> str:
    """A broker's comment on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def outcomes_table() -> str:
    """Both tables as Markdown, for the documentation."""
    rows = ["| code | name | meaning | class |", "|---|---|---|---|"]
    for code, outcome in BY_RETCODE.items():
        told = [f"{outcome}"]
        told += [f"{ACTIONS[a]}: {other}" for (a, c), other in BY_ACTION.items() if c == code]
        rows.append(f"| {code} | {RETCODES[code][0]} | {RETCODES[code][1]} | {'; '.join(told)} |")
    for code, outcome in BY_ERROR.items():
        rows.append(f"| {code} | {ERRORS[code][0]} | {ERRORS[code][1]} | {outcome} |")
    return "\n".join(rows) + "\n"
