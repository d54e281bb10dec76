"""Buy, and let the stop loss follow the price at a distance until it is hit.

    python trailing_stop.py --symbol EURUSD --distance 150
"""

import argparse
import time

import MetaTrader5 as mt5

MAGIC = 150_001

parser = argparse.ArgumentParser()
parser.add_argument("--symbol", default="EURUSD")
parser.add_argument("--lots", type=float, default=0.2)
parser.add_argument("--distance", type=int, default=150, help="points between price and stop")
parser.add_argument("--step", type=int, default=10, help="points that are worth a modification")
args = parser.parse_args()


def buy(symbol, lots, distance):
    info, tick = mt5.symbol_info(symbol), mt5.symbol_info_tick(symbol)
    return mt5.order_send({
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": lots,
        "type": mt5.ORDER_TYPE_BUY,
        "price": tick.ask,
        "sl": round(tick.bid - distance * info.point, info.digits),
        "deviation": 20,
        "magic": MAGIC,
        "comment": "trailing",
        "type_filling": mt5.ORDER_FILLING_IOC,
    })


def trail(position, distance, step):
    """Move the stop up if the price has come far enough. Returns True if it was moved."""
    info, tick = mt5.symbol_info(position.symbol), mt5.symbol_info_tick(position.symbol)
    stop = round(tick.bid - distance * info.point, info.digits)
    if stop < position.sl + step * info.point:
        return False
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_SLTP,
        "symbol": position.symbol,
        "position": position.ticket,
        "sl": stop,
        "tp": position.tp,
    })
    if result.retcode != mt5.TRADE_RETCODE_DONE:
        print("could not move the stop:", result.retcode, result.comment)
        return False
    return True


if not mt5.initialize():
    raise SystemExit(f"initialize failed: {mt5.last_error()}")

opened = buy(args.symbol, args.lots, args.distance)
if opened.retcode != mt5.TRADE_RETCODE_DONE:
    raise SystemExit(f"order_send failed: {opened.retcode} {opened.comment}")
print(f"bought {opened.volume} {args.symbol} at {opened.price}")

moved = 0
while True:
    positions = mt5.positions_get(ticket=opened.order)
    if not positions:
        break
    moved += trail(positions[0], args.distance, args.step)
    time.sleep(1)

deals = mt5.history_deals_get(position=opened.order)
closing = deals[-1]
print(f"stopped out at {closing.price} ({closing.comment}) after {moved} moves, "
      f"profit {sum(d.profit + d.commission + d.swap for d in deals):.2f}")
mt5.shutdown()
