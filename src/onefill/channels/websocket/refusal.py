"""Why a gateway was not reached, as a sentence that says what is wrong and how to mend it."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

from websockets.exceptions import InvalidStatus

_LONGEST = 16 * 1024
_UNAUTHENTICATED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404


def why_refused(refused: InvalidStatus, token_file: Path) -> str:
    """The handshake was answered with another status than 101."""
    response = refused.response
    status = f"HTTP {response.status_code}{told_by(response.body)}"
    code = response.status_code
    if code == _UNAUTHENTICATED:
        return f"the gateway refuses the token ({status}); {_another(token_file)}"
    if code == _FORBIDDEN:
        return (
            f"the gateway does not let this client connect ({status}): the token lacks the right, "
            f"or something in front of the gateway refuses; {_another(token_file)}"
        )
    if code == _NOT_FOUND:
        return f"the gateway knows no such account, or no such path ({status})"
    if 300 <= code < 400:
        return f"the gateway points elsewhere ({status}), which is not followed: name that address"
    return f"the gateway refuses the connection ({status})"


def told_by(body: bytes | bytearray | None) -> str:
    """What a gateway's refusal says of itself: its code and sentence; empty where it says none."""
    try:
        error = json.loads(bytes(body or b"")[:_LONGEST])["error"]
        code, message = error["code"], error["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f", {code}: {message}" if isinstance(code, str) and isinstance(message, str) else ""


def certificate_trouble(wrong: object) -> str:
    """What is wrong with the gateway's certificate; empty where that is not the trouble."""
    if not isinstance(wrong, ssl.SSLCertVerificationError):
        return ""
    return (
        f"the gateway's certificate is not trusted: {wrong.verify_message or wrong.reason} "
        "(CERTIFICATE_VERIFY_FAILED); it must be valid, for this very host name, and by an "
        "authority of this system, or of the file that the environment variable SSL_CERT_FILE names"
    )


def _another(token_file: Path) -> str:
    return (
        f"put a good one into {token_file} (`onefill admin token create --right client`, or an API "
        "key): it is read again at each try"
    )
