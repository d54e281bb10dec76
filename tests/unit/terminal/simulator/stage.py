"""A small market and a terminal on it, for the tests of the simulator."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Reply, Request, SendResult
from onefill.terminal.simulator.faults import parse_faults
from onefill.terminal.simulator.profile import Profile, load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries

#: A Thursday, 12:00 UTC.
NOON = 1_399_550_400_000

#: Time in ms after NOON, bid and ask in points.
Quote = tuple[int, int, int]


def series(symbol: str, quotes: Sequence[Quote]) -> TickSeries:
    """Ticks of a symbol."""
    table = np.array(quotes, np.int64).reshape(-1, 3)
    return TickSeries(
        symbol,
        table[:, 0] + NOON,
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int32),
        len(table),
    )


def profile_with(tmp_path: Path, toml: str) -> Profile:
    """The shipped profile with changes."""
    file = tmp_path / "broker.toml"
    file.write_text(toml, encoding="utf-8")
    return load_profile(file)


class Stage:
    """A terminal, and calls to it at times after NOON."""

    def __init__(
        self,
        quotes: Sequence[Quote] | Mapping[str, Sequence[Quote]],
        *,
        profile: Profile | None = None,
        faults: str = "",
        seed: int = 0,
        book: Path | None = None,
        hook: Callable[[str], None] | None = None,
        currency: str = "USD",
        balance: float = 10_000.0,
        leverage: int = 100,
        lazily: bool = False,
    ) -> None:
        markets = quotes if isinstance(quotes, Mapping) else {"EURUSD": quotes}
        self.terminal = SimulatedTerminal(
            profile or load_profile(),
            {name: series(name, part) for name, part in markets.items()},
            currency=currency,
            balance=balance,
            leverage=leverage,
            book=book,
            faults=parse_faults(faults, seed) if faults else None,
            hook=hook,
            lazily=lazily,
        )

    @property
    def now(self) -> int:
        """The time, after NOON."""
        return self.terminal.now_ms - NOON

    def advance(self, to: int) -> int:
        """Let the market run to a time, at most."""
        return self.terminal.advance(NOON + to) - NOON

    def run(self, to: int) -> None:
        """Let the market run to a time, whatever happens."""
        while self.advance(to) < to:
            pass

    def ask(self, name: str, **arguments: Any) -> Any:
        """The value of a call that looks."""
        reply = self.terminal.call(Request(name, arguments), self.terminal.now_ms)
        assert isinstance(reply, Reply)
        return reply.value

    def call(
        self,
        request: BrokerRequest,
        at: int | None = None,
        *,
        key: str = "",
        attempt: int = 1,
        epoch: int = 0,
        not_after: int | None = None,
        deadline: int | None = None,
    ) -> Any:
        """`order_send`, as the port answers it."""
        return self.terminal.call(
            Request(
                "order_send",
                {"request": request},
                epoch,
                None if not_after is None else NOON + not_after,
                None if deadline is None else NOON + deadline,
                key,
                attempt,
            ),
            self.terminal.now_ms if at is None else NOON + at,
        )

    def send(self, request: BrokerRequest, at: int | None = None, **more: Any) -> SendResult:
        """`order_send`, answered at once."""
        reply = self.call(request, at, **more)
        assert isinstance(reply, Reply), reply
        assert isinstance(reply.value, SendResult), reply
        return reply.value

    def opened(self, request: BrokerRequest, at: int | None = None) -> int:
        """The ticket of an order that the broker takes."""
        result = self.send(request, at)
        assert result.retcode == 10009, result
        return result.order


def deal(side: int, volume: float = 0.1, symbol: str = "EURUSD", **more: Any) -> BrokerRequest:
    """A market order; 0 buy, 1 sell."""
    more.setdefault("type_filling", port.FILLING_IOC)
    return BrokerRequest(action=port.ACTION_DEAL, type=side, volume=volume, symbol=symbol, **more)


def pending(
    kind: int, price: float, volume: float = 0.1, symbol: str = "EURUSD", **more: Any
) -> BrokerRequest:
    """A pending order."""
    more.setdefault("type_filling", port.FILLING_RETURN)
    return BrokerRequest(
        action=port.ACTION_PENDING, type=kind, price=price, volume=volume, symbol=symbol, **more
    )


def stops(position: int, sl: float = 0.0, tp: float = 0.0) -> BrokerRequest:
    """New stops of a position."""
    return BrokerRequest(action=port.ACTION_SLTP, position=position, sl=sl, tp=tp)


def modify(order: int, price: float, **more: Any) -> BrokerRequest:
    """A pending order changed."""
    return BrokerRequest(action=port.ACTION_MODIFY, order=order, price=price, **more)


def remove(order: int) -> BrokerRequest:
    """A pending order cancelled."""
    return BrokerRequest(action=port.ACTION_REMOVE, order=order)
