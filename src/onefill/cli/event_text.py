"""What an event of a gateway's journal says, in a few words for people."""

from __future__ import annotations

from typing import Any

from onefill.contracts.rest import OrderEvent

_FILLS = ("filled", "partially_filled")


def event_words(event: OrderEvent) -> str:
    """Its detail: what was decided, what became of it, or why not."""
    detail = event.detail
    if event.type == "accepted":
        return _decided(detail.get("intent", {}))
    if event.type == "reported" and detail.get("part"):
        return _part(detail)
    if event.type in ("reported", "moved"):
        return _became(detail)
    return str(detail.get("why", "")) or _why(detail)


def _decided(intent: dict[str, object]) -> str:
    words = [intent.get(name) for name in ("action", "side", "volume")]
    if intent.get("units"):
        words.append(f"{intent['units']} units")
    words.append(intent.get("symbol"))
    if intent.get("order_type", "market") != "market":
        words += [intent["order_type"], "at", intent.get("price")]
    if intent.get("stop_limit_price"):
        words.append(f"then {intent['stop_limit_price']}")
    target = intent.get("target") or intent.get("target_order") or intent.get("target_ticket")
    if target:
        words.append(f"of {target}")
    words.append(intent.get("reason"))
    return " ".join(str(word) for word in words if word)


def _became(detail: dict[str, Any]) -> str:
    """The state that an order went to. What had filled of one that ended otherwise stays."""
    to, fill, why = str(detail.get("to", "")), _fill(detail), _why(detail)
    if to == "accepted":
        return "waits again, was not handed over"
    words = f"late: {to}" if detail.get("late") else to
    if fill:
        words += f" {fill}" if to in _FILLS else f", {fill} had filled"
    if detail.get("by"):
        words += f" by {detail['by']}"
    return f"{words} ({why})" if why else words


def _part(detail: dict[str, Any]) -> str:
    """Of one position of a close_all; or what is known already was told again."""
    ticket = detail.get("position_ticket", 0)
    if not ticket:
        return f"{detail.get('to', '')}, told again"
    fill, why = _fill(detail), _why(detail)
    if fill:
        return f"position {ticket}: {fill}" + (f" ({why})" if why else "")
    return f"position {ticket}: not closed" + (f" ({why})" if why else "")


def _fill(detail: dict[str, Any]) -> str:
    volume, price = detail.get("volume_e8", 0) / 1e8, detail.get("price", 0.0)
    return f"{volume:.10g} at {price:.10g}" if volume and price else ""


def _why(detail: dict[str, Any]) -> str:
    """Code and sentence; a code that only repeats the state is left out."""
    code, message = detail.get("code") or "", detail.get("message") or ""
    if message and code.lower() == detail.get("to"):
        code = ""
    return ": ".join(word for word in (code, message) if word)
