"""Buy with a stop loss and a take profit, hold for a minute, close at market.

    python sltp_and_close.py EURUSD 0.10
"""

import sys
import time

import MetaTrader5 as mt5

symbol = sys.argv[1] if len(sys.argv) > 1 else "EURUSD"
lot = float(sys.argv[2]) if len(sys.argv) > 2 else 0.1
deviation = 20

if not mt5.initialize():
    print("initialize() failed, error code =", mt5.last_error())
    quit(1)

symbol_info = mt5.symbol_info(symbol)
if symbol_info is None:
    print(symbol, "not found, cannot call order_send()")
    mt5.shutdown()
    quit(1)

# if the symbol is not in Market Watch, add it
if not symbol_info.visible and not mt5.symbol_select(symbol, True):
    print("symbol_select({}) failed, exit".format(symbol))
    mt5.shutdown()
    quit(1)

point = mt5.symbol_info(symbol).point
price = mt5.symbol_info_tick(symbol).ask
request = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": symbol,
    "volume": lot,
    "type": mt5.ORDER_TYPE_BUY,
    "price": price,
    "sl": price - 300 * point,
    "tp": price + 300 * point,
    "deviation": deviation,
    "magic": 234000,
    "comment": "python script open",
    "type_time": mt5.ORDER_TIME_GTC,
    "type_filling": mt5.ORDER_FILLING_IOC,
}

result = mt5.order_send(request)
print("1. order_send(): by {} {} lots at {} with deviation={} points".format(symbol, lot, price, deviation))
if result.retcode != mt5.TRADE_RETCODE_DONE:
    print("2. order_send failed, retcode={}".format(result.retcode))
    # request the result as a dictionary and display it element by element
    for field, value in result._asdict().items():
        print("   {}={}".format(field, value))
        if field == "request":
            for name, sent in value._asdict().items():
                print("       traderequest: {}={}".format(name, sent))
    mt5.shutdown()
    quit(1)

print("2. order_send done, opened position with POSITION_TICKET={}".format(result.order))
time.sleep(60)

position_id = result.order
if not mt5.positions_get(ticket=position_id):
    print("3. the position is gone already: its stop loss or take profit was hit")
    mt5.shutdown()
    quit()

price = mt5.symbol_info_tick(symbol).bid
request = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": symbol,
    "volume": lot,
    "type": mt5.ORDER_TYPE_SELL,
    "position": position_id,
    "price": price,
    "deviation": deviation,
    "magic": 234000,
    "comment": "python script close",
    "type_time": mt5.ORDER_TIME_GTC,
    "type_filling": mt5.ORDER_FILLING_IOC,
}
result = mt5.order_send(request)
print("3. close position #{}: sell {} {} lots at {}".format(position_id, symbol, lot, price))
if result.retcode != mt5.TRADE_RETCODE_DONE:
    print("4. order_send failed, retcode={}".format(result.retcode))
    print("   result", result)
else:
    print("4. position #{} closed, {}".format(position_id, result))

mt5.shutdown()
