"""What both ends have in common: frames out and in, told on standard output, a JSON object a line,
and what to send next, read from standard input. The end of the input is the end of the connection.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from tests.foreign.wire import NEVER_HEARD_OF, compiled, opened, sealed

FIRST, SECOND, ENVELOPE = compiled()
KINDS: dict[str, Any] = {
    "execution_command": FIRST.ExecutionCommand,
    "execution_result": FIRST.ExecutionResult,
    "trading_command": SECOND.TradingCommand,
    "account_profile": SECOND.AccountProfile,
    "ack": ENVELOPE.Ack,
    "error": ENVELOPE.Error,
    "heartbeat": ENVELOPE.Heartbeat,
    "config_update": ENVELOPE.ConfigUpdate,
}


def say(**what: Any) -> None:
    """Tell whoever started this program."""
    print(json.dumps(what), flush=True)


class Peer:
    """One end of a connection. `hears` says what a bare frame is."""

    def __init__(self, socket: Any, *, enveloped: bool) -> None:
        self.socket, self.enveloped = socket, enveloped
        self._frames = 0

    async def send(self, field: str, message: Any) -> None:
        """One message, as this connection has them."""
        self._frames += 1
        if self.enveloped:
            await self.socket.send(sealed(ENVELOPE, field, message, self._frames))
        else:
            await self.socket.send(message.SerializeToString())

    async def obey(self, wanted: dict[str, Any]) -> None:
        """Send what a line of the input says: `send` names the kind, `fields` are its own; `odd`
        adds fields that nobody knows, `raw` is sent as it is (hex)."""
        if "raw" in wanted:
            await self.socket.send(bytes.fromhex(wanted["raw"]))
            return
        message = ParseDict(wanted["fields"], KINDS[wanted["send"]]())
        if wanted.get("odd"):
            message.MergeFromString(NEVER_HEARD_OF)
        await self.send(wanted["send"], message)

    def read(self, frame: bytes, bare: str) -> tuple[str, Any]:
        """A frame's kind and message, told as well; `bare` is what it is without an envelope."""
        if self.enveloped:
            field, message = opened(ENVELOPE, frame)
        else:
            field, message = bare, KINDS[bare].FromString(frame)
        if field != "heartbeat":
            told = MessageToDict(
                message,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            say(field=field, message=told)
        return field, message


async def lines() -> Any:
    """The lines of the input, as they come."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield json.loads(line)
