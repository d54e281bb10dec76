"""The account and the terminal themselves, as `account_info`, `terminal_info` and `version` tell
them."""

from __future__ import annotations

from typing import Any

from onefill.terminal.port import AccountRow, Ready
from onefill.terminal.simulator.account import Account
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.settings import BrokerSettings
from onefill.terminal.simulator.surface.rates import MAX_BARS

#: The build that `version` and `terminal_info` tell.
BUILD = 5836
_VERSION = (500, BUILD, "24 Apr 2026")
_STOP_OUT_MODES = {"percent": 0, "money": 1}


def version_row() -> tuple[int, int, str]:
    """The terminal's version, build and release date."""
    return _VERSION


def account_row(
    row: AccountRow, settings: BrokerSettings, account: Account, login: int
) -> tuple[Any, ...]:
    """`AccountInfo`; `login` is the number that a program gave (0: none), told in the place of the
    broker's own."""
    return (
        login if login and row.login == settings.login else row.login,
        row.trade_mode,
        row.leverage,
        settings.limit_orders,
        _STOP_OUT_MODES[settings.stop_out_mode],
        True,  # trade_allowed
        True,  # trade_expert
        row.margin_mode,
        row.currency_digits,
        settings.fifo_close,
        row.balance,
        0.0,  # credit
        row.profit,
        row.equity,
        row.margin,
        row.margin_free,
        margin_level(row.equity, row.margin),
        settings.margin_call,
        settings.stop_out,
        0.0,  # margin_initial
        0.0,  # margin_maintenance
        account.money(account.assets()),
        0.0,  # liabilities
        0.0,  # commission_blocked
        settings.account_name,
        row.server,
        row.currency,
        settings.company,
    )


def margin_level(equity: float, margin: float) -> float:
    """Equity in per cent of margin; 0 where nothing binds margin."""
    return equity / margin * 100.0 if margin else 0.0


def terminal_row(ready: Ready, profile: Profile) -> tuple[Any, ...]:
    """`TerminalInfo`. Folders are named for the profile: there are none."""
    settings, place = profile.broker, f"simulated:{profile.name}"
    return (
        False,  # community_account
        False,  # community_connection
        ready.connected,
        False,  # dlls_allowed
        ready.trade_allowed,
        False,  # tradeapi_disabled
        False,  # email_enabled
        False,  # ftp_enabled
        False,  # notifications_enabled
        False,  # mqid
        BUILD,
        MAX_BARS,
        0,  # codepage
        settings.latency_ms * 2_000,  # ping_last, in microseconds
        0.0,  # community_balance
        0.0,  # retransmission
        settings.company,
        "MetaTrader 5",
        "English",
        place,
        place,
        place,
    )
