"""What can happen at the simulated broker: the entries of its book, one JSON line each.

Every entry has `what`, its kind, and `at_ms`, when it happened (Unix ms). Prices, volumes (lots)
and money (account currency) are plain numbers, exact as decimals. The kinds:

- `account`   the account was opened: login, server, currency, its digits, leverage.
- `fence`     only engines of `epoch` or later are listened to from here on.
- `request`   the broker has looked at a trade request: `request` holds MT5's fields (those that
              are 0 or empty left out; the comment as it was sent), `retcode` what it decided,
              `order` the order that came of it or that it changed (0: none), `late` the number
              under which it was scheduled, where it was carried out late.
- `order`     an order as it stands now, whole (`OrderRow`): state 1 placed and 3 partly filled are
              working; 2 cancelled, 4 filled, 5 rejected and 6 expired are over. `fate` is what
              faults will do to it, `hidden_ms` until when history does not show its end.
- `deal`      an execution (`DealRow`); type 2 moves only the balance. The balance is the sum of
              all deals' profit, commission, swap and fee.
- `position`  a position as it stands now, whole; volume 0: it is closed.
- `day`       the server's day `day` has begun: swaps were charged, orders of the day are gone.
- `late`      a request is to be carried out at `due_ms`, under number `late`.
- `offline`   the terminal has no connection until `until_ms`.
- `trouble`   a fault of kind `kind` lasts until `until_ms`; `amount` is how far the server's clock
              is off (ms), where it is that.
- `missed`    a fault kept a request from the broker; what later ones are struck by depends on it.
- `end`       all of the above since the last `end` happened as one; what follows the last `end` is
              torn off by a crash and never happened.
"""

from __future__ import annotations

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.terminal.port import REASON_EXPERT, DealRow, OrderRow

VERSION = 2


class Fate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What faults have in store for an order. Drawn when its request arrives, because the broker
    never learns the client key that draws depend on."""

    #: The comment that the broker puts in the place of the client's.
    comment: str | None = None
    #: It ends without a fill: a market order at once, a pending order rejected when it is due.
    nothing: bool = False
    #: Shares of what is open that are filled first, one at a time.
    parts: tuple[float, ...] = ()
    #: Once it is over, history does not show it for so long.
    hide_ms: int = 0


NO_FATE = Fate()


class AccountOpened(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="account"
):
    """The first entry of a book."""

    at_ms: int
    version: int
    login: int
    server: str
    currency: str
    currency_digits: int
    leverage: int


class Fenced(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="fence"):
    """Older engines are shut out."""

    at_ms: int
    epoch: int


class Requested(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="request"
):
    """The broker looked at a request and decided."""

    at_ms: int
    retcode: int
    request: BrokerRequest
    order: int = 0
    late: int = 0


class Ordered(OrderRow, frozen=True, kw_only=True, gc=False, tag_field="what", tag="order"):
    """An order as it stands now."""

    at_ms: int
    fate: Fate = NO_FATE
    hidden_ms: int = 0


class Dealt(DealRow, frozen=True, kw_only=True, gc=False, tag_field="what", tag="deal"):
    """An execution."""

    at_ms: int


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="position"):
    """A position as it stands now. `type` 0 buy, 1 sell."""

    at_ms: int
    ticket: int
    #: The order that opened it: what its deals have as `position_id`.
    identifier: int
    symbol: str
    type: int
    magic: int
    volume: float
    price_open: float
    sl: float
    tp: float
    comment: str
    time_ms: int
    update_ms: int
    #: Margin currency in account currency at the opening, as a fraction; to 12 decimals.
    margin_rate: tuple[int, int] = (1, 1)
    #: Where several fills made it: the average price in points, to 1e-8 of one, as a fraction.
    average: tuple[int, int] | None = None
    #: Account money that rollovers have put on it; it moves to the deals that close it.
    swap: float = 0.0
    reason: int = REASON_EXPERT


class DayBegun(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="day"):
    """A server day has begun (days since 1970-01-01 on the server's clock)."""

    at_ms: int
    day: int


class Scheduled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="late"):
    """A request to be carried out later."""

    at_ms: int
    late: int
    due_ms: int
    request: BrokerRequest
    fate: Fate = NO_FATE


class WentOffline(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="offline"
):
    """The connection was lost."""

    at_ms: int
    until_ms: int


class Troubled(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="trouble"
):
    """A fault that lasts for a while."""

    at_ms: int
    kind: str
    until_ms: int
    amount: int = 0


class Missed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="missed"):
    """A request never came to the broker's attention."""

    at_ms: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="what", tag="end"):
    """What happened together is complete."""

    at_ms: int


Entry = (
    AccountOpened
    | Fenced
    | Requested
    | Ordered
    | Dealt
    | Held
    | DayBegun
    | Scheduled
    | WentOffline
    | Troubled
    | Missed
    | Ended
)

encode_entries = msgspec.json.Encoder().encode_lines
"""Entries as lines, each with its newline."""

decode_entry = msgspec.json.Decoder(Entry).decode
"""The entry in a line; `msgspec.DecodeError` (or its subclass) where it is none."""
