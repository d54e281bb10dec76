"""A foreign trading client: takes a gateway's commands and answers as it is told to.

Its argument is a JSON object: url, path, token, enveloped, headers and profile (both or neither
may be there). A refused handshake is told as {"refused": status, "body": ...}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

from google.protobuf.json_format import ParseDict
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.foreign.peer import ENVELOPE, SECOND, Peer, lines, say

BEAT_S = 5.0


async def hear(peer: Peer, socket: Any, bare: str) -> None:
    """Everything that the gateway sends, until the connection is over."""
    async for frame in socket:
        field, message = peer.read(frame, bare)
        if field == "config_update":
            await peer.send("ack", ENVELOPE.Ack(id=f"config/{message.version}"))


async def beat(peer: Peer) -> None:
    """An enveloped client says that it lives."""
    with suppress(ConnectionClosed):
        while peer.enveloped:
            sent_at = int(time.time() * 1_000)
            await peer.send("heartbeat", ENVELOPE.Heartbeat(sent_at=sent_at))
            await asyncio.sleep(BEAT_S)


async def obey(peer: Peer) -> None:
    with suppress(ConnectionClosed):
        async for wanted in lines():
            await peer.obey(wanted)
    await peer.socket.close()


async def main(wanted: dict[str, Any]) -> None:
    enveloped = wanted["enveloped"]
    bare = "trading_command" if "trading-client" in wanted["path"] else "execution_command"
    headers = {"Authorization": f"Bearer {wanted['token']}"} if wanted.get("token") else {}
    try:
        socket = await connect(
            wanted["url"] + wanted["path"],
            additional_headers=headers | wanted.get("headers", {}),
            subprotocols=["onefill.v1"] if enveloped else None,  # type: ignore[list-item]
            compression=None,
            proxy=None,
        )
    except InvalidStatus as refused:
        say(refused=refused.response.status_code, body=refused.response.body.decode())
        return
    peer = Peer(socket, enveloped=enveloped)
    say(connected=True, subprotocol=socket.subprotocol)
    if wanted.get("profile"):
        await peer.send("account_profile", ParseDict(wanted["profile"], SECOND.AccountProfile()))
    beating = asyncio.create_task(beat(peer))
    obeying = asyncio.create_task(obey(peer))
    with suppress(ConnectionClosed):
        await hear(peer, socket, bare)
    say(closed=socket.close_code, reason=socket.close_reason)
    beating.cancel()
    await obeying


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
