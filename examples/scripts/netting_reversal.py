"""On a netting account: add to a position, reduce it, turn it round with one order, go flat.

    python netting_reversal.py EURUSD 0.4
"""

import sys

import MetaTrader5 as mt5

symbol = sys.argv[1] if len(sys.argv) > 1 else "EURUSD"
unit = float(sys.argv[2]) if len(sys.argv) > 2 else 0.4


def trade(lots):
    """Buy (above 0) or sell so many lots at market."""
    tick = mt5.symbol_info_tick(symbol)
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": abs(lots),
        "type": mt5.ORDER_TYPE_BUY if lots > 0 else mt5.ORDER_TYPE_SELL,
        "price": tick.ask if lots > 0 else tick.bid,
        "deviation": 20,
        "comment": "net %+g" % lots,
        "type_filling": mt5.ORDER_FILLING_FOK,
    })
    if result is None or result.retcode != mt5.TRADE_RETCODE_DONE:
        print("failed", lots, result, mt5.last_error())
        mt5.shutdown()
        sys.exit(1)
    return result


def net():
    """Signed volume of the one position."""
    positions = mt5.positions_get(symbol=symbol)
    if not positions:
        return 0.0
    (position,) = positions
    return position.volume if position.type == mt5.POSITION_TYPE_BUY else -position.volume


if not mt5.initialize():
    sys.exit("no terminal")
if mt5.account_info().margin_mode == mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING:
    print("this account hedges: a netting one is needed")
    mt5.shutdown()
    sys.exit(2)
mt5.symbol_select(symbol, True)

trade(unit)
trade(unit)
print("added:   ", net())
trade(-unit / 2)
print("reduced: ", net())
before = mt5.positions_get(symbol=symbol)[0]
trade(-3 * unit)
after = mt5.positions_get(symbol=symbol)[0]
print("reversed:", net(), "identifier kept:", before.identifier == after.identifier,
      "ticket changed:", before.ticket != after.ticket)
trade(-net())
print("flat:    ", net())
entries = {0: "in", 1: "out", 2: "in/out", 3: "out by"}
for deal in mt5.history_deals_get(position=after.identifier):
    print("deal", deal.ticket, entries[deal.entry], deal.volume, deal.price, "profit", deal.profit)
mt5.shutdown()
