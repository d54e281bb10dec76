"""A module in another process over RPyC, called as mt5linux calls it; imported only where RPyC is
installed.

mt5linux evaluates the call's text in the process that holds the module and gets a reference to the
result; each field that is read is then asked for in turn. Here three are: time, bid and ask.
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter, sleep
from typing import Any

import rpyc

_SERVER = """
import sys, types
from collections import namedtuple
import rpyc
from rpyc.utils.server import OneShotServer
Tick = namedtuple("Tick", "time bid ask")
mt5 = types.ModuleType("MetaTrader5")
mt5.symbol_info_tick = lambda symbol: Tick(1, 1.1, 1.1001)
sys.modules["MetaTrader5"] = mt5
server = OneShotServer(rpyc.SlaveService, hostname="127.0.0.1", port=0)
print(server.port, flush=True)
server.start()
"""


def _connected(port: int) -> Any:
    """It knows its port before it listens there."""
    for _ in range(100):
        try:
            return rpyc.classic.connect("127.0.0.1", port)
        except ConnectionRefusedError:
            sleep(0.05)
    raise TimeoutError("the RPyC server does not listen")


class Peer:
    """A server process and a connection to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        try:
            self._connection = _connected(int(self._process.stdout.readline()))
            self._connection.execute("import MetaTrader5 as mt5")
        except BaseException:
            self._process.kill()
            raise

    def timed(self, count: int) -> list[float]:
        """Seconds of each of so many calls, the fields of the answer read."""
        times = []
        for _ in range(count):
            began = perf_counter()
            tick = self._connection.eval("mt5.symbol_info_tick('EURUSD')")
            assert (tick.time, tick.bid, tick.ask) == (1, 1.1, 1.1001)
            times.append(perf_counter() - began)
        return times

    def close(self) -> None:
        """Hang up, and end the server."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
