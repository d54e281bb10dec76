"""How many lots is one per cent of the account? Size a trade by its stop, check it, send it."""

import math
import sys

import MetaTrader5 as mt5

RISK = 0.01            # of equity
STOP_POINTS = 250
MAX_MARGIN = 0.30      # of free margin


def lots_for_risk(symbol, order_type, entry, stop, money):
    """The volume whose loss at `stop` is `money`, rounded down to the symbol's step."""
    info = mt5.symbol_info(symbol)
    loss_of_one_lot = mt5.order_calc_profit(order_type, symbol, 1.0, entry, stop)
    if loss_of_one_lot is None or loss_of_one_lot >= 0:
        print("order_calc_profit:", mt5.last_error())
        return 0.0
    lots = math.floor(money / -loss_of_one_lot / info.volume_step) * info.volume_step
    # not more than the margin allows
    margin_of_one_lot = mt5.order_calc_margin(order_type, symbol, 1.0, entry)
    affordable = mt5.account_info().margin_free * MAX_MARGIN / margin_of_one_lot
    lots = min(lots, math.floor(affordable / info.volume_step) * info.volume_step)
    return round(max(info.volume_min, min(lots, info.volume_max)), 8)


def main(symbols):
    if not mt5.initialize():
        print("initialize() failed, error code =", mt5.last_error())
        return 1
    account = mt5.account_info()
    print("equity", account.equity, account.currency, "risk", RISK)
    for symbol in symbols:
        if not mt5.symbol_select(symbol, True):
            print(symbol, "is not offered:", mt5.last_error())
            continue
        info, tick = mt5.symbol_info(symbol), mt5.symbol_info_tick(symbol)
        stop = round(tick.ask - STOP_POINTS * info.point, info.digits)
        lots = lots_for_risk(symbol, mt5.ORDER_TYPE_BUY, tick.ask, stop, account.equity * RISK)
        request = {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": symbol,
            "volume": lots,
            "type": mt5.ORDER_TYPE_BUY,
            "price": tick.ask,
            "sl": stop,
            "deviation": 20,
            "magic": 1,
            "comment": "one per cent",
            "type_filling": mt5.ORDER_FILLING_IOC,
        }
        check = mt5.order_check(request)
        if check is None or check.retcode != 0:
            print(symbol, "check failed:", check)
            continue
        print(symbol, lots, "lots, margin", check.margin, "free", check.margin_free)
        result = mt5.order_send(request)
        print("  ", result.retcode, result.comment, result.price)
    mt5.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["EURUSD", "USDJPY", "EURGBP"]))
