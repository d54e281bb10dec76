"""Yesterday's candles as a picture: an SVG file made of copy_rates_*, no plotting library needed.

    python rates_chart.py EURUSD H1 chart.svg
"""

import sys
from datetime import datetime, timedelta, timezone

import MetaTrader5 as mt5
import numpy as np

WIDTH, HEIGHT, MARGIN = 1000, 400, 20

symbol = sys.argv[1] if len(sys.argv) > 1 else "EURUSD"
timeframe_name = sys.argv[2] if len(sys.argv) > 2 else "H1"
path = sys.argv[3] if len(sys.argv) > 3 else "chart.svg"
timeframe = getattr(mt5, "TIMEFRAME_" + timeframe_name)

if not mt5.initialize():
    sys.exit("initialize() failed")

now = datetime.fromtimestamp(mt5.symbol_info_tick(symbol).time, timezone.utc)
rates = mt5.copy_rates_range(symbol, timeframe, now - timedelta(days=7), now)
if rates is None or len(rates) == 0:
    sys.exit("no rates: %s" % (mt5.last_error(),))
days = mt5.copy_rates_from(symbol, mt5.TIMEFRAME_D1, now, 20)
mt5.shutdown()

true_range = np.maximum(
    days["high"][1:] - days["low"][1:],
    np.maximum(abs(days["high"][1:] - days["close"][:-1]), abs(days["low"][1:] - days["close"][:-1])),
)
print("ATR(%d) on D1: %.5f" % (len(true_range), true_range.mean()))

low, high = rates["low"].min(), rates["high"].max()
scale = (HEIGHT - 2 * MARGIN) / (high - low)
step = (WIDTH - 2 * MARGIN) / len(rates)


def y(price):
    return HEIGHT - MARGIN - (price - low) * scale


shapes = []
for number, bar in enumerate(rates):
    x = MARGIN + (number + 0.5) * step
    colour = "#2a9d5c" if bar["close"] >= bar["open"] else "#c8443c"
    top, bottom = max(bar["open"], bar["close"]), min(bar["open"], bar["close"])
    shapes.append(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y(bar["high"]):.1f}" y2="{y(bar["low"]):.1f}" '
        f'stroke="{colour}"/>'
    )
    shapes.append(
        f'<rect x="{x - step * 0.35:.1f}" width="{step * 0.7:.1f}" y="{y(top):.1f}" '
        f'height="{max(1, y(bottom) - y(top)):.1f}" fill="{colour}"/>'
    )
with open(path, "w") as file:
    file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">\n')
    file.write(f"<title>{symbol} {timeframe_name}</title>\n")
    file.write("\n".join(shapes))
    file.write("\n</svg>\n")
print(len(rates), "candles from", datetime.fromtimestamp(int(rates[0]["time"]), timezone.utc), "in", path)
