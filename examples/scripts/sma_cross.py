"""A polling bot: two moving averages on M5, in the market when the fast one is above or below the
slow one. It looks once a minute and never ends by itself: stop it with Ctrl-C.
"""

import logging
import time

import MetaTrader5 as mt5

SYMBOL = "EURUSD"
TIMEFRAME = mt5.TIMEFRAME_M5
FAST, SLOW = 8, 21
LOTS = 0.1
MAGIC = 821

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger("sma")


def signal():
    """+1, -1 or 0, from finished bars only."""
    rates = mt5.copy_rates_from_pos(SYMBOL, TIMEFRAME, 1, SLOW + 1)
    if rates is None or len(rates) < SLOW + 1:
        return 0
    close = rates["close"]
    fast, slow = close[-FAST:].mean(), close[-SLOW:].mean()
    fast_before, slow_before = close[-FAST - 1:-1].mean(), close[-SLOW - 1:-1].mean()
    if fast_before <= slow_before and fast > slow:
        return 1
    if fast_before >= slow_before and fast < slow:
        return -1
    return 0


def my_position():
    for position in mt5.positions_get(symbol=SYMBOL) or ():
        if position.magic == MAGIC:
            return position
    return None


def send(order_type, lots, position=0):
    tick = mt5.symbol_info_tick(SYMBOL)
    buy = order_type == mt5.ORDER_TYPE_BUY
    request = {
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": SYMBOL,
        "volume": lots,
        "type": order_type,
        "price": tick.ask if buy else tick.bid,
        "deviation": 20,
        "magic": MAGIC,
        "position": position,
        "comment": "sma %d/%d" % (FAST, SLOW),
        "type_time": mt5.ORDER_TIME_GTC,
        "type_filling": mt5.ORDER_FILLING_IOC,
    }
    result = mt5.order_send(request)
    if result is None or result.retcode != mt5.TRADE_RETCODE_DONE:
        log.warning("order_send: %s", mt5.last_error() if result is None else result.comment)
        return False
    log.info("%s %.2f at %.5f", "bought" if buy else "sold", result.volume, result.price)
    return True


def step():
    way = signal()
    if not way:
        return
    position = my_position()
    wanted = mt5.ORDER_TYPE_BUY if way > 0 else mt5.ORDER_TYPE_SELL
    if position is not None:
        if position.type == wanted:
            return
        send(wanted, position.volume, position.ticket)
    send(wanted, LOTS)


if not mt5.initialize():
    raise SystemExit("initialize() failed: %s %s" % mt5.last_error())
try:
    while True:
        try:
            step()
        except Exception:
            log.exception("something went wrong, trying again")
        time.sleep(60)
except KeyboardInterrupt:
    log.info("stopped")
finally:
    mt5.shutdown()
