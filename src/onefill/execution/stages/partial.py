"""Stage 7: how much of the order filled, and what is said of the rest."""

from __future__ import annotations

import msgspec

from onefill.execution.outcome import Outcome
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.volume import to_lots

_FULL, _ENOUGH = 0.99, 0.90


def settle_partial(order: OrderState, outcome: Outcome) -> Outcome:
    """The outcome, with a sentence on the rest where only a part filled.

    The published contract's bounds: from 99 % an order counts as filled, from 90 % as partly
    filled, below as insufficient. The rest of a market order never waits at the broker: it was
    sent immediate-or-cancel. What filled stays, and is never reported as rejected.
    """
    filled = order.filled_e8 + sum(deal.volume_e8 for deal in outcome.deals)
    asked = order.asked_e8
    if outcome.to not in (State.CANCELLED, State.EXPIRED) or not filled or filled >= asked:
        return outcome
    share = filled / asked
    code = "INSUFFICIENT_FILL" if share < _ENOUGH else "PARTLY_FILLED"
    code = "REST_CANCELLED" if share >= _FULL else code
    return msgspec.structs.replace(
        outcome,
        code=code,
        message=f"{to_lots(filled):g} of {to_lots(asked):g} lots filled ({share:.0%}); "
        "the rest was cancelled, what filled stays",
    )
