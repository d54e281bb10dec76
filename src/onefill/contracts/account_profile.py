"""`AccountProfile`: to bytes and back."""

from __future__ import annotations

from onefill.contracts import checks
from onefill.contracts.messages import HeldPosition, Preferences, Profile, RiskProfile
from onefill.contracts.refusals import Wrong
from onefill.contracts.wire.trading import account_profile_pb2 as pb
from onefill.model.intent import Side

MAX_POSITIONS, MAX_SYMBOLS = 2_000, 1_000
_SIDES = {pb.LONG: Side.BUY, pb.SHORT: Side.SELL}
_KINDS = {pb.DEMO: False, pb.LIVE: True}


def decode(payload: bytes) -> Profile:
    """Raises `Wrong`, and protobuf's `DecodeError`."""
    wire = pb.AccountProfile.FromString(payload)
    live = _KINDS.get(wire.account_type)
    if live is None:
        raise Wrong("account_type", f"{wire.account_type} is none; DEMO is 0, LIVE is 1")
    if len(wire.positions) > MAX_POSITIONS:
        raise Wrong("positions", f"expected at most {MAX_POSITIONS}, not {len(wire.positions)}")
    positions = tuple(map(_position, wire.positions))
    return Profile(
        user_id=checks.text("user_id", wire.user_id),
        account=checks.named("account_number", wire.account_number),
        broker=checks.text("broker_name", wire.broker_name),
        server=checks.text("server_name", wire.server_name),
        live=live,
        currency=checks.text("base_currency", wire.base_currency, 16),
        balance=checks.money("balance", wire.balance),
        equity=checks.money("equity", wire.equity),
        margin_used=checks.money("margin_used", wire.margin_used),
        margin_free=checks.money("margin_free", wire.margin_free),
        risk=_risk(wire.risk_profile),
        preferences=_preferences(wire.preferences),
        positions=positions if positions or wire.positions_told else None,
        as_of_sequence=checks.whole("as_of_sequence", wire.as_of_sequence),
        day_start_equity=checks.money("day_start_equity", wire.day_start_equity),
        peak_equity=checks.money("peak_equity", wire.peak_equity),
        trade_allowed=not wire.trade_refused,
        why_not=checks.prose(wire.why_not),
        limits_fingerprint=checks.text("limits_fingerprint", wire.limits_fingerprint),
        positions_untold=checks.whole("positions_untold", wire.positions_untold),
    )


def _risk(wire: pb.RiskProfile) -> RiskProfile:
    symbols = wire.allowed_symbols
    if len(symbols) > MAX_SYMBOLS:
        raise Wrong("allowed_symbols", f"expected at most {MAX_SYMBOLS}, not {len(symbols)}")
    return RiskProfile(
        max_risk_per_trade=checks.size("max_risk_per_trade", wire.max_risk_per_trade, 100),
        max_daily_loss=checks.size("max_daily_loss", wire.max_daily_loss, checks.MAX_MONEY),
        max_drawdown=checks.size("max_drawdown", wire.max_drawdown, 1),
        allow_news_trading=wire.allow_news_trading,
        allowed_symbols=tuple(map(checks.symbol, symbols)),
    )


def _preferences(wire: pb.TradingPreferences) -> Preferences:
    return Preferences(
        preferred_lot_size=checks.size("preferred_lot_size", wire.preferred_lot_size),
        max_open_positions=checks.whole("max_open_positions", wire.max_open_positions),
        auto_close_friday=wire.auto_close_friday,
        conservative_mode=wire.conservative_mode,
    )


def _position(wire: pb.HeldPosition) -> HeldPosition:
    side = _SIDES.get(wire.side)
    if side is None:
        raise Wrong("positions.side", f"{wire.side} is none; LONG is 0, SHORT is 1")
    return HeldPosition(
        ticket=checks.whole("positions.ticket", wire.ticket),
        symbol=checks.symbol(wire.symbol),
        side=side,
        volume=checks.size("positions.volume", wire.volume),
        price=checks.level("positions.price", wire.price),
        price_now=checks.level("positions.price_now", wire.price_now),
        stop_loss=checks.level("positions.stop_loss", wire.stop_loss),
        take_profit=checks.level("positions.take_profit", wire.take_profit),
        profit=checks.money("positions.profit", wire.profit),
        magic=checks.whole("positions.magic", wire.magic),
        command_id=checks.key("positions.command_id", wire.command_id),
    )


def encode(profile: Profile) -> bytes:
    """The message's bytes."""
    risk, wants = profile.risk, profile.preferences
    return pb.AccountProfile(
        user_id=profile.user_id,
        account_number=profile.account,
        broker_name=profile.broker,
        server_name=profile.server,
        account_type=pb.LIVE if profile.live else pb.DEMO,
        base_currency=profile.currency,
        balance=profile.balance,
        equity=profile.equity,
        margin_used=profile.margin_used,
        margin_free=profile.margin_free,
        risk_profile=pb.RiskProfile(
            max_risk_per_trade=risk.max_risk_per_trade,
            max_daily_loss=risk.max_daily_loss,
            max_drawdown=risk.max_drawdown,
            allow_news_trading=risk.allow_news_trading,
            allowed_symbols=risk.allowed_symbols,
        ),
        preferences=pb.TradingPreferences(
            preferred_lot_size=wants.preferred_lot_size,
            max_open_positions=wants.max_open_positions,
            auto_close_friday=wants.auto_close_friday,
            conservative_mode=wants.conservative_mode,
        ),
        positions=map(_held, profile.positions or ()),
        as_of_sequence=profile.as_of_sequence,
        day_start_equity=profile.day_start_equity,
        peak_equity=profile.peak_equity,
        trade_refused=not profile.trade_allowed,
        why_not=checks.prose(profile.why_not),
        limits_fingerprint=profile.limits_fingerprint,
        positions_told=profile.positions is not None,
        positions_untold=profile.positions_untold,
    ).SerializeToString()


def _held(position: HeldPosition) -> pb.HeldPosition:
    return pb.HeldPosition(
        ticket=position.ticket,
        symbol=position.symbol,
        side=pb.LONG if position.side is Side.BUY else pb.SHORT,
        volume=position.volume,
        price=position.price,
        price_now=position.price_now,
        stop_loss=position.stop_loss,
        take_profit=position.take_profit,
        profit=position.profit,
        magic=position.magic,
        command_id=position.command_id,
    )
