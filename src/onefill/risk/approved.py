"""`RiskApproved`: the mark that something has passed every pre-trade control."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar, final

from onefill.model.resolved import Reservation

T = TypeVar("T")


class Seal:
    """What proves to `RiskApproved` that it is risk that makes it; one exists, and it is here."""

    __slots__ = ()


SEAL = Seal()


@final
class RiskApproved(Generic[T]):
    """Something that risk let pass; only `onefill.risk` makes one.

    `reservation` is what it may take at worst (None: nothing); `repeat` is what it says but for
    its key, held against repeats for `repeat_window_ms` (0: not held). In `message_window_ms` it
    counts as a message, in `alike_window_ms` as one of orders alike (0: not at all).
    """

    __slots__ = (
        "_alike_window_ms",
        "_message_window_ms",
        "_repeat",
        "_repeat_window_ms",
        "_reservation",
        "_thing",
    )

    def __init__(
        self,
        thing: T,
        reservation: Reservation | None,
        repeat: bytes,
        repeat_window_ms: int,
        seal: Seal,
        *,
        message_window_ms: int = 0,
        alike_window_ms: int = 0,
    ) -> None:
        if seal is not SEAL:
            raise TypeError("only onefill.risk approves: pass the order through risk.review")
        self._thing = thing
        self._reservation = reservation
        self._repeat = repeat
        self._repeat_window_ms = repeat_window_ms
        self._message_window_ms = message_window_ms
        self._alike_window_ms = alike_window_ms

    @property
    def thing(self) -> T:
        """What was approved."""
        return self._thing

    @property
    def reservation(self) -> Reservation | None:
        """What to reserve in the commit that accepts it."""
        return self._reservation

    @property
    def repeat(self) -> bytes:
        """What it says but for its key; empty where repeats are not held."""
        return self._repeat

    @property
    def repeat_window_ms(self) -> int:
        """How long a repeat is held."""
        return self._repeat_window_ms

    @property
    def message_window_ms(self) -> int:
        """How long it counts as a message (control 6)."""
        return self._message_window_ms

    @property
    def alike_window_ms(self) -> int:
        """How long it counts as one of orders alike (control 7)."""
        return self._alike_window_ms

    def __reduce__(self) -> NoReturn:
        raise TypeError("an approval holds where it was given: it is neither copied nor stored")
