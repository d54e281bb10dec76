"""The panic button: close every open position and remove every pending order.

With --demo it opens a few first, so that there is something to close.

    python close_all.py --demo
"""

import argparse

import MetaTrader5 as mt5

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--demo", action="store_true", help="open positions and orders first")
parser.add_argument("--symbols", nargs="+", default=["EURUSD", "GBPUSD", "USDJPY"])
args = parser.parse_args()


def filling_of(symbol):
    """The package has no names for the flags of filling_mode: 1 is FOK, 2 is IOC."""
    flags = mt5.symbol_info(symbol).filling_mode
    if flags & 1:
        return mt5.ORDER_FILLING_FOK
    if flags & 2:
        return mt5.ORDER_FILLING_IOC
    return mt5.ORDER_FILLING_RETURN


def open_some(symbols):
    for number, symbol in enumerate(symbols):
        mt5.symbol_select(symbol, True)
        info, tick = mt5.symbol_info(symbol), mt5.symbol_info_tick(symbol)
        buy = number % 2 == 0
        mt5.order_send({
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": symbol,
            "volume": info.volume_min * 10,
            "type": mt5.ORDER_TYPE_BUY if buy else mt5.ORDER_TYPE_SELL,
            "price": tick.ask if buy else tick.bid,
            "deviation": 20,
            "magic": 77,
            "type_filling": filling_of(symbol),
        })
        mt5.order_send({
            "action": mt5.TRADE_ACTION_PENDING,
            "symbol": symbol,
            "volume": info.volume_min * 10,
            "type": mt5.ORDER_TYPE_BUY_LIMIT,
            "price": round(tick.bid - 2000 * info.point, info.digits),
            "magic": 77,
            "type_filling": mt5.ORDER_FILLING_RETURN,
        })


def close(position):
    tick = mt5.symbol_info_tick(position.symbol)
    is_buy = position.type == mt5.POSITION_TYPE_BUY
    return mt5.order_send({
        "action": mt5.TRADE_ACTION_DEAL,
        "position": position.ticket,
        "symbol": position.symbol,
        "volume": position.volume,
        "type": mt5.ORDER_TYPE_SELL if is_buy else mt5.ORDER_TYPE_BUY,
        "price": tick.bid if is_buy else tick.ask,
        "deviation": 50,
        "magic": position.magic,
        "comment": "close all",
        "type_filling": filling_of(position.symbol),
    })


def remove(order):
    return mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": order.ticket})


if not mt5.initialize():
    print("initialize() failed:", mt5.last_error())
    raise SystemExit(1)

if args.demo:
    open_some(args.symbols)
print(mt5.positions_total(), "positions and", mt5.orders_total(), "orders to get rid of")

failed = 0
for row, action in [(p, close) for p in mt5.positions_get()] + [(o, remove) for o in mt5.orders_get()]:
    result = action(row)
    if result is None or result.retcode != mt5.TRADE_RETCODE_DONE:
        failed += 1
        print("#", row.ticket, "failed:", mt5.last_error() if result is None else result.comment)

print(mt5.positions_total(), "positions and", mt5.orders_total(), "orders are left")
mt5.shutdown()
raise SystemExit(1 if failed else 0)
