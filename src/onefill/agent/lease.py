"""The gate in front of an account's orders: what the gateway halted, and for how long the agent may
go on without hearing from it.

The lease counts from when a heartbeat was sent that the gateway answered, never from the answer: so
the gateway, which counts from its answer, never believes that it ran out while it still holds. The
clock is the monotonic one, which no correction of the time of day moves.
"""

from __future__ import annotations

from collections.abc import Callable

from onefill.contracts.client_config import ClientConfig, Settlement, decode_client_config
from onefill.contracts.messages import ConfigUpdate
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.risk.caps import Trading
from onefill.runtime.clock import monotonic_ns

LEASE_MOST_MS = 300_000
"""However long a lease a gateway grants, an agent sends for no longer without a sign of it."""
BARE_LEASE_MS = 10_000
"""Where the gateway speaks a plain dialect, which has no configuration."""


class Lease:
    """One account's gate (implements `execution.gate.Gate`)."""

    def __init__(self, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._now_ns = now_ns
        self._config: ClientConfig | None = None
        #: Whether the last one could not be read.
        self._broken = False
        #: Whether this connection's gateway has said what holds: the halts that were in force when
        #: the last connection ended may not be all.
        self._greeted = False
        #: Of the configuration that this connection's gateway told; -1 before the first.
        self.version = -1
        self._until_ns = 0

    def connected(self, *, bare: bool) -> None:
        """There is a new connection. `bare`: it will tell no configuration."""
        self._greeted, self.version = bare, -1
        if bare:
            self._config, self._broken = ClientConfig(lease_ms=BARE_LEASE_MS), False

    def configure(self, update: ConfigUpdate) -> bool:
        """Hold to what the gateway says from now on; False where it is older than what this
        connection was told already. One that cannot be read may be a halt: nothing at all is sent
        then until one comes that can. Raises `OnefillError` (`CONFIG_UPDATE_INVALID`)."""
        if update.version < self.version:
            return False
        try:
            config = decode_client_config(update.document)
            if config.trading not in tuple(Trading) or config.lease_ms < 0:
                raise OnefillError(
                    "CONFIG_UPDATE_INVALID",
                    f"the gateway's configuration cannot be: trading {config.trading!r}, lease "
                    f"{config.lease_ms} ms",
                )
        except OnefillError:
            self._broken = True
            raise
        self._config, self._broken = config, False
        self._greeted, self.version = True, update.version
        return True

    def contact(self, sent_ns: int) -> None:
        """The gateway answered a heartbeat that was sent then."""
        if self._greeted and self._config is not None:
            lease_ns = int(self.length_s * 1e9)
            self._until_ns = max(self._until_ns, sent_ns + lease_ns)

    @property
    def length_s(self) -> float:
        """How long it is, in seconds; 0 before any was granted."""
        return min(self._config.lease_ms, LEASE_MOST_MS) / 1_000 if self._config else 0.0

    @property
    def holds(self) -> bool:
        """Whether the gateway was heard of lately enough."""
        return self._config is not None and self._now_ns() < self._until_ns

    @property
    def settled(self) -> tuple[Settlement, ...]:
        """What the gateway's operators decided about orders in quarantine."""
        return self._config.settled if self._config is not None else ()

    @property
    def trading(self) -> Trading:
        """The trading state (control 2) that the gateway set."""
        if self._broken:
            return Trading.HALTED
        return Trading(self._config.trading) if self._config is not None else Trading.NORMAL

    @property
    def halts(self) -> tuple[Halt, ...]:
        """What the gateway halted of this account."""
        return self._config.halts if self._config is not None else ()

    def halted(self, magic: int) -> Halt | None:
        """The halt that covers a magic number. A gateway tells an account its own halts only, by
        names of tenants and accounts that are the gateway's."""
        for halt in self.halts:
            if halt.strategy is None or halt.strategy == magic:
                return halt
        return None

    def out_of_contact(self) -> str:
        """Why what raises risk waits, as a sentence; empty where it need not."""
        if self._config is None:
            return "the gateway has not said yet what holds for this account"
        return "" if self.holds else "the gateway was not heard of for longer than its lease"

    def closes_in_ms(self) -> int | None:
        """After how long sends wait unless the gateway is heard of again."""
        return max(0, self._until_ns - self._now_ns()) // 1_000_000
