"""TLS between an engine and a terminal elsewhere: a certificate of one's own, known by its
fingerprint."""

from __future__ import annotations

import hashlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock

_YEARS = 10


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with a certificate and its key (PEM). Raises `OnefillError`
    (`CERTIFICATE_UNUSABLE`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as wrong:
        raise OnefillError(
            "CERTIFICATE_UNUSABLE", f"cannot use {certificate} with {key}: {wrong}"
        ) from None
    return context


def client_context() -> ssl.SSLContext:
    """TLS 1.3 to a server that `check_fingerprint` recognises; no authority vouches for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_fingerprint(connection: object, expected: str) -> None:
    """Raises `OnefillError` (`WRONG_CERTIFICATE`) where the server's certificate is another one."""
    assert isinstance(connection, ssl.SSLObject | ssl.SSLSocket), connection
    certificate = connection.getpeercert(binary_form=True) or b""
    found = hashlib.sha256(certificate).hexdigest()
    if found != _plain(expected):
        raise OnefillError(
            "WRONG_CERTIFICATE",
            f"the terminal's server has a certificate with fingerprint {found}, the session names "
            f"{_plain(expected)}: either it was made anew, or somebody is in between; nothing was "
            "sent",
        )


def fingerprint_of(certificate: Path) -> str:
    """SHA-256 (hex) of a certificate file (PEM)."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex()


def own_certificate(directory: Path, clock: Clock) -> tuple[Path, Path]:
    """A certificate and its key in a directory, made there where there is none."""
    certificate, key = directory / "terminal.crt", directory / "terminal.key"
    if not (certificate.exists() and key.exists()):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(certificate, key, datetime.fromtimestamp(clock.now_ms() / 1_000, UTC))
    return certificate, key


def _make(certificate: Path, key: Path, now: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "onefill terminal")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _plain(fingerprint: str) -> str:
    return fingerprint.replace(":", "").replace(" ", "").lower()
