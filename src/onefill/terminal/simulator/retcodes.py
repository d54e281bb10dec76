"""The trade server's answers by number, and what it says with them."""

from __future__ import annotations

REQUOTE, REJECT, CANCEL, PLACED, DONE, DONE_PARTIAL = 10004, 10006, 10007, 10008, 10009, 10010
ERROR, TIMEOUT, INVALID, INVALID_VOLUME, INVALID_PRICE = 10011, 10012, 10013, 10014, 10015
INVALID_STOPS, TRADE_DISABLED, MARKET_CLOSED, NO_MONEY = 10016, 10017, 10018, 10019
PRICE_OFF, INVALID_EXPIRATION, NO_CHANGES, FROZEN = 10021, 10022, 10025, 10029
INVALID_FILL, CONNECTION, INVALID_ORDER, POSITION_CLOSED = 10030, 10031, 10035, 10036
LIMIT_ORDERS, LIMIT_VOLUME, LIMIT_POSITIONS = 10033, 10034, 10040
FIFO_CLOSE, HEDGE_PROHIBITED = 10045, 10046
CLIENT_DISABLES_AT = 10027
INVALID_CLOSE_VOLUME, LONG_ONLY, SHORT_ONLY, CLOSE_ONLY = 10038, 10042, 10043, 10044

COMMENTS = {
    REQUOTE: "Requote",
    REJECT: "Rejected",
    DONE: "Request executed",
    DONE_PARTIAL: "Request executed partially",
    TIMEOUT: "Request timed out",
    CLIENT_DISABLES_AT: "AutoTrading disabled by client",
    INVALID: "Invalid request",
    INVALID_VOLUME: "Invalid volume",
    INVALID_PRICE: "Invalid price",
    INVALID_STOPS: "Invalid stops",
    TRADE_DISABLED: "Trade disabled",
    MARKET_CLOSED: "Market closed",
    NO_MONEY: "No money",
    PRICE_OFF: "No prices",
    INVALID_EXPIRATION: "Invalid expiration",
    NO_CHANGES: "No changes",
    FROZEN: "Order or position frozen",
    INVALID_FILL: "Unsupported filling mode",
    CONNECTION: "No connection",
    LIMIT_ORDERS: "Orders limit reached",
    LIMIT_VOLUME: "Volume limit reached",
    INVALID_ORDER: "Invalid order",
    POSITION_CLOSED: "Position closed",
    INVALID_CLOSE_VOLUME: "Invalid close volume",
    LIMIT_POSITIONS: "Positions limit reached",
    LONG_ONLY: "Only long positions allowed",
    SHORT_ONLY: "Only short positions allowed",
    CLOSE_ONLY: "Only closing allowed",
    FIFO_CLOSE: "Only FIFO closing allowed",
    HEDGE_PROHIBITED: "Hedging prohibited",
}
