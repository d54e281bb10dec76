"""The second order dialect, `TradingCommand`: to bytes and back."""

from __future__ import annotations

from onefill.contracts import checks
from onefill.contracts.command_rules import Said, has_target, intent_of, must_be_sendable
from onefill.contracts.messages import Command
from onefill.contracts.refusals import NotExpressible, Wrong
from onefill.contracts.wire.trading import execution_commands_pb2 as pb
from onefill.model.intent import Action, OrderIntent, OrderType, Side

_ACTIONS = {
    pb.OPEN_POSITION: Action.OPEN,
    pb.CLOSE_POSITION: Action.CLOSE,
    pb.MODIFY_POSITION: Action.MODIFY,
    pb.CLOSE_ALL: Action.CLOSE_ALL,
}
_TYPES = {
    pb.BUY: (Side.BUY, OrderType.MARKET),
    pb.SELL: (Side.SELL, OrderType.MARKET),
    pb.BUY_LIMIT: (Side.BUY, OrderType.LIMIT),
    pb.SELL_LIMIT: (Side.SELL, OrderType.LIMIT),
    pb.BUY_STOP: (Side.BUY, OrderType.STOP),
    pb.SELL_STOP: (Side.SELL, OrderType.STOP),
}
_ACTION_OF = {action: number for number, action in _ACTIONS.items()}
_TYPE_OF = {meant: number for number, meant in _TYPES.items()}


def decode(payload: bytes, life_ms: int) -> Command:
    """Raises `Wrong`, and protobuf's `DecodeError`."""
    wire = pb.TradingCommand.FromString(payload)
    meant, kind = _ACTIONS.get(wire.type), _TYPES.get(wire.order_type)
    if meant is None:
        raise Wrong("type", f"{wire.type} is none; there are 0 to 3")
    if kind is None:
        raise Wrong("order_type", f"{wire.order_type} is none; there are 0 to 5")
    side, order_type = kind
    said = Said(
        command_id=wire.command_id,
        action=meant,
        symbol=wire.symbol,
        side=side,
        order_type=order_type,
        volume=wire.lot_size,
        price=wire.entry_price,
        stop_loss=wire.stop_loss,
        take_profit=wire.take_profit,
        clear_stop_loss=wire.clear_stop_loss,
        clear_take_profit=wire.clear_take_profit,
        position_ticket=wire.position_ticket,
        order_ticket=wire.order_ticket,
        target=wire.target_command_id,
        expires_at=wire.expires_at,
        magic=wire.magic,
        comment=wire.comment,
        user_id=wire.user_id,
        reason=wire.reason,
        confidence=wire.confidence_score,
        correlation_id=wire.correlation_id,
    )
    return Command(
        intent=intent_of(said, 0, life_ms),
        account=checks.text("mt5_account", wire.mt5_account),
        user_id=wire.user_id,
    )


def encode(command: Command, *, extended: bool) -> bytes:
    """The message's bytes. `extended`: the peer is known to read our extensions, so that what only
    they can say may be said. Raises `NotExpressible`."""
    intent = command.intent
    must_be_sendable(intent)
    _must_have_words(intent, extended)
    kind = _TYPE_OF[intent.side or Side.BUY, intent.order_type]
    # Who skips our target must not take a missing side for BUY: without a symbol it finds nothing.
    hidden = not extended and intent.side is None and intent.action is not Action.CLOSE_ALL
    return pb.TradingCommand(
        command_id=intent.client_key,
        user_id=command.user_id or intent.user_id,
        type=_ACTION_OF[intent.action],
        symbol="" if hidden else intent.symbol,
        order_type=kind,
        lot_size=intent.volume or 0.0,
        entry_price=intent.price or 0.0,
        stop_loss=intent.stop_loss or 0.0,
        take_profit=intent.take_profit or 0.0,
        reason=checks.prose(intent.reason),
        confidence_score=intent.confidence or 0.0,
        expires_at=intent.expires_at_ms or 0,
        position_ticket=str(intent.target_ticket or ""),
        order_ticket=str(intent.target_order or ""),
        target_command_id=intent.target or "",
        mt5_account=command.account,
        clear_stop_loss=intent.action is Action.MODIFY and intent.stop_loss == 0,
        clear_take_profit=intent.action is Action.MODIFY and intent.take_profit == 0,
        magic=intent.magic,
        comment=intent.comment,
        correlation_id=intent.correlation_id,
    ).SerializeToString()


def _must_have_words(intent: OrderIntent, extended: bool) -> None:
    """What would be lost on the way is refused: an order without its limits is another order."""
    if intent.action is Action.CANCEL:
        raise NotExpressible("the trading dialect has no command that cancels an order")
    if intent.units:
        raise NotExpressible("the trading dialect has lots, not units; give a volume")
    if intent.order_type in (OrderType.PENDING, OrderType.STOP_LIMIT) or intent.stop_limit_price:
        raise NotExpressible(
            f"the trading dialect has market, limit and stop orders, not {intent.order_type}"
        )
    if intent.deviation is not None:
        raise NotExpressible("the trading dialect has no field for a deviation; leave it out")
    if intent.expiration_ms:
        raise NotExpressible("the trading dialect's orders are good till cancelled")
    if intent.action is Action.CLOSE_ALL:
        if intent.magic and not extended:
            raise NotExpressible("the trading dialect closes all positions, not one strategy's")
    elif intent.action is not Action.OPEN and not has_target(intent):
        if intent.side is None:
            raise NotExpressible("the trading dialect needs the side of the position meant")
        if intent.magic and not extended:
            raise NotExpressible(
                "the trading dialect cannot say whose position is meant; name it by its command"
            )
