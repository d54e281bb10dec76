"""Which gateway is tried next, and after how long: the primary, its backup, and the way back.

Pure: draws and time come from whoever asks, so that a storm of reconnects can be played through.
"""

from __future__ import annotations

from dataclasses import dataclass

from onefill.channels.websocket.address import Gateway
from onefill.runtime.draws import Draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a gateway that is away is waited for. Seconds."""

    first_s: float = 0.1
    most_s: float = 5.0
    #: A connection that lasted so long was a good one: the next failure begins anew.
    good_s: float = 10.0
    #: After a newer agent took the account's session: one does not fight with it.
    replaced_s: float = 60.0
    #: How often the primary is looked at from the backup, and so many good looks in a row return.
    probe_s: float = 5.0
    looks: int = 3
    #: After a return that failed, the looks are so much further apart, up to the most.
    probe_most_s: float = 300.0


class Course:
    """One account's way among its gateways."""

    def __init__(
        self, gateways: tuple[Gateway, ...], patience: Patience, draws: Draws, name: str
    ) -> None:
        """`gateways`: the primary first. `name` makes one account's draws its own."""
        self._gateways = gateways
        self._patience = patience
        self._draws = draws
        self._name = name
        self._at = 0
        self._failures = 0
        self._returned = False
        #: Between two looks at the primary from the backup, and how many good ones return.
        self.probe_s = patience.probe_s
        self.looks = patience.looks

    @property
    def gateway(self) -> Gateway:
        """The one to try, or to stay with."""
        return self._gateways[self._at]

    @property
    def primary(self) -> Gateway:
        """The one to be with."""
        return self._gateways[0]

    @property
    def on_backup(self) -> bool:
        """Whether the primary is to be looked at."""
        return self._at > 0

    def lost(self, lasted_s: float) -> float:
        """The connection came to its end, or (0) the try: how long to wait before the next one.

        A connection that was good is tried again where it was; otherwise it is the other's turn.
        """
        good = lasted_s >= self._patience.good_s
        if self._returned:
            longer = min(self.probe_s * 2, self._patience.probe_most_s)
            self.probe_s = self._patience.probe_s if good else longer
            self._returned = False
        if good:
            self._failures = 0
        else:
            self._at = (self._at + 1) % len(self._gateways)
        self._failures += 1
        doubled = self._patience.first_s * 2.0 ** min(self._failures - 1, 30)
        return self._jittered(min(doubled, self._patience.most_s))

    def replaced(self) -> float:
        """A newer agent holds the account's session: how long to leave it alone."""
        self._failures += 1
        return self._jittered(self._patience.replaced_s)

    def back(self) -> None:
        """The primary is there again: it is tried next, at once."""
        self._at, self._returned = 0, True

    def _jittered(self, longest_s: float) -> float:
        """From half of it to all of it: clients that were cut off together do not return so."""
        return longest_s * (0.5 + self._draws.uniform(self._name, self._failures) / 2)
