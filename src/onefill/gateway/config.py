"""A gateway's settings, from a TOML file: where it listens, what it grants, where its files are.

host = "127.0.0.1"          # another needs a certificate, or allow_plain behind a proxy
port = 8000
data = "gateway"            # journal, identity and secrets, from the file's own place
certificate = "server.pem"
key = "server.key"

[desk]                             # DeskSettings
[delivery]                         # DeliverySettings
[api]                              # ApiSettings
"""

from __future__ import annotations

import ipaddress
import math
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from onefill.gateway.api.settings import ApiSettings
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.desk.settings import DeskSettings
from onefill.model.errors import OnefillError

T = TypeVar("T")


def default_data() -> Path:
    """Where a gateway keeps its files unless it is told otherwise."""
    return Path.home() / ".onefill" / "gateway"


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `onefill gateway` can be told."""

    data: Path = msgspec.field(default_factory=default_data)
    host: str = "127.0.0.1"
    #: 0: one that is free.
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None
    #: A proxy in front of it ends TLS.
    allow_plain: bool = False
    desk: DeskSettings = DeskSettings()
    delivery: DeliverySettings = DeliverySettings()
    api: ApiSettings = ApiSettings()

    def __post_init__(self) -> None:
        """Raises `OnefillError` (`GATEWAY_CONFIG_INVALID`)."""
        if not 0 <= self.port <= 65_535:
            raise _invalid(f"port {self.port} is not in 0 to 65535")
        if (self.certificate is None) is not (self.key is None):
            raise _invalid("certificate and key belong together; one of them is missing")
        if not self.loopback and self.certificate is None and not self.allow_plain:
            raise _invalid(
                f"{self.host} can be reached from other machines and there is no certificate; give "
                "certificate and key, or allow_plain where a proxy in front of it ends TLS"
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            raise _invalid(f"host {self.host!r} is no address; write it as 127.0.0.1") from None


_PATHS = ("data", "certificate", "key")
_TABLES: dict[str, type] = {
    "desk": DeskSettings,
    "delivery": DeliverySettings,
    "api": ApiSettings,
}


def load_gateway_config(file: Path | None, **said: Any) -> GatewayConfig:
    """A file's settings, and in their place what the command line said (None: nothing).

    Raises `OnefillError` (`GATEWAY_CONFIG_UNREADABLE`, `GATEWAY_CONFIG_INVALID`)."""
    found = _read(file) if file is not None else {}
    found |= {name: value for name, value in said.items() if value is not None}
    unknown = sorted(set(found) - set(GatewayConfig.__struct_fields__))
    if unknown:
        known = ", ".join(GatewayConfig.__struct_fields__)
        raise _invalid(f"there is no setting {unknown[0]!r}; there are {known}")
    tables: dict[str, Any] = {
        name: _table(name, kind, found.pop(name)) for name, kind in _TABLES.items() if name in found
    }
    try:
        plain = {name: str(value) if name in _PATHS else value for name, value in found.items()}
        config: GatewayConfig = msgspec.convert(
            plain, GatewayConfig, dec_hook=lambda kind, text: Path(text)
        )
    except msgspec.ValidationError as wrong:
        raise _invalid(str(wrong)) from None
    return msgspec.structs.replace(config, **tables)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or wrong
        raise OnefillError(
            "GATEWAY_CONFIG_UNREADABLE", f"cannot read the gateway's config {file}: {why}"
        ) from None
    except tomllib.TOMLDecodeError as wrong:
        raise _invalid(f"{file}: {wrong}") from None
    for name in _PATHS:
        if isinstance(found.get(name), str):
            found[name] = file.absolute().parent / found[name]
    return found


def _table(name: str, kind: type[T], given: Any) -> T:
    fields = getattr(kind, "__struct_fields__", ())
    unknown = sorted(set(given) - set(fields)) if isinstance(given, dict) else []
    if unknown:
        raise _invalid(f"[{name}] has no setting {unknown[0]!r}; there are {', '.join(fields)}")
    try:
        settings = msgspec.convert(given, kind)
    except msgspec.ValidationError as wrong:
        raise _invalid(f"[{name}]: {wrong}") from None
    for field in fields:
        value = getattr(settings, field)
        if isinstance(value, int | float) and not 0 <= value < math.inf:  # false for NaN too
            raise _invalid(f"[{name}] {field} is {value}: expected a number of at least 0")
    return settings


def _invalid(why: str) -> OnefillError:
    return OnefillError("GATEWAY_CONFIG_INVALID", f"the gateway's config: {why}")
