"""The first order dialect, `ExecutionCommand`: to bytes and back."""

from __future__ import annotations

from onefill.contracts import checks
from onefill.contracts.command_rules import Said, has_target, intent_of, must_be_sendable
from onefill.contracts.messages import Command
from onefill.contracts.refusals import NotExpressible, Wrong
from onefill.contracts.wire.trading import execution_command_pb2 as pb
from onefill.model.intent import Action, OrderIntent, OrderType, Side

MAX_MAGIC_NUMBER = 2**31 - 1

_ACTIONS = {
    pb.OPEN_POSITION: Action.OPEN,
    pb.CLOSE_POSITION: Action.CLOSE,
    pb.MODIFY_POSITION: Action.MODIFY,
    pb.CANCEL_ORDER: Action.CANCEL,
}
_SIDES = {pb.BUY: Side.BUY, pb.SELL: Side.SELL}
_TYPES = {
    pb.MARKET: OrderType.MARKET,
    pb.PENDING: OrderType.PENDING,
    pb.STOP: OrderType.STOP,
    pb.LIMIT: OrderType.LIMIT,
}
_ACTION_OF = {action: number for number, action in _ACTIONS.items()}
_SIDE_OF = {side: number for number, side in _SIDES.items()}
_TYPE_OF = {kind: number for number, kind in _TYPES.items()} | {OrderType.STOP_LIMIT: pb.STOP}


def decode(payload: bytes, life_ms: int) -> Command:
    """Raises `Wrong`, and protobuf's `DecodeError`."""
    wire = pb.ExecutionCommand.FromString(payload)
    action, params = wire.action, wire.params
    meant, side = _ACTIONS.get(action.type), _SIDES.get(action.direction)
    kind = _TYPES.get(params.order_type)
    if meant is None:
        raise Wrong("action.type", f"{action.type} is none; there are 0 to 3")
    if side is None:
        raise Wrong("action.direction", f"{action.direction} is none; BUY is 0, SELL is 1")
    if kind is None:
        raise Wrong("params.order_type", f"{params.order_type} is none; there are 0 to 3")
    if kind is OrderType.STOP and action.stop_limit_price:
        kind = OrderType.STOP_LIMIT
    if params.magic and params.magic_number and params.magic != params.magic_number:
        raise Wrong("params.magic", f"is {params.magic}, but magic_number {params.magic_number}")
    if action.any_direction and meant is Action.OPEN:
        raise Wrong("action.any_direction", "an opening command must name its side")
    said = Said(
        command_id=wire.command_id,
        action=meant,
        symbol=action.symbol,
        side=None if action.any_direction else side,
        order_type=kind,
        volume=action.volume,
        price=action.price,
        stop_loss=action.stop_loss,
        take_profit=action.take_profit,
        clear_stop_loss=action.clear_stop_loss,
        clear_take_profit=action.clear_take_profit,
        position_ticket=action.position_ticket,
        order_ticket=action.order_ticket,
        target=action.target_command_id,
        expires_at=wire.expires_at,
        magic=params.magic or params.magic_number,
        comment=params.comment,
        user_id=wire.user_id,
        reason=wire.reason,
        confidence=wire.confidence_score,
        correlation_id=wire.correlation_id,
        units=action.units,
        stop_limit_price=action.stop_limit_price,
        deviation=params.slippage if params.slippage or params.deviation_given else None,
        expiration=params.expiration,
    )
    made_ms = checks.moment("timestamp", wire.timestamp)
    return Command(
        intent=intent_of(said, made_ms, life_ms),
        account=checks.text("mt5_account", wire.mt5_account),
        user_id=wire.user_id,
        made_ms=made_ms,
    )


def encode(command: Command, *, extended: bool) -> bytes:
    """The message's bytes. `extended`: the peer is known to read our extensions, so that what only
    they can say may be said. Raises `NotExpressible`."""
    intent = command.intent
    must_be_sendable(intent)
    if intent.action is Action.CLOSE_ALL:
        raise NotExpressible("the execution dialect has no CLOSE_ALL; close each position")
    anything = intent.side is None and not has_target(intent)
    if not extended:
        _must_be_plain(intent, anything)
    magic = intent.magic
    # Who skips our target must not take a missing side for BUY: without a symbol it finds nothing.
    hidden = not extended and intent.side is None
    return pb.ExecutionCommand(
        command_id=intent.client_key,
        user_id=command.user_id or intent.user_id,
        mt5_account=command.account,
        action=pb.ExecutionAction(
            type=_ACTION_OF[intent.action],
            symbol="" if hidden else intent.symbol,
            direction=_SIDE_OF[intent.side or Side.BUY],
            volume=intent.volume or 0.0,
            price=intent.price or 0.0,
            stop_loss=intent.stop_loss or 0.0,
            take_profit=intent.take_profit or 0.0,
            position_ticket=str(intent.target_ticket or ""),
            order_ticket=str(intent.target_order or ""),
            target_command_id=intent.target or "",
            clear_stop_loss=intent.action is Action.MODIFY and intent.stop_loss == 0,
            clear_take_profit=intent.action is Action.MODIFY and intent.take_profit == 0,
            units=intent.units or 0.0,
            stop_limit_price=intent.stop_limit_price or 0.0,
            any_direction=anything,
        ),
        params=pb.ExecutionParams(
            order_type=_TYPE_OF[intent.order_type],
            slippage=intent.deviation or 0,
            comment=intent.comment,
            magic_number=magic if magic <= MAX_MAGIC_NUMBER else 0,
            expiration=intent.expiration_ms or 0,
            magic=magic if magic > MAX_MAGIC_NUMBER else 0,
            deviation_given=intent.deviation is not None,
        ),
        timestamp=command.made_ms,
        correlation_id=intent.correlation_id,
        expires_at=intent.expires_at_ms or 0,
        reason=checks.prose(intent.reason),
        confidence_score=intent.confidence or 0.0,
    ).SerializeToString()


def _must_be_plain(intent: OrderIntent, anything: bool) -> None:
    if intent.units:
        raise NotExpressible("the execution dialect has lots, not units; give a volume")
    if intent.stop_limit_price:
        raise NotExpressible("the execution dialect has no stop-limit orders")
    if intent.magic > MAX_MAGIC_NUMBER:
        raise NotExpressible(
            f"the execution dialect's magic number is at most {MAX_MAGIC_NUMBER}, "
            f"not {intent.magic}"
        )
    if anything:
        raise NotExpressible("the execution dialect needs the side of the position meant")
