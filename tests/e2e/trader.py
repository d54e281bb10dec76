"""A program as a trader writes it, run many times at once: it trades by all kinds of requests, and
writes down what it asks for before it asks, and what it was told.

`python trader.py LOG NUMBER STEPS RUN`: NUMBER is its magic, RUN a letter for its comments.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import onefill.mt5 as mt5

LOG, NUMBER, STEPS, RUN = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
MAGIC = 1_000 + NUMBER
SYMBOL = ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD"][NUMBER % 4]
_counted = itertools.count(1)


def note(**what: Any) -> None:
    """A line that survives a kill."""
    with LOG.open("a") as log:
        log.write(json.dumps(what) + "\n")


def send(action: int, **fields: Any) -> Any:
    """One request, under a comment of its own."""
    comment = f"t{NUMBER}{RUN}-{next(_counted)}"
    request = {"action": action, "symbol": SYMBOL, "magic": MAGIC, "comment": comment, **fields}
    note(asked=comment, action=action)
    result = mt5.order_send(request)
    if result is None:
        note(lost=comment, error=mt5.last_error()[0])
        return None
    note(told=comment, retcode=result.retcode, deal=result.deal, order=result.order,
         volume=result.volume)  # fmt: skip
    return result


def mine(rows: Any) -> list[Any]:
    """Of what the account has, what is ours."""
    return [row for row in rows or () if row.magic == MAGIC and row.symbol == SYMBOL]


def quote() -> Any:
    """The symbol's quote; waits while the broker is away."""
    while (tick := mt5.symbol_info_tick(SYMBOL)) is None:
        time.sleep(0.02)
    return tick


def positions() -> list[Any]:
    return mine(mt5.positions_get(symbol=SYMBOL))


def orders() -> list[Any]:
    return mine(mt5.orders_get(symbol=SYMBOL))


def open_one(side: int, volume: float = 0.04) -> None:
    send(
        mt5.TRADE_ACTION_DEAL, type=side, volume=volume, price=0.0, deviation=100,
        type_filling=mt5.ORDER_FILLING_IOC,
    )  # fmt: skip


def close(position: Any, volume: float) -> None:
    send(
        mt5.TRADE_ACTION_DEAL, type=1 - position.type, volume=round(volume, 2), deviation=100,
        position=position.ticket, type_filling=mt5.ORDER_FILLING_IOC,
    )  # fmt: skip


def place(tick: Any) -> None:
    send(
        mt5.TRADE_ACTION_PENDING, type=mt5.ORDER_TYPE_BUY_LIMIT, volume=0.02,
        price=round(tick.bid * 0.99, 3), type_filling=mt5.ORDER_FILLING_RETURN,
    )  # fmt: skip


def step(draw: random.Random) -> None:
    """One of the things that a trader does."""
    tick, held, working = quote(), positions(), orders()
    kind = draw.choice(
        ["buy", "sell", "place", "stops", "part", "close", "by", "modify", "remove", "ask"]
    )
    if kind in ("buy", "sell"):
        open_one(int(kind == "sell"))
    elif kind == "place":
        place(tick)
    elif kind == "stops" and held:
        low, high = round(tick.bid * 0.98, 3), round(tick.bid * 1.02, 3)
        sl, tp = (low, high) if held[0].type == 0 else (high, low)
        send(mt5.TRADE_ACTION_SLTP, position=held[0].ticket, sl=sl, tp=tp)
    elif kind == "part" and held:
        close(held[0], 0.01)
    elif kind == "close" and held:
        close(held[-1], held[-1].volume)
    elif kind == "by":
        sides = {position.type: position.ticket for position in held}
        if len(sides) == 2:
            send(mt5.TRADE_ACTION_CLOSE_BY, position=sides[0], position_by=sides[1])
    elif kind == "modify" and working:
        send(mt5.TRADE_ACTION_MODIFY, order=working[0].ticket, price=round(tick.bid * 0.985, 3))
    elif kind == "remove" and working:
        send(mt5.TRADE_ACTION_REMOVE, order=working[-1].ticket)
    else:
        for look in (mt5.account_info, mt5.terminal_info, mt5.symbols_total, mt5.orders_total):
            look()
        mt5.order_calc_margin(0, SYMBOL, 0.1, tick.ask)
        mt5.history_deals_total(0, 2_000_000_000)


def main() -> None:
    if not mt5.initialize():
        note(failed=mt5.last_error()[1])
        sys.exit(1)
    note(
        found_orders=[row.ticket for row in orders()],
        found_positions=[row.ticket for row in positions()],
    )
    draw = random.Random(NUMBER)
    for _ in range(STEPS):
        step(draw)
    # Something stays behind for whoever comes next.
    while not (positions() and orders()):
        place(quote())
        open_one(0)
    note(
        left_orders=[row.ticket for row in orders()],
        left_positions=[row.ticket for row in positions()],
    )
    mt5.shutdown()


main()
