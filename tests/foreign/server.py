"""A foreign gateway: an agent connects, gets the commands that it is told to send, and what the
agent says is told.

Its argument is a JSON object: enveloped. The port is told first. Heartbeats come back, results are
acknowledged; everything else is up to whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.foreign.peer import ENVELOPE, SECOND, Peer, lines, say

CONFIG = {"lease_ms": 60_000, "halts": [], "trading": "normal"}


class Gateway:
    """Speaks to the agent that came last."""

    def __init__(self, *, enveloped: bool) -> None:
        self.enveloped = enveloped
        self.peer: Peer | None = None

    async def serve(self, socket: ServerConnection) -> None:
        """One agent's connection."""
        request = socket.request
        assert request is not None
        self.peer = peer = Peer(socket, enveloped=self.enveloped)
        say(
            connected=request.path,
            subprotocol=socket.subprotocol,
            authorization=request.headers.get("Authorization", "").partition(" ")[0],
        )
        if self.enveloped:
            document = json.dumps(CONFIG).encode()
            await peer.send("config_update", ENVELOPE.ConfigUpdate(version=1, document=document))
        with suppress(ConnectionClosed):
            async for frame in socket:
                await self._hear(peer, frame)
        say(closed=socket.close_code)

    async def _hear(self, peer: Peer, frame: Any) -> None:
        bare = "account_profile" if _is_profile(frame) else "execution_result"
        field, message = peer.read(frame, bare)
        if field == "heartbeat":
            await peer.send("heartbeat", message)
        elif field == "execution_result" and self.enveloped:
            ack = ENVELOPE.Ack(id=message.command_id, sequence=message.sequence)
            await peer.send("ack", ack)

    async def obey(self) -> None:
        """Until the input ends."""
        async for wanted in lines():
            if self.peer is not None:
                await self.peer.obey(wanted)


def _is_profile(frame: bytes) -> bool:
    """Bare frames on one path: a profile names its account, in a field where a result has its
    status, which is no text."""
    return bool(SECOND.AccountProfile.FromString(frame).account_number)


async def main(wanted: dict[str, Any]) -> None:
    gateway = Gateway(enveloped=wanted["enveloped"])
    spoken: Any = ["onefill.v1"] if wanted["enveloped"] else None
    async with serve(gateway.serve, "127.0.0.1", 0, subprotocols=spoken, compression=None) as here:
        say(port=next(iter(here.sockets)).getsockname()[1])
        await gateway.obey()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
