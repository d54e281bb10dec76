"""A small strategy that trades through a gateway: two moving averages of the mid price cross.

It shows how a trading engine talks to Onefill. It is a demonstration, not advice: on a random
market it earns nothing, and pays the spread each time.

    python examples/sma_cross.py --gateway http://127.0.0.1:8000 --key-file key --account 1000001

Quotes come from MetaTrader 5's own functions: here from a simulated broker (ONEFILL_BROKER says
which), beside a real terminal from `import MetaTrader5 as mt5`. Whatever feed you have will do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path
from typing import Literal, NoReturn

import onefill.mt5 as mt5
from onefill import Client, OnefillError


class Cross:
    """Two simple moving averages over the last mid prices."""

    def __init__(self, fast: int, slow: int) -> None:
        self.fast = fast
        self.mids: deque[float] = deque(maxlen=slow)
        self.above: bool | None = None

    def crossed(self, mid: float) -> Literal["buy", "sell"] | None:
        """The side to be on from here; None: nothing crossed."""
        self.mids.append(mid)
        if len(self.mids) < (self.mids.maxlen or 0):
            return None
        newest = list(self.mids)[-self.fast :]
        above = sum(newest) / len(newest) > sum(self.mids) / len(self.mids)
        before, self.above = self.above, above
        if before is None or before == above:
            return None
        return "buy" if above else "sell"


def trade(client: Client, wanted: argparse.Namespace) -> NoReturn:
    """Follow the quotes; on every cross close what is open and open the other side."""
    cross, last_ms, held = Cross(wanted.fast, wanted.slow), 0, ""
    while True:
        tick = mt5.symbol_info_tick(wanted.symbol)
        if tick is None or tick.time_msc == last_ms:
            time.sleep(0.02)
            continue
        last_ms = tick.time_msc
        side = cross.crossed((tick.bid + tick.ask) / 2)
        if side is None:
            continue
        # The key is the decision's own: this strategy, this symbol, this tick. Sent twice, it is
        # carried out once, and the second answer is the first one's.
        key = f"sma-{wanted.symbol}-{last_ms}"
        if held:
            closed = client.decide(
                client_key=f"{key}-close",
                action="close",
                target=held,
                mt5_account=wanted.account,
                auto_execute=True,
                reason="the averages crossed",
                wait=10,
            )
            tell(closed)
            if closed.status != "filled":
                continue  # its outcome is being looked up; the next cross finds it settled
            held = ""
        order = client.decide(
            client_key=key,
            symbol=wanted.symbol,
            side=side,
            volume=wanted.volume,
            magic=wanted.magic,
            mt5_account=wanted.account,
            auto_execute=True,
            confidence_score=0.8,
            reason=f"SMA {wanted.fast} crossed SMA {wanted.slow}",
            expires_at=int(time.time() * 1000) + 10_000,
            wait=10,
        )
        tell(order)
        held = key if order.status == "filled" else ""


def tell(order: object) -> None:
    """One line an outcome."""
    words = ("client_key", "status", "fill_price", "filled_volume", "reason")
    said = [f"{word}={getattr(order, word)}" for word in words if getattr(order, word, None)]
    print("strategy:", " ".join(said), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--gateway", default="http://127.0.0.1:8000")
    parser.add_argument("--key-file", type=Path, required=True, help="an API key that may trade")
    parser.add_argument("--account", required=True, help="the MT5 account, by its login")
    parser.add_argument("--symbol", default="EURUSD")
    parser.add_argument("--volume", type=float, default=0.1, help="lots")
    parser.add_argument("--fast", type=int, default=5, help="ticks")
    parser.add_argument("--slow", type=int, default=20, help="ticks")
    parser.add_argument("--magic", type=int, default=8032, help="the strategy's number")
    wanted = parser.parse_args()
    if not mt5.initialize():
        print(f"strategy: no quotes: {mt5.last_error()}", file=sys.stderr)
        return 2
    key = wanted.key_file.read_text(encoding="utf-8").strip()
    try:
        with Client(wanted.gateway, key=key) as client:
            trade(client, wanted)
    except OnefillError as wrong:
        print(f"strategy: {wrong.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    finally:
        mt5.shutdown()


if __name__ == "__main__":
    sys.exit(main())
