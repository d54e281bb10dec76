"""What a kill, and a flattening, have come to, account by account."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from onefill.model.halt import Halt


class Confirmation(StrEnum):
    """Why an account's client sends nothing more that a kill covers."""

    #: Its agent says that it holds to the halt.
    CONFIRMED = "confirmed"
    #: It had no contact for its lease, and begins to send nothing for this gateway without one.
    LEASE_RAN_OUT = "lease_ran_out"
    #: Nobody can say: no client was ever there, or it cannot be told, or it does not answer.
    UNREACHABLE = "unreachable"


class AccountKilled(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a kill."""

    account: str
    confirmation: Confirmation
    why: str = ""
    #: Orders that waited and were denied, and working orders for which a cancel was sent.
    denied: int = 0
    cancels: int = 0
    #: Whether a client of it was there since the gateway began.
    seen: bool = True


class KillReport(msgspec.Struct, frozen=True, kw_only=True):
    """A kill, once no send that it covers begins any more where it was confirmed."""

    halt: Halt
    accounts: tuple[AccountKilled, ...] = ()

    @property
    def unreachable(self) -> tuple[str, ...]:
        """The accounts for which nobody can vouch."""
        return tuple(
            one.account for one in self.accounts if one.confirmation is Confirmation.UNREACHABLE
        )


class Flattening(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account is from flat under a halt that flattens."""

    halt: str
    account: str
    #: How many closing commands it was given.
    commands: int = 0
    #: As the last profile shows; None: it does not say.
    positions: int | None = None
    #: Of them, those that no order of ours opened.
    foreign: int = 0
    flat: bool = False
    #: Why what was tried last did not close all; empty where nothing is known against it.
    why: str = ""
