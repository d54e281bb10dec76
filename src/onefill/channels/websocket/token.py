"""What an agent shows a gateway: the JWT of its token file, or one that its API key is exchanged
for right before connecting."""

from __future__ import annotations

import asyncio
import base64
import binascii
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from onefill.channels.websocket.address import Gateway
from onefill.channels.websocket.refusal import certificate_trouble, told_by
from onefill.model.errors import OnefillError
from onefill.runtime.secret import open_to_others

API_KEY = "of_"
"""What an API key begins with; anything else in the token file is a JWT."""
LONGEST = 16 * 1024
"""Bytes of a token file, and of a gateway's answer to the exchange."""
PATIENCE_S = 10.0


class TokenRefused(OnefillError):
    """The gateway does not know the key, or cannot be asked now."""


def read_token_file(path: Path) -> str:
    """The word in the file, read anew for each connection. Raises `OnefillError`
    (`TOKEN_UNREADABLE`, `TOKEN_EXPOSED`, `TOKEN_INVALID`); none tells what the file holds."""
    try:
        with path.open(encoding="utf-8") as file:
            if open_to_others(file):
                raise OnefillError(
                    "TOKEN_EXPOSED", f"others can read the token file {path}: chmod 600 {path}"
                )
            text = file.read(LONGEST + 1).strip()
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or "it is not UTF-8 text"
        raise OnefillError(
            "TOKEN_UNREADABLE", f"cannot read the token file {path}: {why}"
        ) from None
    word = text.removeprefix("Bearer ").strip()
    if not word or len(word.split()) != 1 or len(text) > LONGEST or not word.isascii():
        raise OnefillError(
            "TOKEN_INVALID",
            f"the token file {path} must hold one word: a JWT, or an API key (of_…)",
        )
    return word


async def access_token(path: Path, gateway: Gateway) -> str:
    """A JWT for the handshake. Raises `OnefillError` as `read_token_file`, and `TokenRefused`."""
    word = read_token_file(path)
    if not word.startswith(API_KEY):
        return word
    return await asyncio.to_thread(_exchange, word, gateway)


def subject_of(token: str) -> str:
    """Whom a JWT names, unverified (the gateway verifies it); empty where it cannot be read."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, RecursionError):
        return ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key is for the gateway alone: it is shown to nobody that the gateway points to."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _exchange(key: str, gateway: Gateway) -> str:
    request = urllib.request.Request(
        gateway.page("/v1/tokens"),
        data=b"",
        headers={"Authorization": f"Bearer {key}"},
        method="POST",
    )
    try:
        with opener(gateway).open(request, timeout=PATIENCE_S) as answer:
            told = json.loads(answer.read(LONGEST))
            token = told["access_token"]
    except urllib.error.HTTPError as refused:
        with refused:
            status = f"HTTP {refused.code}{_told(refused)}"
        raise TokenRefused(
            "TOKEN_REFUSED",
            f"the gateway at {gateway.place} does not exchange the API key ({status}): make "
            "another with `onefill admin key` and put it into the token file, which is read again "
            "at each try; or look at the gateway",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as wrong:
        raise TokenRefused(
            "GATEWAY_UNREACHABLE", f"the gateway at {gateway.place} does not answer: {_why(wrong)}"
        ) from None
    if not isinstance(token, str) or not token.isascii() or len(token.split()) != 1:
        raise TokenRefused("TOKEN_REFUSED", f"the gateway at {gateway.place} gave no token")
    return token


def opener(gateway: Gateway) -> urllib.request.OpenerDirector:
    """HTTP to a gateway: certificates are verified, redirects not followed, and no proxy is asked
    for this machine."""
    handlers: list[Any] = [_NoRedirect()]
    if gateway.loopback:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _told(refused: urllib.error.HTTPError) -> str:
    try:
        return told_by(refused.read(LONGEST))
    except (OSError, ValueError, http.client.HTTPException):
        return ""  # it was cut off


def _why(wrong: Exception) -> str:
    trouble = certificate_trouble(getattr(wrong, "reason", wrong))
    return trouble or str(getattr(wrong, "reason", "") or getattr(wrong, "strerror", "") or wrong)
