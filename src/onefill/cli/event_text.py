"""What an event of a gateway's journal says, in a few words for people."""

from __future__ import annotations

from onefill.contracts.rest import OrderEvent


def event_words(event: OrderEvent) -> str:
    """Its detail: what was decided, what became of it, or why not."""
    detail = event.detail
    if event.type == "accepted":
        return _decided(detail.get("intent", {}))
    if event.type != "reported":
        named = (detail.get("code"), detail.get("message"))
        return ": ".join(str(word) for word in named if word)
    volume, price = detail.get("volume_e8", 0) / 1e8, detail.get("price", 0.0)
    fill = f" {volume:.10g} at {price:.10g}" if volume and price else ""
    if detail.get("part"):
        return f"position {detail.get('position_ticket', 0)}:{fill or ' told again'}"
    why = f" ({detail['message']})" if detail.get("message") else ""
    return f"{detail.get('to', '')}{fill}{why}"


def _decided(intent: dict[str, object]) -> str:
    words = [intent.get(name) for name in ("action", "side", "volume", "symbol")]
    if intent.get("order_type", "market") != "market":
        words += [intent["order_type"], "at", intent.get("price")]
    if intent.get("target"):
        words.append(f"of {intent['target']}")
    words.append(intent.get("reason"))
    return " ".join(str(word) for word in words if word)
