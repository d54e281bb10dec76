"""Tokens made by hand, byte by byte, as an attacker makes them: no code of the product's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onefill.gateway.identity.opening import Identity
from onefill.gateway.identity.records import KeyState, SigningKey

Signer = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def active(identity: Identity) -> SigningKey:
    """The signing key in force."""
    keys = identity.store.all(SigningKey).values()
    return next(key for key in keys if key.state is KeyState.ACTIVE)


def private_key(directory: Path, identity: Identity) -> Ed25519PrivateKey:
    """Its private half, stolen from the server's disk."""
    path = directory / "secrets" / f"signing-{active(identity).kid}.pem"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def header(identity: Identity, **changed: Any) -> dict[str, Any]:
    """A right header, but for what is changed; None takes a field away."""
    return _with({"alg": "Ed25519", "typ": "at+jwt", "kid": active(identity).kid}, changed)


def claims(now_ms: int, **changed: Any) -> dict[str, Any]:
    """Right claims of anna's, but for what is changed; None takes one away."""
    now = now_ms // 1000
    right = {
        "iss": "onefill", "aud": "onefill-gateway", "sub": "anna", "tid": "acme",
        "scope": "read trade", "jti": "f00d", "iat": now, "nbf": now, "exp": now + 900,
    }  # fmt: skip
    return _with(right, changed)


def token(head: Any, body: Any, sign: Signer) -> str:
    """The three parts."""
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{text}.{b64(sign(text.encode()))}"


def _with(right: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changed}.items() if value is not None}
