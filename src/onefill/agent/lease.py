"""The gate in front of an account's orders: what its gateways halted, and for how long the agent
may go on without hearing from the one that it is with.

The lease counts from when a heartbeat was sent that the gateway answered, never from the answer: so
the gateway, which counts from its answer, never believes that it ran out while it still holds. The
clock is the monotonic one, which no correction of the time of day moves.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from onefill.agent.kept_halts import Held, KeptHalts
from onefill.contracts.client_config import ClientConfig, Settlement, decode_client_config
from onefill.contracts.messages import ConfigUpdate
from onefill.execution.gate import Halted
from onefill.model.errors import OnefillError
from onefill.risk.caps import Trading
from onefill.runtime.clock import monotonic_ns

LEASE_MOST_MS = 300_000
"""However long a lease a gateway grants, an agent sends for no longer without a sign of it."""
BARE_LEASE_MS = 10_000
"""Where the gateway speaks a plain dialect, which has no configuration."""


class Lease:
    """One account's gate (implements `execution.gate.Gate`)."""

    def __init__(self, kept: KeptHalts, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._kept = kept
        self._now_ns = now_ns
        #: The last gateway's, and which one is connected.
        self._config: ClientConfig | None = None
        self._gateway = ""
        #: Whether this connection's gateway has said what holds: the halts that were in force when
        #: the last connection ended may not be all.
        self._greeted = False
        #: Of the configuration that this connection's gateway told; -1 before the first.
        self.version = -1
        self._until_ns = 0

    def connected(self, gateway: str, *, bare: bool) -> None:
        """There is a new connection, to the gateway of that address. `bare`: it will tell no
        configuration, and so lifts nothing that is kept."""
        self._gateway, self._greeted, self.version = gateway, bare, -1
        if bare:
            self._config = ClientConfig(lease_ms=BARE_LEASE_MS)

    def configure(self, update: ConfigUpdate) -> bool:
        """Hold to what the gateway says from now on, until it says otherwise; kept durably on
        return. False where it is older than what this connection was told already. One that cannot
        be read or kept may be a halt: nothing that opens or changes is sent then until the same
        gateway tells one that can. Raises `OnefillError` (`CONFIG_UPDATE_INVALID`,
        `HALTS_NOT_KEPT`)."""
        if update.version < self.version:
            return False
        try:
            config = _read(update)
        except OnefillError:
            unread = msgspec.structs.replace(self._kept.of(self._gateway), unread=True)
            self._kept.keep(self._gateway, unread)
            raise
        self._kept.keep(self._gateway, Held(trading=Trading(config.trading), halts=config.halts))
        self._config, self._greeted, self.version = config, True, update.version
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
        """The tightest trading state (control 2) that a gateway set."""
        return self._kept.tightest[0]

    @property
    def trading_set_by(self) -> str:
        """Who set it, in words."""
        gateway = self._kept.tightest[1]
        if self._kept.of(gateway).unread:
            return f"gateway {gateway}, whose last configuration could not be read or written down,"
        return f"gateway {gateway}"

    @property
    def halts(self) -> str:
        """What is halted, by the halts' ids, whichever gateway halted it."""
        return ", ".join(held.ids for held in self._kept.gateways.values() if held.ids)

    def halted(self, magic: int) -> Halted | None:
        """The halt that covers a magic number."""
        found = self._kept.halted(magic)
        return Halted(*found) if found is not None else None

    def out_of_contact(self) -> str:
        """Why what raises risk waits, as a sentence; empty where it need not."""
        if self._config is None:
            return "the gateway has not said yet what holds for this account"
        return "" if self.holds else "the gateway was not heard of for longer than its lease"

    def closes_in_ms(self) -> int | None:
        """After how long sends wait unless the gateway is heard of again."""
        return max(0, self._until_ns - self._now_ns()) // 1_000_000


def _read(update: ConfigUpdate) -> ClientConfig:
    config = decode_client_config(update.document)
    if config.trading not in tuple(Trading) or config.lease_ms < 0:
        raise OnefillError(
            "CONFIG_UPDATE_INVALID",
            f"the gateway's configuration cannot be: trading {config.trading!r}, lease "
            f"{config.lease_ms} ms",
        )
    return config
