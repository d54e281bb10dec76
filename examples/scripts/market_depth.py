"""Watch the market depth for a while, and take the best level when the book leans."""

import time

import MetaTrader5 as mt5

SYMBOL = "EURUSD"
LOOKS = 60

if not mt5.initialize():
    print("initialize() failed, error code =", mt5.last_error())
    quit()

if not mt5.market_book_add(SYMBOL):
    print("market_book_add({}) failed, error code =".format(SYMBOL), mt5.last_error())
    mt5.shutdown()
    quit()

seen = 0
leaning = None
for _ in range(LOOKS):
    items = mt5.market_book_get(SYMBOL)
    if items:
        seen += 1
        bids = [item for item in items if item.type == mt5.BOOK_TYPE_BUY]
        asks = [item for item in items if item.type == mt5.BOOK_TYPE_SELL]
        volume_bid = sum(item.volume_dbl for item in bids)
        volume_ask = sum(item.volume_dbl for item in asks)
        best_bid = max((item.price for item in bids), default=0.0)
        best_ask = min((item.price for item in asks), default=0.0)
        if seen <= 3:
            print(len(bids), "bids", volume_bid, "best", best_bid,
                  "|", len(asks), "asks", volume_ask, "best", best_ask)
            print("   first:", items[0]._asdict())
        if leaning is None and volume_bid != volume_ask:
            leaning = mt5.ORDER_TYPE_BUY if volume_bid > volume_ask else mt5.ORDER_TYPE_SELL
    time.sleep(5)

mt5.market_book_release(SYMBOL)
print("saw the book", seen, "times")
if leaning is not None:
    tick = mt5.symbol_info_tick(SYMBOL)
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": SYMBOL,
        "volume": 0.1,
        "type": leaning,
        "price": tick.bid if leaning else tick.ask,
        "deviation": 20,
        "comment": "depth",
        "type_filling": mt5.ORDER_FILLING_FOK,
    })
    print("traded:", result.retcode, result.comment)
mt5.shutdown()
