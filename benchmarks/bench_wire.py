"""The wire: packing and unpacking a command and its result, bare and enveloped, beside protobuf's
own serializing and parsing of the same bytes.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks.report import Row, print_rows
from onefill.contracts.bare import Bare, End
from onefill.contracts.crc32c import crc32c
from onefill.contracts.framing import Enveloped, Framing
from onefill.contracts.messages import Command, Dialect, Message, Result, Status
from onefill.contracts.wire.onefill.envelope_pb2 import Envelope
from onefill.contracts.wire.trading.execution_command_pb2 import ExecutionCommand, ExecutionResult
from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.states import State

_AT = 1_700_000_000_000
COMMAND = Command(
    intent=OrderIntent(
        client_key="sma-cross-EURUSD-000123",
        action=Action.OPEN,
        symbol="EURUSD",
        side=Side.BUY,
        volume=0.1,
        stop_loss=1.095,
        take_profit=1.12,
        deviation=20,
        magic=77,
        comment="AI Signal BUY EURUSD",
        expires_at_ms=_AT + 60_000,
        user_id="user-17",
        reason="the fast average crossed the slow one",
        confidence=0.83,
        correlation_id="signal-4711",
    ),
    account="5012345",
    user_id="user-17",
    made_ms=_AT,
)
RESULT = Result(
    command_id=COMMAND.intent.client_key,
    status=Status.SUCCESS,
    order_ticket=123_456_789,
    price=1.10123,
    at_ms=_AT + 40,
    volume=0.1,
    position_ticket=123_456_789,
    retcode=10009,
    sequence=4_711,
    state=State.FILLED,
)
_Wire = type[ExecutionCommand] | type[ExecutionResult] | type[Envelope]


def run(quick: bool) -> list[Row]:
    """Microseconds for one frame."""
    rounds = 50 if quick else 300
    server = Bare(Dialect.EXECUTION)
    client = Bare(Dialect.EXECUTION, end=End.CLIENT)
    rows = [
        *_rows("command, bare", COMMAND, server, client, ExecutionCommand, rounds),
        *_rows("result, bare", RESULT, client, server, ExecutionResult, rounds),
        *_rows("command, enveloped", COMMAND, Enveloped(), Enveloped(), Envelope, rounds),
        *_rows("result, enveloped", RESULT, Enveloped(), Enveloped(), Envelope, rounds),
    ]
    content = bytes(range(200))
    checksum = _times(lambda: crc32c(content), rounds)
    floor = _times(lambda: sum(content), rounds)
    rows.append(_row("CRC-32C of 200 bytes", checksum, "sum() of them", floor))
    return rows


def _rows(
    name: str, message: Message, writes: Framing, reads: Framing, wire: _Wire, rounds: int
) -> list[Row]:
    frame = writes.pack(message)
    assert frame is not None
    assert reads.unpack(frame) == message
    parsed = wire.FromString(frame)
    what = f"{name}, {len(frame)} bytes"
    return [
        _row(
            f"pack a {what}",
            _times(lambda: writes.pack(message), rounds),
            "SerializeToString",
            _times(parsed.SerializeToString, rounds),
        ),
        _row(
            f"unpack a {what}",
            _times(lambda: reads.unpack(frame), rounds),
            "FromString",
            _times(lambda: wire.FromString(frame), rounds),
        ),
    ]


def _row(name: str, times: list[float], floor_name: str, floor: list[float]) -> Row:
    late = sorted(times)[int(len(times) * 0.99)]
    note = f"p99 {late:,.1f} µs"
    return Row(name, statistics.median(times), "µs", floor_name, statistics.median(floor), note)


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    """Microseconds for one of a hundred, each round."""
    found = []
    for _ in range(rounds):
        begin = perf_counter()
        for _ in range(100):
            work()
        found.append((perf_counter() - begin) * 1e4)
    return found


if __name__ == "__main__":
    print_rows(run(quick="quick" in sys.argv))
