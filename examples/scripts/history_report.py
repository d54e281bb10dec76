"""What was traded, as a pandas report: every position with its result, by symbol and by hour.

Trades a little first, if the account has no history.

    python history_report.py --csv report.csv
"""

import argparse
import time
from datetime import datetime, timedelta

import MetaTrader5 as mt5
import pandas as pd

pd.set_option("display.max_columns", 30)
pd.set_option("display.width", 160)


def trade_a_little():
    for round_ in range(3):
        for symbol, side in (("EURUSD", 0), ("USDJPY", 1), ("AUDUSD", 0)):
            tick = mt5.symbol_info_tick(symbol)
            mt5.order_send({
                "action": mt5.TRADE_ACTION_DEAL, "symbol": symbol, "volume": 0.1 * (round_ + 1),
                "type": side, "price": tick.bid if side else tick.ask, "deviation": 20,
                "magic": 5, "comment": "round %d" % round_, "type_filling": mt5.ORDER_FILLING_IOC,
            })
        time.sleep(40 * 60)
        for p in mt5.positions_get(group="*"):
            tick = mt5.symbol_info_tick(p.symbol)
            mt5.order_send({
                "action": mt5.TRADE_ACTION_DEAL, "symbol": p.symbol, "volume": p.volume,
                "type": 1 - p.type, "position": p.ticket, "deviation": 20, "magic": 5,
                "price": tick.ask if p.type else tick.bid, "type_filling": mt5.ORDER_FILLING_IOC,
            })
        time.sleep(20 * 60)


def frame(rows):
    """MT5's rows as a table."""
    return pd.DataFrame(list(rows), columns=rows[0]._asdict().keys())


parser = argparse.ArgumentParser()
parser.add_argument("--csv")
parser.add_argument("--days", type=int, default=30)
args = parser.parse_args()

if not mt5.initialize():
    raise SystemExit("initialize() failed, error code = %s" % (mt5.last_error(),))

# The server's clock may be ahead of ours: ask for a day more.
to_date = datetime.now() + timedelta(days=1)
from_date = to_date - timedelta(days=args.days)
# The deposit is a deal too: anything beyond it was traded.
if (mt5.history_deals_total(from_date, to_date) or 0) < 2:
    trade_a_little()

deals = mt5.history_deals_get(from_date, datetime.now() + timedelta(days=1), group="*,!*TRY*")
orders = mt5.history_orders_get(from_date, datetime.now() + timedelta(days=1))
if not deals:
    raise SystemExit("no deals, error code = %s" % (mt5.last_error(),))
print(len(deals), "deals,",
      mt5.history_orders_total(from_date, datetime.now() + timedelta(days=1)), "orders")

df = frame(deals)
df["time"] = pd.to_datetime(df["time"], unit="s")
df = df[df["type"].isin([mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL])]
df["net"] = df[["profit", "commission", "swap", "fee"]].sum(axis=1)

of_orders = frame(orders)
print("orders by state:", of_orders["state"].value_counts().to_dict())

positions = df.groupby("position_id").agg(
    symbol=("symbol", "first"), opened=("time", "min"), closed=("time", "max"),
    volume=("volume", "max"), net=("net", "sum"),
)
print(positions)
print(positions.groupby("symbol")["net"].agg(["count", "sum", "mean"]).round(2))
print(positions.groupby(positions["opened"].dt.hour)["net"].sum().round(2))
wins = (positions["net"] > 0).sum()
print(f"{len(positions)} positions, {wins} won, net {positions['net'].sum():.2f}")
if args.csv:
    positions.round(2).to_csv(args.csv)
mt5.shutdown()
