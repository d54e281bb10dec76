"""Take profit in thirds: a position is closed in three steps of time, the last one with what is left.

    python partial_close.py XAUUSD
"""

import sys
from time import sleep

import MetaTrader5 as mt5

symbol = sys.argv[1] if len(sys.argv) > 1 else "XAUUSD"
volume = 0.10


def send(type_, lots, position=0, comment=""):
    tick = mt5.symbol_info_tick(symbol)
    request = dict(
        action=mt5.TRADE_ACTION_DEAL,
        symbol=symbol,
        volume=lots,
        type=type_,
        price=tick.ask if type_ == mt5.ORDER_TYPE_BUY else tick.bid,
        deviation=30,
        magic=3,
        comment=comment,
        type_time=mt5.ORDER_TIME_GTC,
        type_filling=mt5.ORDER_FILLING_IOC,
    )
    if position:
        request["position"] = position
    result = mt5.order_send(request)
    assert result is not None and result.retcode == mt5.TRADE_RETCODE_DONE, (result, mt5.last_error())
    return result


if not mt5.initialize():
    sys.exit("initialize() failed, error code = %d, %s" % mt5.last_error())
if not mt5.symbol_select(symbol, True):
    sys.exit("no such symbol: " + symbol)

ticket = send(mt5.ORDER_TYPE_BUY, volume, comment="thirds").order
step = mt5.symbol_info(symbol).volume_step
third = round(round(volume / 3 / step) * step, 2)

for part in (1, 2):
    sleep(15 * 60)
    send(mt5.ORDER_TYPE_SELL, third, ticket, f"part {part}")
    left = mt5.positions_get(ticket=ticket)[0].volume
    print(f"part {part}: closed {third}, {left} left")

sleep(15 * 60)
left = mt5.positions_get(ticket=ticket)[0]
send(mt5.ORDER_TYPE_SELL, left.volume, ticket, "rest")
deals = mt5.history_deals_get(position=ticket)
print("closed;", len(deals), "deals, profit %.2f" % sum(deal.profit for deal in deals))
mt5.shutdown()
