"""asyncio: watch several symbols at once, and place a pending order for the one that moves most."""

import asyncio
from datetime import datetime

import MetaTrader5 as mt5

SYMBOLS = ["EURUSD", "GBPUSD", "USDCHF", "AUDUSD"]
WATCH = 20 * 60


async def watch(symbol, moves):
    """Add up how far the mid price goes, looking every second."""
    loop = asyncio.get_running_loop()
    end = loop.time() + WATCH
    info = mt5.symbol_info(symbol)
    last = None
    while loop.time() < end:
        tick = mt5.symbol_info_tick(symbol)
        mid = (tick.bid + tick.ask) / 2
        if last is not None:
            moves[symbol] = moves.get(symbol, 0.0) + abs(mid - last) / info.point
        last = mid
        await asyncio.sleep(1)


async def heartbeat():
    while True:
        print(datetime.now().strftime("%H:%M:%S"), "watching")
        await asyncio.sleep(300)


async def main():
    moves = {}
    beat = asyncio.create_task(heartbeat())
    await asyncio.gather(*(watch(symbol, moves) for symbol in SYMBOLS))
    beat.cancel()
    symbol = max(moves, key=moves.get)
    print({name: round(value) for name, value in moves.items()}, "->", symbol)
    info, tick = mt5.symbol_info(symbol), mt5.symbol_info_tick(symbol)
    result = mt5.order_send({
        "action": mt5.TRADE_ACTION_PENDING,
        "symbol": symbol,
        "volume": 0.1,
        "type": mt5.ORDER_TYPE_BUY_STOP,
        "price": round(tick.ask + 500 * info.point, info.digits),
        "type_time": mt5.ORDER_TIME_DAY,
        "type_filling": mt5.ORDER_FILLING_RETURN,
        "comment": "break-out",
    })
    print(result.comment, result.order)


if not mt5.initialize():
    raise SystemExit("initialize() failed")
asyncio.run(main())
mt5.shutdown()
