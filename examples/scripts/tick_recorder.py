"""Record ticks to a CSV file: first the last hour, then live for some minutes, none twice.

    python tick_recorder.py --symbol EURUSD --minutes 10 --out ticks.csv
"""

import argparse
import csv
import time

import MetaTrader5 as mt5

parser = argparse.ArgumentParser()
parser.add_argument("--symbol", default="EURUSD")
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--out", default="ticks.csv")
args = parser.parse_args()

if not mt5.initialize():
    raise SystemExit(f"initialize() failed: {mt5.last_error()}")
if not mt5.symbol_select(args.symbol, True):
    raise SystemExit(f"{args.symbol}: {mt5.last_error()}")

now = mt5.symbol_info_tick(args.symbol).time
last_msc = 0
written = 0

with open(args.out, "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["time_msc", "bid", "ask", "flags"])

    def write(ticks):
        global last_msc, written
        for tick in ticks:
            if tick["time_msc"] <= last_msc:
                continue
            out.writerow([tick["time_msc"], tick["bid"], tick["ask"], tick["flags"]])
            last_msc = int(tick["time_msc"])
            written += 1

    past = mt5.copy_ticks_range(args.symbol, now - 3600, now, mt5.COPY_TICKS_ALL)
    if past is None:
        raise SystemExit(f"copy_ticks_range: {mt5.last_error()}")
    write(past)
    print(written, "ticks of the last hour")

    end = time.time() + args.minutes * 60
    while time.time() < end:
        ticks = mt5.copy_ticks_from(args.symbol, max(last_msc, 1) // 1000, 1000, mt5.COPY_TICKS_INFO)
        if ticks is None:
            print("copy_ticks_from:", mt5.last_error())
        else:
            write(ticks)
        time.sleep(0.5)

print(written, "ticks in", args.out)
mt5.shutdown()
