"""Mistakes planted into the model, one at a time: a comparison that does not find them is worth
nothing. Each is one place of the source of one function, changed."""

from __future__ import annotations
import __future__

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import getsource
from textwrap import dedent
from types import CodeType
from typing import Any

from tests.model.reference import (
    checks,
    days,
    margin,
    money,
    pendings,
    positions,
    stop_out,
    trading,
)
from tests.model.reference.account import Account
from tests.model.reference.money import Money
from tests.model.reference.server import Server


@dataclass(frozen=True, slots=True)
class Mutation:
    """A function, and what of its source becomes what."""

    says: str
    function: Callable[..., Any]
    right: str
    wrong: str
    #: The broker (its place) at which it is looked for first.
    broker: int = 0

    @contextmanager
    def planted(self) -> Iterator[None]:
        """While this lasts the mistake is made."""
        source = dedent(getsource(self.function))
        assert source.count(self.right) == 1, (self.says, source.count(self.right))
        changed = source.replace(self.right, self.wrong)
        flags = __future__.annotations.compiler_flag
        module = compile(changed, f"<{self.says}>", "exec", flags=flags, dont_inherit=True)
        code = next(
            one
            for one in module.co_consts
            if isinstance(one, CodeType) and one.co_name == self.function.__name__
        )
        before = self.function.__code__
        self.function.__code__ = code
        try:
            yield
        finally:
            self.function.__code__ = before


MUTATIONS = (
    Mutation(
        "profit is rounded down", money.rounded, "if amount > 0 else -nearest",
        "if amount > 0 else -nearest - (2 * whole.numerator % whole.denominator > 0)",
    ),
    Mutation(
        "gains are converted as losses are", Money.profit_rate, "buying=not gain", "buying=True"
    ),
    Mutation(
        "closing deals pay a commission too", Money.costs, "{IN: volume, INOUT: opened}",
        "{IN: volume, 1: volume, INOUT: opened}",
        broker=2,
    ),
    Mutation(
        "hedged volume binds nothing", margin.of_symbol, "return uncovered + _bound",
        "return uncovered + 0 * _bound",
    ),
    Mutation(
        "margin is converted at the bid for buys too", margin.rate_now, "buying=sign > 0",
        "buying=False",
    ),
    Mutation(
        "a reversal makes a new position", positions._reverse,
        "_put(account, order, position.identifier", "_put(account, order, order.ticket",
        broker=2,
    ),
    Mutation(
        "adding keeps the magic of before", positions._add, "magic=order.magic",
        "magic=position.magic",
        broker=2,
    ),
    Mutation(
        "a partial close forgets when it was", positions._shrink, "update_ms=account.now_ms",
        "update_ms=position.update_ms",
    ),
    Mutation(
        "a partial close takes all of the swap", positions._share,
        "* volume / position.volume", "",
        broker=6,
    ),
    Mutation(
        "close-by closes at the price of the first", positions.close_by, "other.price",
        "position.price",
    ),
    Mutation("a take profit must be passed", pendings._stop, ">= 0", "> (side < 0) - 1"),
    Mutation(
        "a removed order expires", pendings.remove, "CANCELED", "6"
    ),
    Mutation(
        "a triggered stop limit fills at once", pendings._trigger,
        "if (order.price - price) * sign < 0:\n            account.orders",
        "if False:\n            account.orders",
    ),
    Mutation(
        "a day ends at midnight in London", checks.expiration,
        "((account.now_ms + clock) // DAY_MS + 1) * DAY_MS - clock",
        "(account.now_ms // DAY_MS + 1) * DAY_MS",
        broker=1,
    ),
    Mutation("frozen begins a point later", checks.check_frozen, "<= near", "< near", broker=1),
    Mutation(
        "stops may be a point nearer", checks.check_stops, "max(1, symbol.stops_level)",
        "(max(1, symbol.stops_level) - 1)",
        broker=5,
    ),
    Mutation(
        "the deviation is not reached", checks.check_deviation, "> request.deviation",
        ">= request.deviation",
        broker=1,
    ),
    Mutation(
        "pending orders are no positions yet", checks.check_positions_limit,
        "count += len(account.orders)", "pass",
        broker=1,
    ),
    Mutation(
        "the volume limit forgets pending orders", checks.check_volume_limit,
        "volume += order.rest", "pass",
        broker=1,
    ),
    Mutation("no night counts threefold", days.nights_before, "3 if", "1 if", broker=2),
    Mutation(
        "interest runs on the price now", days._night, "YEARLY_OPEN: position.price",
        "YEARLY_OPEN: close",
        broker=6,
    ),
    Mutation(
        "the best position is stopped out", stop_out.look, "worst = min(", "worst = max(",
        broker=6,
    ),
    Mutation(
        "the stop-out comes late", stop_out.is_due,
        "account.equity() <= level", "account.equity() <= level - 200",
        broker=7,
    ),
    Mutation(
        "a check of an order frees hedged margin", Server.check,
        "margin.of_deal(account, *opens)", "margin.added(account, *opens)",
    ),
    Mutation(
        "comments are kept whole", pendings.place, "[: account.broker.comment_limit]", "",
        broker=1,
    ),
    Mutation(
        "the free margin is the equity", trading.can_pay, " - account.margin()", "", broker=6),
    Mutation(
        "take profits slip too", positions.close_by_server, "if reason != BY_TP:", "if True:"
    ),
    Mutation(
        "what an exchange order has left is cancelled", trading._execute,
        "if rests and ZERO", "if not volume and ZERO", broker=3,
    ),
    Mutation(
        "orders are triggered out of hours", Server.tick, "if self.is_open(symbol):", "if name:",
        broker=3,
    ),
    Mutation("a weekend's nights count too", days.nights_before, "in (0, 6)", "in ()", broker=2),
    Mutation(
        "both sides bind with the larger leg", margin.of_symbol, "symbol.margin_larger_leg",
        "not symbol.name", broker=4,
    ),
    Mutation("equity leaves swaps out", Account.floating, " + one.swap", "", broker=6),
)  # fmt: skip
