"""The OpenAPI document, made from the ways and from the types that the server encodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from onefill import __version__
from onefill.contracts.rest import Failed, Fault, Order
from onefill.gateway.api.decision_line import DecisionLine
from onefill.gateway.api.door import Way
from onefill.gateway.api.field_words import OF_DECISIONS, OF_ORDERS

_ABOUT = {
    400: ("MALFORMED", "the body is no JSON"),
    401: ("UNAUTHENTICATED", "the credentials are missing, wrong, expired or revoked"),
    403: ("FORBIDDEN", "this needs the right to trade, which the key does not have"),
    404: ("NOT_FOUND", "there is no such thing here, or it is not yours to see"),
    405: ("METHOD_NOT_ALLOWED", "this takes POST"),
    408: ("TOO_SLOW", "the request's body did not come within 10 s"),
    409: ("KEY_REUSED", "client_key 'a' was used before for an order with other content"),
    413: ("TOO_LARGE", "a request's body may have 262144 bytes, not more"),
    414: ("TOO_LONG", "a query may have 8192 bytes, not more"),
    415: ("NOT_JSON", "send JSON in UTF-8, with the header Content-Type: application/json"),
    422: ("INVALID", "expected lots above 0, at most 1e+09, not -1"),
    429: ("TOO_MANY_REQUESTS", "a key may make 500 calls a second; come back in 1 s"),
    503: ("JOURNAL_FAILED", "the journal cannot be written: the disk is full"),
}
_ALWAYS = (400, 422, 429, 503)
_RESUME = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "integer", "minimum": 0},
    "description": "go on after this event; comes before `after`",
}


def document(ways: Sequence[Way]) -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    types = _types(ways)
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    _amend(components)
    paths: dict[str, dict[str, Any]] = {}
    for way in ways:
        path = re.sub(r":path}", "}", way.path)
        paths.setdefault(path, {})[way.method.lower()] = _operation(way, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Onefill",
            "version": __version__,
            "description": "One trade decision in, exactly one verified fill on MetaTrader 5 out.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or an access token from POST /v1/tokens.",
                }
            },
        },
    }


def _types(ways: Sequence[Way]) -> list[Any]:
    found: dict[str, Any] = {repr(Failed): Failed}
    for way in ways:
        for kind in (way.takes, *(kind for kinds in way.gives.values() for kind in kinds)):
            if kind is not None:
                found.setdefault(repr(kind), kind)
    return list(found.values())


def _amend(components: dict[str, Any]) -> None:
    """What the types do not say: fields that a decision cannot do without, and its ranges."""
    line = components[DecisionLine.__name__]
    line["required"] = ["client_key", "mt5_account"]
    line["properties"].pop("at")
    for name, text in OF_ORDERS.items():
        components[Order.__name__]["properties"][name]["description"] = text
    for name, text in OF_DECISIONS.items():
        line["properties"][name]["description"] = text
    line["properties"]["client_key"] |= {"minLength": 1, "maxLength": 128}


def _operation(way: Way, schema_of: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": way.summary,
        "operationId": way.handler.__name__,
        "tags": [way.tag],
        "responses": _responses(way, schema_of),
        "security": [] if way.open else [{"key": []}],
    }
    if way.right is not None and not way.open:
        operation["description"] = f"Needs the right to {way.right}."
    parameters = [
        {
            "name": one.name,
            "in": "query",
            "required": one.required,
            "schema": one.kind,
            "description": one.text,
        }
        for one in way.query
    ]
    if "{id" in way.path:
        here = {"name": "id", "in": "path", "required": True}
        parameters.append(here | {"schema": {"type": "string", "minLength": 1}})
    if way.tag == "events":
        parameters.append(_RESUME)
    if parameters:
        operation["parameters"] = parameters
    if way.takes is not None:
        content = {"schema": schema_of[repr(way.takes)], "examples": way.examples}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": content},
        }
    return operation


def _responses(way: Way, schema_of: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kinds in way.gives.items():
        schemas = [schema_of[repr(kind)] for kind in kinds]
        responses[str(status)] = {
            "description": "taken, its outcome not known yet" if status == 202 else "done",
            "content": {
                "application/json": {
                    "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
                }
            },
        }
    if not way.gives:
        kind_of = "text/event-stream" if way.tag == "events" else "text/plain"
        responses["200"] = {
            "description": "events" if way.tag == "events" else "numbers",
            "content": {kind_of: {"schema": {"type": "string"}}},
        }
    failed = schema_of[repr(Failed)]
    for status in _refusals(way):
        if str(status) in responses:
            continue
        code, sentence = _ABOUT[status]
        example = msgspec.to_builtins(Failed(error=Fault(code=code, message=sentence)))
        responses[str(status)] = {
            "description": sentence,
            "content": {"application/json": {"schema": failed, "example": example}},
        }
        if status in (429, 503):
            header = {"schema": {"type": "integer"}, "description": "seconds"}
            responses[str(status)]["headers"] = {"Retry-After": header}
    return responses


def _refusals(way: Way) -> list[int]:
    found = {*_ALWAYS, *way.refuses, 414}
    if not way.open:
        found |= {401, 403}
    if way.takes is not None:
        found |= {408, 413, 415}
    return sorted(found)
