"""A grid of limit orders around the price that expires, is moved once, and is cleaned up.

Buy limits below, sell limits above, a stop and a stop-limit order outside as break-out orders.
"""

import time

import MetaTrader5 as mt5

SYMBOL = "EURUSD"
LEVELS = 4
GAP = 120                 # points between levels
TARGET = 100              # points
LOTS = 0.05
MAGIC = 4_711
LIFETIME = 3 * 60 * 60    # seconds


def place(order_type, price, tp=0.0, stoplimit=0.0):
    info = mt5.symbol_info(SYMBOL)
    request = {
        "action": mt5.TRADE_ACTION_PENDING,
        "symbol": SYMBOL,
        "volume": LOTS,
        "type": order_type,
        "price": round(price, info.digits),
        "stoplimit": round(stoplimit, info.digits),
        "tp": round(tp, info.digits),
        "magic": MAGIC,
        "comment": "grid",
        # expiration is the server's time, and so is a tick's
        "type_time": mt5.ORDER_TIME_SPECIFIED,
        "expiration": mt5.symbol_info_tick(SYMBOL).time + LIFETIME,
        "type_filling": mt5.ORDER_FILLING_RETURN,
    }
    result = mt5.order_send(request)
    if result.retcode != mt5.TRADE_RETCODE_DONE:
        print("not placed:", result.retcode, result.comment, request)
        return None
    return result.order


def my_orders():
    return [order for order in mt5.orders_get(symbol=SYMBOL) if order.magic == MAGIC]


mt5.initialize()
info, tick = mt5.symbol_info(SYMBOL), mt5.symbol_info_tick(SYMBOL)
gap, target = GAP * info.point, TARGET * info.point

for level in range(1, LEVELS + 1):
    low, high = tick.bid - level * gap, tick.ask + level * gap
    place(mt5.ORDER_TYPE_BUY_LIMIT, low, tp=low + target)
    place(mt5.ORDER_TYPE_SELL_LIMIT, high, tp=high - target)
outside = (LEVELS + 2) * gap
place(mt5.ORDER_TYPE_BUY_STOP, tick.ask + outside)
place(mt5.ORDER_TYPE_SELL_STOP, tick.bid - outside)
place(mt5.ORDER_TYPE_BUY_STOP_LIMIT, tick.ask + outside, stoplimit=tick.ask + outside - gap)
place(mt5.ORDER_TYPE_SELL_STOP_LIMIT, tick.bid - outside, stoplimit=tick.bid - outside + gap)
print(len(my_orders()), "orders placed around", tick.bid)

time.sleep(10 * 60)

# Pull the buy limits that are still waiting half a gap closer, and keep their expiration.
for order in my_orders():
    if order.type != mt5.ORDER_TYPE_BUY_LIMIT:
        continue
    price = order.price_open + gap / 2
    if price >= mt5.symbol_info_tick(SYMBOL).ask - 10 * info.point:
        continue
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_MODIFY,
        "order": order.ticket,
        "symbol": SYMBOL,
        "price": round(price, info.digits),
        "tp": round(price + target, info.digits),
        "type_time": order.type_time,
        "expiration": order.time_expiration,
    })
    print("moved", order.ticket, "to", round(price, info.digits), result.comment)

# The break-out orders are not wanted any more.
for order in my_orders():
    if order.type in (mt5.ORDER_TYPE_BUY_STOP, mt5.ORDER_TYPE_BUY_STOP_LIMIT):
        result = mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": order.ticket})
        print("removed", order.ticket, result.comment)

while my_orders():
    time.sleep(60)
print("the grid is empty;", mt5.positions_total(), "positions are open")
mt5.shutdown()
