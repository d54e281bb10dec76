"""MT5's tuples as the port's rows: names and numbers stay, times become UTC milliseconds."""

from __future__ import annotations

from typing import Any

from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8
from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.port import AccountRow, DealRow, OrderRow, PositionRow, SendResult


def symbol_of(row: Any) -> Symbol:
    """`SymbolInfo` as the model's symbol."""
    return Symbol(
        name=row.name,
        digits=row.digits,
        contract_size=row.trade_contract_size,
        volume_min_e8=to_e8(row.volume_min),
        volume_max_e8=to_e8(row.volume_max),
        volume_step_e8=to_e8(row.volume_step),
        base=row.currency_base,
        profit=row.currency_profit,
        margin=row.currency_margin,
        stops_level=row.trade_stops_level,
        freeze_level=row.trade_freeze_level,
        filling_flags=row.filling_mode,
        expiration_flags=row.expiration_mode,
        order_flags=row.order_mode,
        execution_mode=row.trade_exemode,
        trade_mode=row.trade_mode,
    )


def account_of(row: Any) -> AccountRow:
    """`AccountInfo`."""
    return AccountRow(
        login=row.login,
        server=row.server,
        currency=row.currency,
        currency_digits=row.currency_digits,
        leverage=row.leverage,
        balance=row.balance,
        equity=row.equity,
        margin=row.margin,
        margin_free=row.margin_free,
        profit=row.profit,
        margin_mode=row.margin_mode,
        trade_mode=row.trade_mode,
        company=getattr(row, "company", ""),
    )


def order_of(row: Any, clock: BrokerTime) -> OrderRow:
    """`TradeOrder`, open or finished."""
    return OrderRow(
        ticket=row.ticket,
        symbol=row.symbol,
        type=row.type,
        state=row.state,
        magic=row.magic,
        volume_initial=row.volume_initial,
        volume_current=row.volume_current,
        price_open=row.price_open,
        sl=row.sl,
        tp=row.tp,
        price_stoplimit=row.price_stoplimit,
        comment=row.comment,
        setup_ms=clock.utc_ms(row.time_setup_msc),
        done_ms=clock.utc_ms(row.time_done_msc),
        expiration_ms=clock.utc_ms(row.time_expiration * 1_000),
        position_id=row.position_id,
        position_by_id=row.position_by_id,
        type_filling=row.type_filling,
        type_time=row.type_time,
        reason=row.reason,
    )


def position_of(row: Any, clock: BrokerTime) -> PositionRow:
    """`TradePosition`."""
    return PositionRow(
        ticket=row.ticket,
        identifier=row.identifier,
        symbol=row.symbol,
        type=row.type,
        magic=row.magic,
        volume=row.volume,
        price_open=row.price_open,
        price_current=row.price_current,
        sl=row.sl,
        tp=row.tp,
        profit=row.profit,
        swap=row.swap,
        comment=row.comment,
        time_ms=clock.utc_ms(row.time_msc),
        update_ms=clock.utc_ms(row.time_update_msc),
        reason=row.reason,
    )


def deal_of(row: Any, clock: BrokerTime) -> DealRow:
    """`TradeDeal`."""
    return DealRow(
        ticket=row.ticket,
        order=row.order,
        position_id=row.position_id,
        symbol=row.symbol,
        type=row.type,
        entry=row.entry,
        magic=row.magic,
        reason=row.reason,
        volume=row.volume,
        price=row.price,
        profit=row.profit,
        commission=row.commission,
        swap=row.swap,
        fee=row.fee,
        comment=row.comment,
        time_ms=clock.utc_ms(row.time_msc),
    )


def result_of(row: Any) -> SendResult:
    """`OrderSendResult`, the echoed request left out."""
    return SendResult(
        retcode=row.retcode,
        deal=row.deal,
        order=row.order,
        volume=row.volume,
        price=row.price,
        bid=row.bid,
        ask=row.ask,
        comment=row.comment,
        request_id=row.request_id,
        retcode_external=row.retcode_external,
    )
