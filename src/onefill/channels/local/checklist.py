"""The checklist before production: what a session can do, and what trading would be refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from onefill.channels.local.names import broker_name
from onefill.channels.local.session import PooledSession
from onefill.channels.local.terminals_file import Terminals
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.market import MarketView
from onefill.model.symbol import Symbol
from onefill.model.wording import counted
from onefill.risk.limits import load_limits
from onefill.runtime.clock import monotonic_ns
from onefill.terminal.port import AccountRow
from onefill.terminal.session import SERVED, Session

_LOOKS = 20
_CLOSED_SYMBOLS = "orders are refused (10018) until its session begins"
_MODES = {0: "demo", 1: "contest", 2: "real"}


class Verdict(StrEnum):
    """How a line of the checklist stands."""

    GOOD = "ok"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was checked, and what was found, in a sentence."""

    subject: str
    what: str
    verdict: Verdict
    found: str


def check_settings(terminals: Terminals, journal: Path) -> list[Line]:
    """What does not need a terminal: pool, limits, time-outs, margin cushion, audit store,
    retries, cancelling."""
    config = terminals.engine
    bound_s = config.call_deadline_seconds + config.lateness_bound_seconds
    return [
        _pool_line(terminals),
        _limits_line(terminals),
        Line(
            "engine",
            "time-outs",
            Verdict.GOOD
            if config.order_timeout_seconds >= config.poll_interval_seconds * 2
            else Verdict.BAD,
            f"a market order is withdrawn after {config.order_timeout_seconds:g} s; a call without "
            f"an answer is unknown after {config.call_deadline_seconds:g} s, and proven not "
            f"executed after {bound_s:g} s at the earliest",
        ),
        Line(
            "engine",
            "margin cushion",
            Verdict.GOOD if config.min_margin_cushion >= 1 else Verdict.BAD,
            f"free margin must be over {config.min_margin_cushion:g} times what an order needs",
        ),
        Line(
            "engine",
            "retries",
            Verdict.GOOD,
            f"{config.max_retries} sends at most, only after a refusal that proves nothing was "
            f"executed; the first wait is {config.retry_backoff_seconds:g} s",
        ),
        Line(
            "engine",
            "cancelling",
            Verdict.GOOD,
            "what did not fill of a market order is cancelled by the broker at once (immediate or "
            "cancel); a pending order is cancelled by its order id",
        ),
        _store_line(journal),
        *[_credentials_line(one) for one in terminals.sessions.values()],
    ]


def _pool_line(terminals: Terminals) -> Line:
    accounts = [(one.login, one.server) for one in terminals.sessions.values()]
    count = len(accounts)
    words = f"{counted(count, 'session')}: {', '.join(terminals.sessions)}"
    doubled = sorted({one for one in accounts if accounts.count(one) > 1})
    if doubled:
        login, server = doubled[0]
        words += f"; account {login} on {server!r} is named twice, and can have one worker only"
    return Line("engine", "pool", Verdict.BAD if doubled else Verdict.GOOD, words)


def _credentials_line(session: Session) -> Line:
    """Where the password or the token comes from; never what it is."""
    verdict = Verdict.GOOD
    if session.remote or session.terminal_path.startswith(SERVED):
        none = "the token's file is not there yet" if session.token_file else "no token is given"
        words = "a token is given" if session.token else none
        verdict = Verdict.GOOD if session.token else Verdict.BAD
    elif session.password:
        words = "a password is given, which reaches the terminal's worker over its pipe only"
    elif session.simulated:
        words = "none; a simulated broker asks for none unless its profile names a password"
    else:
        words = "no password is given: the terminal must have saved the account's"
        verdict = Verdict.LOOK
    return Line(session.name, "credentials", verdict, words)


def _limits_line(terminals: Terminals) -> Line:
    if terminals.limits is None:
        return Line(
            "engine",
            "limits",
            Verdict.LOOK,
            "no limits file: the shipped, generous ones hold on a demo account, and a real account "
            "denies every order; copy `onefill run --show-limits` and name the copy",
        )
    try:
        load_limits(terminals.limits)
    except OnefillError as wrong:
        return Line("engine", "limits", Verdict.BAD, wrong.message)
    return Line("engine", "limits", Verdict.GOOD, f"from {terminals.limits}")


def _store_line(journal: Path) -> Line:
    try:
        Journal.open(journal).close()
    except OnefillError as wrong:
        return Line("engine", "audit store", Verdict.BAD, wrong.message)
    return Line("engine", "audit store", Verdict.GOOD, f"the journal in {journal} can be written")


async def check_session(session: PooledSession, terminals: Terminals) -> list[Line]:
    """A session that was started: account, connection, trading, history, symbols."""

    def line(what: str, verdict: Verdict, found: str) -> Line:
        return Line(session.name, what, verdict, found)

    if session.terminal is None or session.terminal.welcome is None:
        return [line("connection", Verdict.BAD, session.trouble)]
    account: AccountRow | None = (await session.call_soon("account_info")).value
    if account is None or session.trouble:
        why = session.trouble or "it shows no account"
        return [line("connection", Verdict.BAD, f"the terminal answers, but {why}")]
    mode = _MODES.get(account.trade_mode, "unknown")
    lines = [
        line("connection", Verdict.GOOD, await _latency(session)),
        line(
            "account",
            Verdict.GOOD if mode == "demo" else Verdict.LOOK,
            f"{account.login} on {account.server}, a {mode} account in {account.currency}, balance "
            f"{account.balance:.{account.currency_digits}f}, leverage 1:{account.leverage}",
        ),
        line(
            "margin",
            Verdict.GOOD if account.margin_free > 0 else Verdict.BAD,
            f"{account.margin_free:.{account.currency_digits}f} {account.currency} free",
        ),
    ]
    if mode == "real" and terminals.limits is None:
        lines.append(
            line(
                "limits",
                Verdict.BAD,
                "a real account without limits of its own denies every order: name a limits file "
                "under [files]",
            )
        )
    troubles = (await session.call_soon("troubles")).value
    if troubles is None:
        troubles = [session.why_not_trading or "the terminal does not answer"]
    lines += [line("trading", Verdict.BAD, trouble) for trouble in troubles]
    if not troubles:
        lines.append(line("trading", Verdict.GOOD, "allowed by terminal, account and server"))
    offered = (await session.call_soon("symbols")).value or ()
    for wanted in terminals.symbols:
        lines.append(await _symbol(session, wanted, offered, terminals))
    return lines


async def _latency(session: PooledSession) -> str:
    times = []
    for _ in range(_LOOKS):
        began_ns = monotonic_ns()
        await session.call_soon("account_info")
        times.append((monotonic_ns() - began_ns) / 1e6)
    times.sort()
    return f"a call takes {times[_LOOKS // 2]:.2f} ms, {times[-1]:.2f} ms at most of {_LOOKS}"


async def _symbol(
    session: PooledSession, wanted: str, offered: tuple[str, ...], terminals: Terminals
) -> Line:
    def line(verdict: Verdict, found: str) -> Line:
        return Line(session.name, wanted, verdict, found)

    try:
        name = broker_name(wanted, offered, terminals.symbol_map)
    except OnefillError as wrong:
        return line(Verdict.BAD, wrong.message)
    terms: Symbol | None = (await session.call_soon("symbol_info", symbol=name)).value
    view: MarketView | None = (await session.call_soon("look", symbol=name)).value
    if terms is None or view is None:
        return line(
            Verdict.BAD,
            f"{name} is offered, but the terminal does not show it: is it in a group "
            "that this account may not see?",
        )
    if terms.trade_mode in (0, 3):
        return line(Verdict.BAD, f"the broker lets no position in {name} be opened")
    if not view.session_open:
        return line(Verdict.LOOK, f"the market of {name} is closed: {_CLOSED_SYMBOLS}")
    if not view.quote_ms:
        return line(
            Verdict.BAD,
            f"{name} has no quote that can be used: none has come yet, or its time, margin or "
            "value is not known",
        )
    spread = terms.pips_between(view.ask, view.bid)
    wide = spread > terminals.engine.max_slippage_pips
    return line(
        Verdict.LOOK if wide else Verdict.GOOD,
        f"{name}: spread {spread:g} pips"
        + (f", wider than max_slippage_pips {terminals.engine.max_slippage_pips:g}" if wide else "")
        + f", volumes {terms.volume_min_e8 / 1e8:g} to {terms.volume_max_e8 / 1e8:g} lots",
    )
