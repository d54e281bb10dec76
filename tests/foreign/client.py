"""A foreign trading client: takes a gateway's commands and answers that they filled.

Arguments are a JSON object: url, token, path, enveloped, account, user, server, broker. What it
received and sent is printed, a JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from websockets.asyncio.client import connect

from tests.foreign.wire import compiled, opened, sealed

FIRST, SECOND, ENVELOPE = compiled()


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Client:
    """One connection; tickets and results are numbered from where they stand."""

    def __init__(self, wanted: dict[str, Any], socket: Any) -> None:
        self.wanted, self.socket = wanted, socket
        self.ticket, self.sequence, self.frames = 5_000, 0, 0
        self.answered: dict[str, Any] = {}

    async def send(self, field: str, message: Any) -> None:
        self.frames += 1
        if self.wanted["enveloped"]:
            frame = sealed(ENVELOPE, field, message, self.frames)
        else:
            frame = message.SerializeToString()
        await self.socket.send(frame)

    def profile(self) -> Any:
        profile = SECOND.AccountProfile(
            user_id=self.wanted["user"],
            account_number=self.wanted["account"],
            broker_name=self.wanted["broker"],
            server_name=self.wanted["server"],
            account_type=SECOND.DEMO,
            base_currency="USD",
            balance=10_000,
            equity=10_000,
            margin_free=10_000,
        )
        profile.risk_profile.max_risk_per_trade = 5
        profile.preferences.preferred_lot_size = 0.1
        return profile

    async def run(self) -> None:
        if self.wanted["enveloped"] or self.wanted["path"].endswith("trading-client"):
            await self.send("account_profile", self.profile())
        say(connected=True)
        async for frame in self.socket:
            if isinstance(frame, str):
                say(text=frame)
                continue
            await self.take(frame)

    async def take(self, frame: bytes) -> None:
        if self.wanted["enveloped"]:
            field, message = opened(ENVELOPE, frame)
        elif self.wanted["path"].endswith("trading-client"):
            field, message = "trading_command", SECOND.TradingCommand.FromString(frame)
        else:
            field, message = "execution_command", FIRST.ExecutionCommand.FromString(frame)
        if field.endswith("_command"):
            say(field=field, **self.told(field, message))
            await self.answer(field, message)
        elif field == "config_update":
            say(field=field, version=message.version, document=json.loads(message.document))
            await self.send("ack", ENVELOPE.Ack(id=f"config/{message.version}"))
        elif field == "ack":
            say(field=field, id=message.id, sequence=message.sequence, duplicate=message.duplicate)
        elif field == "error":
            say(field=field, code=message.code, message=message.message, id=message.id)
        else:
            say(field=field)

    def told(self, field: str, message: Any) -> dict[str, Any]:
        common = {"command_id": message.command_id, "user_id": message.user_id}
        if field == "execution_command":
            action, params = message.action, message.params
            return common | {
                "account": message.mt5_account,
                "type": FIRST.ActionType.Name(action.type),
                "symbol": action.symbol,
                "direction": FIRST.TradeDirection.Name(action.direction),
                "volume": action.volume,
                "price": action.price,
                "order_type": FIRST.OrderType.Name(params.order_type),
                "slippage": params.slippage,
                "magic": params.magic_number,
                "comment": params.comment,
                "expires_at": message.expires_at,
                "correlation_id": message.correlation_id,
            }
        return common | {
            "account": message.mt5_account,
            "type": SECOND.CommandType.Name(message.type),
            "symbol": message.symbol,
            "order_type": SECOND.OrderType.Name(message.order_type),
            "volume": message.lot_size,
            "price": message.entry_price,
            "reason": message.reason,
            "confidence": message.confidence_score,
            "expires_at": message.expires_at,
        }

    async def answer(self, field: str, message: Any) -> None:
        known = self.answered.get(message.command_id)
        if known is None:
            known = self.answered[message.command_id] = self.filled(field, message)
        await self.send("execution_result", known)
        say(sent=message.command_id)

    def filled(self, field: str, message: Any) -> Any:
        self.ticket += 1
        volume = message.action.volume if field == "execution_command" else message.lot_size
        result = FIRST.ExecutionResult(
            command_id=message.command_id,
            status=FIRST.SUCCESS,
            order_ticket=str(self.ticket),
            executed_price=1.2345,
            execution_time=int(time.time() * 1000),
        )
        if self.wanted["enveloped"]:
            self.sequence += 1
            result.executed_volume = volume
            result.position_ticket = str(self.ticket)
            result.sequence = self.sequence
            result.state = "filled"
        return result


async def main(wanted: dict[str, Any]) -> None:
    async with connect(
        wanted["url"] + wanted["path"] + wanted.get("query", ""),
        additional_headers={"Authorization": f"Bearer {wanted['token']}"},
        subprotocols=["onefill.v1"] if wanted["enveloped"] else None,
        compression=None,
    ) as socket:
        await Client(wanted, socket).run()
    say(closed=socket.close_code, reason=socket.close_reason)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
