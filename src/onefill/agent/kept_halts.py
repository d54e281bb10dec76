"""What each gateway halted of an account, kept in a small file until that gateway lifts it: a kill
holds while the agent is with another gateway, and after a restart before any was heard."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onefill.agent.small_files import file_of, replace
from onefill.journal.files import make_directory
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.risk.caps import Trading

_TIGHTER = tuple(Trading)


class Held(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one gateway's last configuration holds back."""

    trading: Trading = Trading.NORMAL
    halts: tuple[Halt, ...] = ()
    #: A later configuration could not be read, or not be written down: it may have been a halt of
    #: everything.
    unread: bool = False

    @property
    def tightest(self) -> Trading:
        """The trading state that it comes to."""
        return Trading.HALTED if self.unread else self.trading

    @property
    def ids(self) -> str:
        """The halts by their ids, for a line."""
        return ", ".join(halt.id for halt in self.halts)

    def __str__(self) -> str:
        return f"trading {self.tightest}, halts: {self.ids or 'none'}"


class _File(msgspec.Struct):
    #: By the gateway's address; those only that hold something back.
    gateways: dict[str, Held] = {}


class KeptHalts:
    """One account's. A gateway is known by its address (`str(Gateway)`)."""

    def __init__(self, directory: Path, account: str) -> None:
        """Raises `OnefillError` (`HALTS_UNREADABLE`): halts that are lost would be lifted."""
        self._path = file_of(directory, account)
        make_directory(directory)
        try:
            self._gateways = msgspec.json.decode(self._path.read_bytes(), type=_File).gateways
        except FileNotFoundError:
            self._gateways = {}
        except (OSError, msgspec.MsgspecError) as wrong:
            raise OnefillError(
                "HALTS_UNREADABLE",
                f"cannot read {self._path}, where the account's halts are kept: {wrong}; mend it, "
                "or remove it where nothing is to be halted",
            ) from None

        #: What the file says; None where a write failed and nobody knows.
        self._written: dict[str, Held] | None = self._gateways

    @property
    def gateways(self) -> dict[str, Held]:
        """All that hold something back."""
        return dict(self._gateways)

    def of(self, gateway: str) -> Held:
        """What one of them holds back."""
        return self._gateways.get(gateway, Held())

    def keep(self, gateway: str, held: Held) -> None:
        """All that a gateway holds back from now on; durable on return, and in force then. Raises
        `OnefillError` (`HALTS_NOT_KEPT`); then what held before holds on, and as nobody will know
        what was not kept, nothing opens until the same gateway tells what can be."""
        gateways = {name: one for name, one in self._gateways.items() if name != gateway}
        if held != Held():
            gateways[gateway] = held
        if gateways == self._written:
            self._gateways = gateways
            return
        try:
            replace(self._path, msgspec.json.encode(_File(gateways)))
        except OSError as wrong:
            unread = msgspec.structs.replace(self.of(gateway), unread=True)
            self._gateways, self._written = {**self._gateways, gateway: unread}, None
            raise OnefillError(
                "HALTS_NOT_KEPT", f"what is halted could not be written to {self._path}: {wrong}"
            ) from None
        self._gateways = self._written = gateways

    @property
    def tightest(self) -> tuple[Trading, str]:
        """The tightest trading state of all gateways, and whose it is."""
        states = [(one.tightest, name) for name, one in self._gateways.items()]
        return max(states, key=lambda one: _TIGHTER.index(one[0]), default=(Trading.NORMAL, ""))

    def halted(self, magic: int) -> tuple[Halt, str] | None:
        """The first halt that covers a magic number, and whose it is. A gateway tells an account
        its own halts only, by names of tenants and accounts that are the gateway's."""
        for name, one in self._gateways.items():
            for halt in one.halts:
                if halt.strategy is None or halt.strategy == magic:
                    return halt, name
        return None
