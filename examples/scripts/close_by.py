"""Hedge a position with an opposite one, then close one by the other and save a spread."""

import time

import MetaTrader5 as mt5


def market(symbol, order_type, lots):
    tick = mt5.symbol_info_tick(symbol)
    result = mt5.order_send(
        {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": symbol,
            "volume": lots,
            "type": order_type,
            "price": tick.ask if order_type == mt5.ORDER_TYPE_BUY else tick.bid,
            "deviation": 20,
            "magic": 10,
            "comment": "hedge",
            "type_filling": mt5.ORDER_FILLING_FOK,
        }
    )
    if result.retcode != mt5.TRADE_RETCODE_DONE:
        raise RuntimeError(result.comment)
    return result.order


if not mt5.initialize():
    print("initialize() failed")
    exit(1)

if mt5.account_info().margin_mode != mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING:
    print("positions can be closed by each other on hedging accounts only")
    mt5.shutdown()
    exit(2)

symbol = "EURUSD"
long_ = market(symbol, mt5.ORDER_TYPE_BUY, 0.30)
print("margin with one leg: ", mt5.account_info().margin)
time.sleep(300)
short = market(symbol, mt5.ORDER_TYPE_SELL, 0.20)
print("margin with two legs:", mt5.account_info().margin)
time.sleep(300)

result = mt5.order_send(
    {"action": mt5.TRADE_ACTION_CLOSE_BY, "position": long_, "position_by": short, "magic": 10}
)
if result.retcode != mt5.TRADE_RETCODE_DONE:
    print("close by failed:", result.retcode, result.comment)
for position in mt5.positions_get(symbol=symbol):
    print("left:", position.ticket, position.volume, position.type, position.price_open)
mt5.shutdown()
