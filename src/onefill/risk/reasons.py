"""Why risk says no: every code with its control, its sentence and its published name.

The documentation's table is generated from here (`reasons_table`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class DenialCode(StrEnum):
    """What programs see of a denial; `REASONS` has the sentence for people."""

    LIMIT_NOT_SET = "LIMIT_NOT_SET"
    TRADING_HALTED = "TRADING_HALTED"
    REDUCE_ONLY = "REDUCE_ONLY"
    PRICE_COLLAR = "PRICE_COLLAR"
    ORDER_VALUE_TOO_BIG = "ORDER_VALUE_TOO_BIG"
    ORDER_VOLUME_TOO_BIG = "ORDER_VOLUME_TOO_BIG"
    AUTO_TRADING_OFF = "AUTO_TRADING_OFF"
    SYMBOL_NOT_PERMITTED = "SYMBOL_NOT_PERMITTED"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    EXPOSURE_TOO_BIG = "EXPOSURE_TOO_BIG"
    NO_QUOTE = "NO_QUOTE"
    QUOTE_INVALID = "QUOTE_INVALID"
    QUOTE_CROSSED = "QUOTE_CROSSED"
    QUOTE_STALE = "QUOTE_STALE"
    VALUE_UNKNOWN = "VALUE_UNKNOWN"
    SYMBOL_NOT_TRADABLE = "SYMBOL_NOT_TRADABLE"
    SIDE_NOT_TRADABLE = "SIDE_NOT_TRADABLE"
    MARKET_CLOSED = "MARKET_CLOSED"
    ORDER_TYPE_NOT_ALLOWED = "ORDER_TYPE_NOT_ALLOWED"
    EXPIRATION_NOT_ALLOWED = "EXPIRATION_NOT_ALLOWED"
    EXPIRATION_PAST = "EXPIRATION_PAST"
    VOLUME_TOO_SMALL = "VOLUME_TOO_SMALL"
    VOLUME_TOO_BIG = "VOLUME_TOO_BIG"
    VOLUME_OFF_STEP = "VOLUME_OFF_STEP"
    PRICE_MISSING = "PRICE_MISSING"
    PRICE_WRONG_SIDE = "PRICE_WRONG_SIDE"
    PRICE_TOO_CLOSE = "PRICE_TOO_CLOSE"
    STOPS_WRONG_SIDE = "STOPS_WRONG_SIDE"
    STOPS_TOO_CLOSE = "STOPS_TOO_CLOSE"
    FROZEN = "FROZEN"
    TOO_MANY_POSITIONS = "TOO_MANY_POSITIONS"
    TOO_MANY_ORDERS = "TOO_MANY_ORDERS"
    STOP_LOSS_MISSING = "STOP_LOSS_MISSING"
    RISK_TOO_BIG = "RISK_TOO_BIG"
    SPREAD_TOO_WIDE = "SPREAD_TOO_WIDE"
    MARGIN_INSUFFICIENT = "MARGIN_INSUFFICIENT"
    TOO_MANY_MESSAGES = "TOO_MANY_MESSAGES"
    REPEATED_ORDERS = "REPEATED_ORDERS"
    STRATEGY_STOPPED = "STRATEGY_STOPPED"
    TOO_MANY_IN_SYMBOL = "TOO_MANY_IN_SYMBOL"
    VOLUME_IN_SYMBOL_TOO_BIG = "VOLUME_IN_SYMBOL_TOO_BIG"
    VOLUME_IN_ALL_TOO_BIG = "VOLUME_IN_ALL_TOO_BIG"
    MARGIN_LEVEL_TOO_LOW = "MARGIN_LEVEL_TOO_LOW"
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    EQUITY_UNKNOWN = "EQUITY_UNKNOWN"


class Reason(NamedTuple):
    """One row: the control's number (or where it is looked at), the sentence, and the name that
    callers of the published Python engine know it by."""

    control: str
    sentence: str
    published: str


class Denial(NamedTuple):
    """Risk's no: a code and a sentence that says limit, value and how to change it."""

    code: str
    message: str


#: `{limit}` in a sentence is a limit as `Limits.told` tells it: name, value and where it is set.
REASONS: dict[DenialCode, Reason] = {
    DenialCode.LIMIT_NOT_SET: Reason("every", "no limit is set for {names}", "validation_failed"),
    DenialCode.TRADING_HALTED: Reason(
        "2",
        'trading is halted ({limit}): only closes and cancels pass until it is "normal"',
        "trading_halted",
    ),
    DenialCode.REDUCE_ONLY: Reason(
        "2",
        'nothing may be opened ({limit}): only what reduces passes until it is "normal"',
        "trading_halted",
    ),
    DenialCode.PRICE_COLLAR: Reason(
        "3",
        "{field} {price} is {percent} % away from the quote {quote}, beyond {limit}; "
        "correct the price or raise the limit",
        "validation_failed",
    ),
    DenialCode.ORDER_VALUE_TOO_BIG: Reason(
        "4",
        "the order is worth {value}, more than {limit}; make it smaller or raise the limit",
        "validation_failed",
    ),
    DenialCode.ORDER_VOLUME_TOO_BIG: Reason(
        "5",
        "volume {volume} lots is more than {limit}; make it smaller or raise the limit",
        "validation_failed",
    ),
    DenialCode.AUTO_TRADING_OFF: Reason(
        "9", "automatic trading is switched off ({limit}); set it to true", "trading_halted"
    ),
    DenialCode.SYMBOL_NOT_PERMITTED: Reason(
        "9",
        '{symbol} is not on the list of {limit}; add it there, or "*" for every symbol',
        "symbol_not_tradable",
    ),
    DenialCode.DUPLICATE_ORDER: Reason(
        "10",
        "an order that says the same came under another client_key and is held for {seconds} s "
        "more ({limit}); send it later, or change the limit",
        "validation_failed",
    ),
    DenialCode.EXPOSURE_TOO_BIG: Reason(
        "11",
        "{scope} exposure would be {value} with everything open, working or unknown, more than "
        "{limit}; reduce first or raise the limit",
        "validation_failed",
    ),
    DenialCode.NO_QUOTE: Reason(
        "15", "{symbol} has no quote yet; send the order once the market quotes", "stale_tick"
    ),
    DenialCode.QUOTE_INVALID: Reason(
        "15",
        "{symbol} is quoted {bid} / {ask}, which is no price; check the broker's feed",
        "stale_tick",
    ),
    DenialCode.QUOTE_CROSSED: Reason(
        "15",
        "{symbol} is quoted with bid {bid} above ask {ask}; check the broker's feed",
        "stale_tick",
    ),
    DenialCode.QUOTE_STALE: Reason(
        "15",
        "the quote of {symbol} is {age} s old, more than {limit}; send the order once the market "
        "quotes, or raise the limit",
        "stale_tick",
    ),
    DenialCode.VALUE_UNKNOWN: Reason(
        "15",
        "what {symbol} is worth in {currency} cannot be told now ({what}); check that the "
        "terminal has quotes for the conversion",
        "validation_failed",
    ),
    DenialCode.SYMBOL_NOT_TRADABLE: Reason(
        "16", "the broker does not let {symbol} be opened ({mode})", "symbol_not_tradable"
    ),
    DenialCode.SIDE_NOT_TRADABLE: Reason(
        "16", "the broker lets {symbol} be opened on one side only ({mode})", "symbol_not_tradable"
    ),
    DenialCode.MARKET_CLOSED: Reason(
        "16", "the market of {symbol} is closed; send the order when it is open", "market_closed"
    ),
    DenialCode.ORDER_TYPE_NOT_ALLOWED: Reason(
        "16", "the broker takes no {what} for {symbol}", "validation_failed"
    ),
    DenialCode.EXPIRATION_NOT_ALLOWED: Reason(
        "16",
        "the broker takes no pending order of {symbol} {what} an expiration",
        "validation_failed",
    ),
    DenialCode.EXPIRATION_PAST: Reason(
        "16",
        "expiration {at_ms} (Unix ms) is not after {now_ms}, which is now",
        "validation_failed",
    ),
    DenialCode.VOLUME_TOO_SMALL: Reason(
        "16", "volume {volume} lots is below {symbol}'s least, {least}", "validation_failed"
    ),
    DenialCode.VOLUME_TOO_BIG: Reason(
        "16", "volume {volume} lots is above {symbol}'s most, {most}", "validation_failed"
    ),
    DenialCode.VOLUME_OFF_STEP: Reason(
        "16",
        "volume {volume} lots is not a multiple of {symbol}'s step, {step}",
        "validation_failed",
    ),
    DenialCode.PRICE_MISSING: Reason("16", "a {what} needs a {field}", "validation_failed"),
    DenialCode.PRICE_WRONG_SIDE: Reason(
        "16", "{field} {price} of a {what} must be {relation} {other}", "validation_failed"
    ),
    DenialCode.PRICE_TOO_CLOSE: Reason(
        "16",
        "price {price} is {points} points from the quote {quote}; the broker asks for {level}",
        "validation_failed",
    ),
    DenialCode.STOPS_WRONG_SIDE: Reason(
        "16", "{field} {price} of a {what} must be {relation} {other}", "validation_failed"
    ),
    DenialCode.STOPS_TOO_CLOSE: Reason(
        "16",
        "{field} {price} is {points} points from {other}; the broker asks for {level}",
        "validation_failed",
    ),
    DenialCode.FROZEN: Reason(
        "16",
        "{field} {price} is {points} points from the quote {quote}: within {level} points the "
        "broker freezes it and takes no change",
        "validation_failed",
    ),
    DenialCode.TOO_MANY_POSITIONS: Reason(
        "17",
        "{scope} positions would be {count} if all that is on its way or working filled, more "
        "than {limit}; close or cancel some, or raise the limit",
        "validation_failed",
    ),
    DenialCode.TOO_MANY_ORDERS: Reason(
        "17",
        "{scope} pending orders would be {count}, more than {limit}; cancel some or raise the "
        "limit",
        "validation_failed",
    ),
    DenialCode.STOP_LOSS_MISSING: Reason(
        "23",
        "without a stop loss the loss has no bound, and {limit} is set; give a stop_loss, or "
        'switch the limit "off"',
        "validation_failed",
    ),
    DenialCode.RISK_TOO_BIG: Reason(
        "23",
        "{value} would be lost at the stop loss, {percent} % of the equity of {equity}, more than "
        "{limit}; bring the stop loss closer, make the order smaller or raise the limit",
        "validation_failed",
    ),
    DenialCode.SPREAD_TOO_WIDE: Reason(
        "stage 1",
        "the spread of {symbol} is {pips} pips, more than {limit}; send the order when it is "
        "narrower, or raise the limit",
        "spread_too_wide",
    ),
    DenialCode.MARGIN_INSUFFICIENT: Reason(
        "8, stage 1",
        "margin {required} times {limit} is not below the {free} that are free beside the {held} "
        "held for other orders; make the order smaller or free some margin",
        "margin_insufficient",
    ),
    DenialCode.TOO_MANY_MESSAGES: Reason(
        "6",
        "{count} messages within {seconds} s are more than {limit}; send fewer, or raise the limit "
        "(closes and cancels pass)",
        "validation_failed",
    ),
    DenialCode.REPEATED_ORDERS: Reason(
        "7",
        "strategy {magic} sent {count} orders alike within {seconds} s, more than {limit}: it is "
        "stopped, and opens nothing until a person resumes it ({how})",
        "trading_halted",
    ),
    DenialCode.STRATEGY_STOPPED: Reason(
        "7",
        "strategy {magic} is stopped ({why}); it opens nothing until a person resumes it ({how})",
        "trading_halted",
    ),
    DenialCode.TOO_MANY_IN_SYMBOL: Reason(
        "12",
        "positions in {symbol} would be {count} if all that is on its way or working filled, more "
        "than {limit}; close or cancel some, or raise the limit",
        "validation_failed",
    ),
    DenialCode.VOLUME_IN_SYMBOL_TOO_BIG: Reason(
        "12",
        "{volume} lots of {symbol} would be open, working or on their way on one side, more than "
        "{limit}; reduce first or raise the limit",
        "validation_failed",
    ),
    DenialCode.VOLUME_IN_ALL_TOO_BIG: Reason(
        "12",
        "{volume} lots would be open, working or on their way in all, more than {limit}; reduce "
        "first or raise the limit",
        "validation_failed",
    ),
    DenialCode.MARGIN_LEVEL_TOO_LOW: Reason(
        "13",
        "the margin level {would_be} {level} %, below {limit}; make the order smaller, reduce "
        "first or change the limit",
        "margin_insufficient",
    ),
    DenialCode.DAILY_LOSS: Reason(
        "14",
        "the account lost {value} since the start of the broker's day, and {limit} was reached: "
        "only what reduces passes until the next day",
        "trading_halted",
    ),
    DenialCode.DRAWDOWN: Reason(
        "14",
        "equity is {percent} % below its highest, and {limit} is reached: only what reduces passes "
        "until equity is back, or a person raises the limit",
        "trading_halted",
    ),
    DenialCode.EQUITY_UNKNOWN: Reason(
        "14",
        "the terminal tells no equity that the account's losses could be told by, and {limit} is "
        "set; look at the terminal's connection",
        "trading_halted",
    ),
}


def deny(code: DenialCode, **values: object) -> Denial:
    """The denial, its sentence filled in."""
    return Denial(code.value, REASONS[code].sentence.format_map(values))


def reasons_table() -> str:
    """The codes as a Markdown table, for the documentation."""
    rows = ["| code | control | sentence | Python reason |", "|---|---|---|---|"]
    rows += [
        f"| `{code}` | {reason.control} | {reason.sentence} | {reason.published} |"
        for code, reason in REASONS.items()
    ]
    return "\n".join(rows) + "\n"
