"""`order_send` as the installed module wants to be called: found out by trying, safely.

Some builds refuse a dict beside no keywords, others refuse keywords; the refusal (-2, raised while
arguments are parsed) comes before anything is sent, so trying the other form sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.module import Module
from onefill.terminal.port import Reply

_INVALID_PARAMS = -2
_NOT_THIS_FORM = ("Unnamed arguments not allowed", "Invalid number of arguments")
#: What Python itself raises for a function in C that takes none.
_NO_KEYWORDS = "takes no keyword arguments"

Gate = Callable[[], Reply | None]


def _open() -> Reply | None:
    return None


class Sender:
    """Calls `order_send` and `order_check` in the form that works."""

    def __init__(self, module: Module) -> None:
        self._module = module
        #: Of a function: whether the request goes as keywords. None yet for one never called.
        self.as_keywords: dict[str, bool] = {}

    def __call__(self, name: str, fields: dict[str, Any], gate: Gate = _open) -> Reply:
        """The function's value and `last_error`, read right after it. `gate` is asked immediately
        before each call of the function."""
        form = self.as_keywords.get(name, any(self.as_keywords.values()))
        reply = self._call(name, fields, gate, as_keywords=form)
        if reply.value is None and _is_form(reply.error):
            other = self._call(name, fields, gate, as_keywords=not form)
            if not _is_form(other.error):
                form, reply = not form, other
        if reply.value is not None:
            self.as_keywords[name] = form
        return reply

    def _call(self, name: str, fields: dict[str, Any], gate: Gate, *, as_keywords: bool) -> Reply:
        function = getattr(self._module, name)
        closed = gate()
        if closed is not None:
            return closed
        if not as_keywords:
            value = function(fields)
        else:
            try:
                value = function(**fields)
            except TypeError as wrong:  # of the call itself: nothing in it was carried out
                if _NO_KEYWORDS not in str(wrong):
                    raise
                return Reply(None, (_INVALID_PARAMS, _NOT_THIS_FORM[0]))
        return Reply(value) if value is not None else Reply(None, self._module.last_error())


def _is_form(error: tuple[int, str]) -> bool:
    return error[0] == _INVALID_PARAMS and error[1] in _NOT_THIS_FORM


def fields_of(request: BrokerRequest, clock: BrokerTime) -> dict[str, Any]:
    """MT5's request: what is not 0 or empty; the expiration in server seconds, rounded down."""
    fields: dict[str, Any] = {
        name: value
        for name in BrokerRequest.__struct_fields__
        if (value := getattr(request, name)) and name != "expiration_ms"
    }
    fields["action"] = request.action
    if request.action in (port.ACTION_DEAL, port.ACTION_PENDING):
        # A buy is type 0, and all-or-nothing filling 0: they must be there.
        fields |= {"type": request.type, "type_filling": request.type_filling}
    if request.expiration_ms:
        fields["expiration"] = clock.server_ms(request.expiration_ms) // 1_000
    return fields
