"""A foreign gateway: an agent connects, gets commands, and its results are printed.

Arguments are a JSON object: path, enveloped, commands (each a JSON object of one dialect's fields,
with `field` saying which). The port is printed first; then a JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from websockets.asyncio.server import ServerConnection, serve

from tests.foreign.wire import compiled, opened, sealed

FIRST, SECOND, ENVELOPE = compiled()
KINDS = {"execution_command": FIRST.ExecutionCommand, "trading_command": SECOND.TradingCommand}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Gateway:
    def __init__(self, wanted: dict[str, Any], socket: ServerConnection) -> None:
        self.wanted, self.socket, self.frames = wanted, socket, 0

    async def send(self, field: str, message: Any) -> None:
        self.frames += 1
        if self.wanted["enveloped"]:
            await self.socket.send(sealed(ENVELOPE, field, message, self.frames))
        else:
            await self.socket.send(message.SerializeToString())

    async def run(self) -> None:
        if self.wanted["enveloped"]:
            document = json.dumps({"lease_ms": 60_000, "halts": [], "trading": "normal"}).encode()
            await self.send("config_update", ENVELOPE.ConfigUpdate(version=1, document=document))
        commands = asyncio.create_task(self.command())
        async for frame in self.socket:
            await self.take(frame)
        commands.cancel()

    async def command(self) -> None:
        for wanted in self.wanted["commands"]:
            fields = dict(wanted)
            await asyncio.sleep(fields.pop("after_s", 0.3))
            field = fields.pop("field")
            if field == "execution_command":
                fields.setdefault("timestamp", int(time.time() * 1000))
            else:
                fields.setdefault("expires_at", int(time.time() * 1000) + 60_000)
            await self.send(field, ParseDict(fields, KINDS[field]()))

    async def take(self, frame: Any) -> None:
        if self.wanted["enveloped"]:
            field, message = opened(ENVELOPE, frame)
        elif frame[:1] == b"\n" and len(frame) > 2 and self.is_profile(frame):
            field, message = "account_profile", SECOND.AccountProfile.FromString(frame)
        else:
            field, message = "execution_result", FIRST.ExecutionResult.FromString(frame)
        if field == "heartbeat":
            await self.send("heartbeat", message)
            return
        say(field=field, **MessageToDict(message, preserving_proto_field_name=True))
        if field == "execution_result":
            await self.send_ack(message)

    async def send_ack(self, message: Any) -> None:
        if self.wanted["enveloped"]:
            ack = ENVELOPE.Ack(id=message.command_id, sequence=message.sequence)
            await self.send("ack", ack)

    @staticmethod
    def is_profile(frame: bytes) -> bool:
        """A result has its status or its time as a varint; a profile its account as a string."""
        profile = SECOND.AccountProfile.FromString(frame)
        return bool(profile.account_number) and bool(profile.balance or profile.equity)


async def main(wanted: dict[str, Any]) -> None:
    async def serving(socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None
        say(
            connected=request.path,
            subprotocol=socket.subprotocol,
            authorized=request.headers.get("Authorization", "").startswith("Bearer "),
        )
        await Gateway(wanted, socket).run()

    spoken = ["onefill.v1"] if wanted["enveloped"] else None
    async with serve(serving, "127.0.0.1", 0, subprotocols=spoken, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        say(port=port)
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
