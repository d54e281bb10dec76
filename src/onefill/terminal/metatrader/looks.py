"""What risk and validation look at, gathered from MT5's functions in one go."""

from __future__ import annotations

from typing import Any

from onefill.model.market import MarketView
from onefill.runtime.clock import pause
from onefill.terminal import port
from onefill.terminal.filling import market_filling
from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.sending import Sender
from onefill.terminal.port import Ready

_MARKET_CLOSED = 10018
#: A market whose last quote is older is asked whether it is open.
_QUIET_MS = 60_000
#: How long the first quote of a symbol that was just selected is waited for.
_LOOKS, _LOOK_S = 20, 0.1


def shown(module: Any, name: str) -> Any:
    """`symbol_info` of a symbol that is in Market Watch, where quotes come in; put there if it is
    not. None where there is no such symbol (see `last_error`)."""
    row = module.symbol_info(name)
    if row is None or row.select or not module.symbol_select(name, True):
        return row
    for _ in range(_LOOKS):
        tick = module.symbol_info_tick(name)
        if tick is not None and tick.ask:
            break
        pause(_LOOK_S)
    return module.symbol_info(name)


def market_view(
    module: Any, sender: Sender, clock: BrokerTime, name: str, now_ms: int
) -> MarketView | None:
    """One symbol's quote and the account; None where MT5 has no answer (see `last_error`).

    `quote_ms` is 0 where a quote cannot be used: its time, margin or value is not known.
    """
    symbol = shown(module, name)
    if symbol is None:
        return None
    account = module.account_info()
    if account is None:
        return None
    positions = module.positions_total()
    if positions is None:
        return None
    orders = module.orders_total()
    if orders is None:
        return None
    tick = module.symbol_info_tick(name)
    bid, ask, tick_ms = (tick.bid, tick.ask, tick.time_msc) if tick is not None else (0.0, 0.0, 0)
    if tick_ms:
        clock.observe(name, tick_ms, now_ms)
    margin = module.order_calc_margin(port.TYPE_BUY, name, 1.0, ask) if ask else None
    tick_size = symbol.trade_tick_size or symbol.point
    point_value = symbol.trade_tick_value_loss * symbol.point / tick_size if tick_size else 0.0
    usable = bool(bid and ask and point_value) and margin is not None and clock.known
    quote_ms = clock.utc_ms(tick_ms)
    quiet = not clock.known or now_ms - quote_ms > _QUIET_MS
    return MarketView(
        symbol=name,
        quote_ms=quote_ms if usable else 0,
        bid=bid,
        ask=ask,
        point_value=point_value,
        margin_per_lot=margin or 0.0,
        session_open=not quiet or _is_open(sender, symbol, ask),
        balance=account.balance,
        equity=account.equity,
        margin=account.margin,
        margin_free=account.margin_free,
        currency=account.currency,
        currency_digits=account.currency_digits,
        open_positions=positions,
        open_orders=orders,
    )


def _is_open(sender: Sender, symbol: Any, ask: float) -> bool:
    """Python has no sessions to look up: a check of the smallest order says whether trade is on."""
    if not ask or symbol.trade_mode == 0:
        return False
    request = {
        "action": port.ACTION_DEAL,
        "symbol": symbol.name,
        "volume": symbol.volume_min,
        "price": ask,
        "type": port.TYPE_BUY,
        "type_filling": market_filling(symbol.filling_mode, symbol.trade_exemode) or 0,
    }
    checked = sender("order_check", request).value
    return checked is not None and checked.retcode != _MARKET_CLOSED


def not_there(now_ms: int, last_ticket: int) -> Ready:
    """A terminal that answers nothing is not connected."""
    return Ready(
        connected=False,
        trade_allowed=False,
        synchronised=False,
        login=0,
        server="",
        server_ms=now_ms,
        last_ticket=last_ticket,
    )


def no_trade_because(terminal: Any, account: Any) -> list[str]:
    """What keeps this terminal and account from trading, from what they say of themselves."""
    found = []
    if not terminal.trade_allowed:
        found.append(
            "AutoTrading is off in the terminal: press its Algo Trading button, and allow "
            "algorithmic trading in its options"
        )
    if terminal.tradeapi_disabled:
        found.append(
            "the terminal takes no orders from Python: untick 'Disable algorithmic trading via "
            "external Python API' in its options, under Expert Advisors"
        )
    if not account.trade_allowed:
        found.append(
            "the account may not trade: the broker has disabled it, or the password is the "
            "investor's, which only looks"
        )
    elif not account.trade_expert:
        found.append("the broker lets no programs trade on this account")
    return found
