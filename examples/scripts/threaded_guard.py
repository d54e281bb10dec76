"""Two threads and one terminal: one trades on a timetable, one guards the account's loss.

The guard closes everything when the floating loss of the account is above a limit, and reports
every quarter of an hour.
"""

import threading
import time
from queue import Empty, Queue

import MetaTrader5 as mt5

SYMBOL = "GBPJPY"
LOTS = 0.2
LIMIT = 60.0           # of account currency
ROUNDS = 6

api = threading.Lock()     # the package is not known to be thread-safe
stop = threading.Event()
reports = Queue()


def order(order_type, lots, position=0, comment=""):
    tick = mt5.symbol_info_tick(SYMBOL)
    return mt5.order_send({
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": SYMBOL,
        "volume": lots,
        "type": order_type,
        "price": tick.ask if order_type == mt5.ORDER_TYPE_BUY else tick.bid,
        "deviation": 30,
        "magic": 31,
        "position": position,
        "comment": comment,
        "type_filling": mt5.ORDER_FILLING_IOC,
    })


def close_all(comment):
    for position in mt5.positions_get(symbol=SYMBOL):
        order(1 - position.type, position.volume, position.ticket, comment)


def trader():
    for number in range(ROUNDS):
        with api:
            order(number % 2, LOTS, comment="round %d" % number)
        if stop.wait(30 * 60):
            return
        with api:
            close_all("timetable")
    stop.set()


def guard():
    began = time.monotonic()
    next_report = began
    while not stop.is_set():
        with api:
            account = mt5.account_info()
            if account.profit < -LIMIT:
                close_all("guard")
                reports.put("closed at a floating loss of %.2f" % account.profit)
        if time.monotonic() >= next_report:
            next_report += 15 * 60
            reports.put("%5.0f min: equity %.2f" % ((time.monotonic() - began) / 60, account.equity))
        time.sleep(1)


if not mt5.initialize():
    raise SystemExit("initialize() failed")
threads = [threading.Thread(target=trader), threading.Thread(target=guard, daemon=True)]
for thread in threads:
    thread.start()
while threads[0].is_alive() or not reports.empty():
    try:
        print(reports.get(timeout=5))
    except Empty:
        continue
threads[0].join()
with api:
    print("balance", mt5.account_info().balance)
    mt5.shutdown()
