"""MT5's names for what its trade server and its Python package answer, and ours for the port.

Sources: the constants of the MetaTrader5 package 5.0.6231; "Return Codes of the Trade Server".
"""

from __future__ import annotations

from onefill.terminal import port

#: Retcode to MT5's name and what it means. 10046 is the server's; the package does not export it.
RETCODES: dict[int, tuple[str, str]] = {
    10004: ("TRADE_RETCODE_REQUOTE", "requote"),
    10006: ("TRADE_RETCODE_REJECT", "rejected"),
    10007: ("TRADE_RETCODE_CANCEL", "cancelled by trader"),
    10008: ("TRADE_RETCODE_PLACED", "order placed"),
    10009: ("TRADE_RETCODE_DONE", "completed"),
    10010: ("TRADE_RETCODE_DONE_PARTIAL", "completed in part"),
    10011: ("TRADE_RETCODE_ERROR", "processing error"),
    10012: ("TRADE_RETCODE_TIMEOUT", "cancelled by timeout"),
    10013: ("TRADE_RETCODE_INVALID", "invalid request"),
    10014: ("TRADE_RETCODE_INVALID_VOLUME", "invalid volume"),
    10015: ("TRADE_RETCODE_INVALID_PRICE", "invalid price"),
    10016: ("TRADE_RETCODE_INVALID_STOPS", "invalid stops"),
    10017: ("TRADE_RETCODE_TRADE_DISABLED", "trade disabled"),
    10018: ("TRADE_RETCODE_MARKET_CLOSED", "market closed"),
    10019: ("TRADE_RETCODE_NO_MONEY", "not enough money"),
    10020: ("TRADE_RETCODE_PRICE_CHANGED", "prices changed"),
    10021: ("TRADE_RETCODE_PRICE_OFF", "no quotes"),
    10022: ("TRADE_RETCODE_INVALID_EXPIRATION", "invalid expiration"),
    10023: ("TRADE_RETCODE_ORDER_CHANGED", "order state changed"),
    10024: ("TRADE_RETCODE_TOO_MANY_REQUESTS", "too frequent requests"),
    10025: ("TRADE_RETCODE_NO_CHANGES", "nothing to change"),
    10026: ("TRADE_RETCODE_SERVER_DISABLES_AT", "autotrading off at server"),
    10027: ("TRADE_RETCODE_CLIENT_DISABLES_AT", "autotrading off at client"),
    10028: ("TRADE_RETCODE_LOCKED", "locked for processing"),
    10029: ("TRADE_RETCODE_FROZEN", "order/position frozen"),
    10030: ("TRADE_RETCODE_INVALID_FILL", "invalid filling type"),
    10031: ("TRADE_RETCODE_CONNECTION", "no connection to server"),
    10032: ("TRADE_RETCODE_ONLY_REAL", "live accounts only"),
    10033: ("TRADE_RETCODE_LIMIT_ORDERS", "pending-order count limit"),
    10034: ("TRADE_RETCODE_LIMIT_VOLUME", "symbol volume limit"),
    10035: ("TRADE_RETCODE_INVALID_ORDER", "wrong or prohibited order type"),
    10036: ("TRADE_RETCODE_POSITION_CLOSED", "position id already closed"),
    10038: ("TRADE_RETCODE_INVALID_CLOSE_VOLUME", "close volume > position volume"),
    10039: ("TRADE_RETCODE_CLOSE_ORDER_EXIST", "close order already exists"),
    10040: ("TRADE_RETCODE_LIMIT_POSITIONS", "open-position count limit"),
    10041: ("TRADE_RETCODE_REJECT_CANCEL", "pending activation rejected, order cancelled"),
    10042: ("TRADE_RETCODE_LONG_ONLY", "only long allowed"),
    10043: ("TRADE_RETCODE_SHORT_ONLY", "only short allowed"),
    10044: ("TRADE_RETCODE_CLOSE_ONLY", "only closing allowed"),
    10045: ("TRADE_RETCODE_FIFO_CLOSE", "FIFO closing rule"),
    10046: ("TRADE_RETCODE_HEDGE_PROHIBITED", "opposite positions disabled"),
}

#: `last_error` to its name and what it means; the port's own come last.
ERRORS: dict[int, tuple[str, str]] = {
    1: ("RES_S_OK", "success"),
    -1: ("RES_E_FAIL", "call failed"),
    -2: ("RES_E_INVALID_PARAMS", "invalid arguments"),
    -3: ("RES_E_NO_MEMORY", "out of memory"),
    -4: ("RES_E_NOT_FOUND", "not found"),
    -5: ("RES_E_INVALID_VERSION", "incompatible versions"),
    -6: ("RES_E_AUTH_FAILED", "authorization failed"),
    -7: ("RES_E_UNSUPPORTED", "unsupported function"),
    -8: (
        "RES_E_AUTO_TRADING_DISABLED",
        "auto-trading through the Python API is disabled in the terminal",
    ),
    -10000: ("RES_E_INTERNAL_FAIL", "IPC call failed"),
    -10001: ("RES_E_INTERNAL_FAIL_SEND", "IPC send failed"),
    -10002: ("RES_E_INTERNAL_FAIL_RECEIVE", "IPC receive failed"),
    -10003: ("RES_E_INTERNAL_FAIL_INIT", "IPC initialization failed"),
    -10004: ("RES_E_INTERNAL_FAIL_CONNECT", "no IPC connection"),
    -10005: ("RES_E_INTERNAL_FAIL_TIMEOUT", "IPC timeout"),
    port.TIMED_OUT: ("TIMED_OUT", "no answer before the deadline"),
    port.WORKER_DIED: ("WORKER_DIED", "the process that held the terminal died"),
    port.STALE_EPOCH: ("STALE_EPOCH", "a newer engine has taken over"),
    port.NO_WORKER: ("NO_WORKER", "no process holds the terminal; nothing was sent"),
    port.TOO_LATE: ("TOO_LATE", "the order had expired before it could be sent"),
}
