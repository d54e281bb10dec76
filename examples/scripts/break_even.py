"""Open in the direction of the last hour, and once the trade is far enough in profit, move its stop
to the entry price plus a little for the commission.
"""

import time
from datetime import datetime, timedelta

import MetaTrader5 as mt5

SYMBOL = "GBPUSD"
LOTS = 0.1
STOP, TARGET = 400, 800          # points
TRIGGER, PLUS = 120, 10          # points
PATIENCE = timedelta(hours=24)


def points(value):
    return value * mt5.symbol_info(SYMBOL).point


def open_trade():
    bars = mt5.copy_rates_from_pos(SYMBOL, mt5.TIMEFRAME_M5, 0, 12)
    up = bars[-1]["close"] >= bars[0]["open"]
    tick = mt5.symbol_info_tick(SYMBOL)
    price = tick.ask if up else tick.bid
    sign = 1 if up else -1
    request = {
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": SYMBOL,
        "volume": LOTS,
        "type": mt5.ORDER_TYPE_BUY if up else mt5.ORDER_TYPE_SELL,
        "price": price,
        "sl": price - sign * points(STOP),
        "tp": price + sign * points(TARGET),
        "deviation": 10,
        "magic": 99,
        "comment": "break even",
        "type_filling": mt5.ORDER_FILLING_FOK,
    }
    result = mt5.order_send(request)
    if result is None:
        raise RuntimeError(f"order_send: {mt5.last_error()}")
    if result.retcode != mt5.TRADE_RETCODE_DONE:
        raise RuntimeError(f"order_send: {result.retcode} {result.comment}")
    return result.order


def protect(position):
    """Put the stop at break-even; True when it is there."""
    sign = 1 if position.type == mt5.POSITION_TYPE_BUY else -1
    gained = sign * (position.price_current - position.price_open)
    if gained < points(TRIGGER):
        return False
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_SLTP,
        "position": position.ticket,
        "symbol": SYMBOL,
        "sl": round(position.price_open + sign * points(PLUS), mt5.symbol_info(SYMBOL).digits),
        "tp": position.tp,
    })
    print("break-even:", result.comment)
    return result.retcode == mt5.TRADE_RETCODE_DONE


def main():
    if not mt5.initialize():
        print("initialize() failed", mt5.last_error())
        return 1
    try:
        ticket = open_trade()
        give_up = datetime.now() + PATIENCE
        protected = False
        while datetime.now() < give_up:
            positions = mt5.positions_get(ticket=ticket)
            if not positions:
                print("closed by", "break-even or target" if protected else "stop or target")
                return 0
            if not protected:
                protected = protect(positions[0])
            time.sleep(5)
        print("still open after", PATIENCE)
        return 0
    finally:
        mt5.shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
