"""Market Watch: which symbols a terminal shows, and what it tells of a symbol and its quote."""

from __future__ import annotations

from typing import Any

from onefill.terminal.simulator.account import Account
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.surface.symbols import SymbolRows
from onefill.terminal.simulator.surface.ticks import tick_row


class Watch:
    """The symbols of one terminal. It begins with all of them selected."""

    def __init__(self, account: Account, profile: Profile) -> None:
        self._account = account
        self._known = profile.specifications
        self._hidden: set[str] = set()
        self._restarted = account.ledger.troubles.get("terminal_restart")
        self._rows = SymbolRows(account, profile)

    def follow_restarts(self) -> None:
        """Begin anew where a fault has restarted the terminal."""
        restarted = self._account.ledger.troubles.get("terminal_restart")
        if restarted is not self._restarted:
            self._restarted = restarted
            self._hidden.clear()

    def select(self, name: str, enable: bool) -> bool:
        """Show a symbol or hide it; False where it is unknown, or in use and to be hidden."""
        if name not in self._known:
            return False
        if enable:
            self._hidden.discard(name)
            return True
        ledger = self._account.ledger
        if any(row.symbol == name for row in ledger.positions.values()):
            return False
        if any(row.symbol == name for row in ledger.orders.values()):
            return False
        self._hidden.add(name)
        return True

    def symbol_row(self, name: str) -> tuple[Any, ...]:
        """All that MT5 tells of a symbol (`SymbolInfo`); the symbol must be known."""
        return self._rows.row(name, name not in self._hidden)

    def tick_row(self, name: str) -> tuple[Any, ...] | None:
        """The quote in force (`Tick`); None where none has come, or the symbol is hidden."""
        listed = self._account.listed.get(name)
        return None if listed is None or name in self._hidden else tick_row(self._account, listed)
