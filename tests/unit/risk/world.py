"""A small market, account and limits for the tests of risk; every test changes what it is about."""

import itertools
import json
import tomllib
from typing import Any

import msgspec

from onefill.model import events as ev
from onefill.model.account import AccountState, LossMarks
from onefill.model.deal import Deal, Entry
from onefill.model.fold import apply
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.market import MarketView
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, ResolvedOrder
from onefill.model.states import State
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8
from onefill.risk.approved import RiskApproved
from onefill.risk.limits import Limits, limits_text, parse_limits
from onefill.risk.reasons import Denial
from onefill.risk.review import review
from onefill.risk.stage1 import validate

NOW_MS = 1_399_507_200_000
SHIPPED: dict[str, Any] = tomllib.loads(limits_text())["account"]
EURUSD = Symbol(
    name="EURUSD",
    digits=5,
    contract_size=100_000,
    volume_min_e8=to_e8(0.01),
    volume_max_e8=to_e8(500),
    volume_step_e8=to_e8(0.01),
    base="EUR",
    profit="USD",
    margin="EUR",
)
#: Bid 1.38000, ask 1.38010: a lot is worth 138,010 USD at the ask and needs 1,380.10 of margin.
QUOTE = MarketView(
    symbol="EURUSD",
    quote_ms=NOW_MS - 1000,
    bid=1.38,
    ask=1.3801,
    point_value=1.0,
    margin_per_lot=1380.10,
    session_open=True,
    balance=1_000_000.0,
    equity=1_000_000.0,
    margin=0.0,
    margin_free=100_000_000.0,
    currency="USD",
    currency_digits=2,
    open_positions=0,
    open_orders=0,
)


#: The account has neither won nor lost.
MARKS = LossMarks(16_198, 1_000_000.0, 1_000_000.0)


def limits(
    drop: tuple[str, ...] = (), levels: dict[str, dict[str, Any]] | None = None, **account: Any
) -> Limits:
    """The shipped limits but for some of [account], and other levels beside it."""
    tables = {"account": {**SHIPPED, **account}, **(levels or {})}
    tables["account"] = {k: v for k, v in tables["account"].items() if k not in drop}
    return parse_limits(toml(tables), "limits.toml")


def toml(tables: dict[str, dict[str, Any]]) -> str:
    """Tables of plain values as TOML."""
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def view(**changes: Any) -> MarketView:
    """The quote and the account, but for what a test changes."""
    return msgspec.structs.replace(QUOTE, **changes)


def symbol(**changes: Any) -> Symbol:
    """EURUSD, but for what a test changes."""
    return msgspec.structs.replace(EURUSD, **changes)


def account() -> AccountState:
    """An account on which nothing has happened."""
    return AccountState(account="test")


_keys = (f"order-{number}" for number in itertools.count(1))


def opening(
    side: Side = Side.BUY, volume: float = 1.0, kind: OrderType = OrderType.MARKET, **fields: Any
) -> tuple[OrderIntent, ResolvedOrder]:
    """An order to open, as it came and as it was resolved."""
    magic = fields.pop("magic", 0)
    key = fields.pop("key", None) or next(_keys)
    expiration_ms = fields.pop("expiration_ms", 0)
    name = fields.pop("symbol", "EURUSD")
    intent = OrderIntent(
        client_key=key,
        action=Action.OPEN,
        symbol=name,
        side=side,
        volume=volume,
        order_type=kind,
        magic=magic,
        expiration_ms=expiration_ms or None,
        **fields,
    )
    pending = kind is not OrderType.MARKET
    price = fields.pop("price", 0.0)
    order = ResolvedOrder(
        action=Action.OPEN,
        symbol=name,
        side=side,
        order_type=kind,
        volume_e8=to_e8(volume),
        price=price if pending else 0.0,
        expiration_ms=expiration_ms,
        requested_price=price or (QUOTE.ask if side is Side.BUY else QUOTE.bid),
        pip_points=10,
        digits=5,
        **fields,
    )
    return intent, order


def other(action: Action, **fields: Any) -> tuple[OrderIntent, ResolvedOrder]:
    """A close, a change or a cancel."""
    intent = OrderIntent(client_key=next(_keys), action=action, target="t")
    return intent, ResolvedOrder(action=action, symbol="EURUSD", digits=5, pip_points=10, **fields)


Pair = tuple[OrderIntent, ResolvedOrder]


def judge(
    pair: Pair,
    held: Limits | None = None,
    state: AccountState | None = None,
    now_ms: int = NOW_MS,
    spec: Symbol = EURUSD,
    marks: LossMarks | None = None,
    **changes: Any,
) -> RiskApproved[OrderIntent] | Denial:
    """What the review says; `changes` are of the quote and the account's money."""
    intent, order = pair
    verdict = review(
        intent,
        order,
        spec,
        view(symbol=order.symbol, **changes),
        account() if state is None else state,
        limits() if held is None else held,
        now_ms,
        marks or MARKS,
    )
    if isinstance(verdict, Denial):
        assert not {"{", "}"} & set(verdict.message), verdict.message
    return verdict


def code(pair: Pair, *arguments: Any, **changes: Any) -> str:
    """The denial's code; "" where the order was approved."""
    verdict = judge(pair, *arguments, **changes)
    return verdict.code if isinstance(verdict, Denial) else ""


def accept(state: AccountState, pair: Pair, held: Limits, **changes: Any) -> OrderState | Denial:
    """Review, and take what was approved into the state as the engine's one commit does."""
    verdict = judge(pair, held, state, **changes)
    if isinstance(verdict, Denial):
        return verdict
    intent, order = pair
    event = ev.Accepted(
        key=intent.client_key,
        intent_id="0" * 32,
        content=b"",
        intent=intent,
        order=order,
        reservation=verdict.reservation,
        repeat=verdict.repeat,
        repeat_window_ms=verdict.repeat_window_ms,
        message_window_ms=verdict.message_window_ms,
        alike_window_ms=verdict.alike_window_ms,
    )
    apply(state, event, state.records + 1, changes.get("now_ms", NOW_MS))
    return state.orders[intent.client_key]


def accepted(state: AccountState, pair: Pair, held: Limits | None = None) -> OrderState:
    """An order that must be accepted."""
    order = accept(state, pair, held or limits())
    assert isinstance(order, OrderState), order
    return order


def send(state: AccountState, order: OrderState) -> None:
    """ACCEPTED to SENDING."""
    sending = ev.Sending(
        key=order.key,
        attempt=1,
        epoch=1,
        server_ms=NOW_MS,
        baseline_ticket=0,
        request=BrokerRequest(action=1),
    )
    apply(state, sending, state.records + 1, NOW_MS)


def move(state: AccountState, order: OrderState, to: State, **fields: Any) -> None:
    """A step of the table."""
    apply(state, ev.Moved(key=order.key, to=to, **fields), state.records + 1, NOW_MS)


def fill(state: AccountState, order: OrderState, ticket: int) -> None:
    """A market order on its way fills wholly, as position `ticket`."""
    send(state, order)
    resolved = order.order
    assert resolved is not None
    deal = Deal(
        ticket=ticket,
        order=ticket,
        position=ticket,
        symbol=resolved.symbol,
        side=resolved.side,
        entry=Entry.IN,
        volume_e8=resolved.volume_e8,
        price=resolved.requested_price,
        time_ms=NOW_MS,
        magic=order.intent.magic,
    )
    move(state, order, State.FILLED, order_ticket=ticket, position_ticket=ticket, deals=(deal,))


def work(state: AccountState, order: OrderState, ticket: int) -> None:
    """A pending order on its way reaches the broker."""
    send(state, order)
    move(state, order, State.WORKING, order_ticket=ticket)


def late_check(
    order: OrderState, state: AccountState, held: Limits | None = None, /, **changes: Any
) -> str:
    """The code with which stage 1 denies; "" where the order may be sent."""
    spec, marks = changes.pop("spec", EURUSD), changes.pop("marks", MARKS)
    denial = validate(order, spec, view(**changes), held or limits(), state, NOW_MS, marks)
    if denial is None:
        return ""
    assert not {"{", "}"} & set(denial.message), denial.message
    return denial.code
