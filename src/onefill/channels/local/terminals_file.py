"""Terminals, symbols, limits and settings of an engine, read from TOML.

[sessions.main]
terminal_path = "simulated:ecn"
login = 2000001
server = "OnefillECN-Demo"
password_env = "MT5_PASSWORD"      # or password_file = "main.password"; never the password
                                   # (and so for token: token_env, token_file)

[symbols]
names = ["EURUSD", "XAUUSD"]
map = { XAUUSD = "GOLD" }

[engine]                           # what ExecutionEngineConfig has
max_slippage_pips = 3

[files]
limits = "limits.toml"
journal = "journal"
logs = "logs/mt5"

[profile]                          # of an agent: what its gateway is told of the accounts' holder
max_risk_per_trade = 1.0           # what contracts.messages' RiskProfile and Preferences have
broker = "Approved Broker Ltd"     # where the terminal tells another name than was approved

[agent]
cancel_after_disconnect_s = 60     # working orders are cancelled; 0 or absent: they stay
close_all = "ours"                 # or "all": CLOSE_ALL means manual positions too
close_all_pending = false          # whether CLOSE_ALL cancels Onefill's working orders too
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from onefill.channels.local.config import ExecutionEngineConfig
from onefill.contracts.messages import Preferences, RiskProfile
from onefill.model.errors import OnefillError
from onefill.terminal.session import REMOTE, SERVED, SIMULATED, Session

_WHO_MAKES_IT = (
    " yet; `onefill broker serve` and `onefill terminal serve` make theirs at their start"
)
_WHERE = {"password_env", "password_file", "token_env", "token_file"}


_T = TypeVar("_T", RiskProfile, Preferences)
_Size = Annotated[float, msgspec.Meta(ge=0, le=1e15)]


class _Symbols(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...] = ()
    map: dict[str, str] = {}


class _Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limits: str = ""
    journal: str = ""
    logs: str = "logs/mt5"


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    broker: str = ""
    max_risk_per_trade: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    max_daily_loss: _Size = 0.0
    max_drawdown: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    #: This and `auto_close_friday` are carried in the profile; nobody acts on them.
    allow_news_trading: bool = False
    allowed_symbols: tuple[str, ...] = ()
    preferred_lot_size: _Size = 0.0
    max_open_positions: Annotated[int, msgspec.Meta(ge=0)] = 0
    auto_close_friday: bool = False
    conservative_mode: bool = False


class _Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cancel_after_disconnect_s: _Size = 0.0
    close_all: Literal["ours", "all"] = "ours"
    close_all_pending: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sessions: dict[str, dict[str, Any]]
    symbols: _Symbols = _Symbols()
    engine: dict[str, Any] = {}
    files: _Files = _Files()
    profile: _Profile = _Profile()
    agent: _Agent = _Agent()


@dataclass(frozen=True, slots=True)
class Terminals:
    """A terminals file, read and checked; paths are made absolute from the file's own place."""

    sessions: dict[str, Session]
    symbols: tuple[str, ...]
    symbol_map: dict[str, str]
    engine: ExecutionEngineConfig
    limits: Path | None
    journal: Path | None
    logs: Path
    # Of an agent.
    risk: RiskProfile = field(default_factory=RiskProfile)
    preferences: Preferences = field(default_factory=Preferences)
    broker: str = ""
    #: 0: working orders stay while no gateway is there.
    cancel_after_disconnect_s: float = 0.0
    #: What a CLOSE_ALL means beside the positions that Onefill opened.
    close_all_manual: bool = False
    close_all_pending: bool = False


def load_terminals(path: Path) -> Terminals:
    """A terminals file; paths in it are from its own place.

    Raises `OnefillError` (`TERMINALS_UNREADABLE`, `TERMINALS_INVALID`, `SESSION_INVALID`,
    `CONFIG_INVALID`, `PASSWORD_MISSING`, `TOKEN_MISSING`)."""
    path = path.absolute()
    try:
        tables = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or wrong
        raise OnefillError(
            "TERMINALS_UNREADABLE", f"cannot read the terminals file {path}: {why}"
        ) from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise _invalid(path, str(wrong)) from None
    if not tables.sessions:
        raise _invalid(path, "it names no [sessions.NAME]")
    return Terminals(
        sessions={name: _session(name, given, path) for name, given in tables.sessions.items()},
        symbols=tables.symbols.names,
        symbol_map=tables.symbols.map,
        engine=_engine(tables.engine, path),
        limits=_beside(path, tables.files.limits),
        journal=_beside(path, tables.files.journal),
        logs=_beside(path, tables.files.logs) or path.parent,
        risk=_part_of(tables.profile, RiskProfile),
        preferences=_part_of(tables.profile, Preferences),
        broker=tables.profile.broker,
        cancel_after_disconnect_s=tables.agent.cancel_after_disconnect_s,
        close_all_manual=tables.agent.close_all == "all",
        close_all_pending=tables.agent.close_all_pending,
    )


def _part_of(profile: _Profile, kind: type[_T]) -> _T:
    names = kind.__struct_fields__
    return kind(**{name: getattr(profile, name) for name in names})


def _session(name: str, given: dict[str, Any], path: Path) -> Session:
    fields = dict(given)
    for secret in ("password", "token"):
        if secret in fields:
            raise _invalid(
                path,
                f"[sessions.{name}] holds a {secret}: name where it is instead, with {secret}_env "
                f"or {secret}_file",
            )
    unknown = sorted(set(fields) - set(Session.__struct_fields__) - _WHERE)
    if unknown:
        raise _invalid(path, f"[sessions.{name}] has no setting {unknown[0]!r}")
    to_come = _token_to_come(fields, path)
    for secret in ("password", "token"):
        fields[secret] = _secret(name, secret, fields, path)
    fields["token_file"] = to_come
    try:
        session = msgspec.convert({"server": "", **fields, "name": name}, Session)
    except msgspec.ValidationError as wrong:
        raise _invalid(path, f"[sessions.{name}]: {wrong}") from None
    return msgspec.structs.replace(
        session,
        terminal_path=_profile_beside(path, session.terminal_path),
        ticks=tuple([_ticks_beside(path, word) for word in session.ticks]),
        state=str(_beside(path, session.state) or ""),
    )


def _profile_beside(path: Path, terminal_path: str) -> str:
    """A profile's file, where a session names one (`simulated:broker.toml`)."""
    if not (terminal_path.startswith(SIMULATED) and terminal_path.endswith(".toml")):
        return terminal_path
    return f"{SIMULATED}{_beside(path, terminal_path.removeprefix(SIMULATED))}"


def _ticks_beside(path: Path, word: str) -> str:
    """A tick file, given as PATH or SYMBOL=PATH."""
    symbol, equals, file = word.rpartition("=")
    return f"{symbol}{equals}{_beside(path, file)}"


def _secret(name: str, secret: str, fields: dict[str, Any], path: Path) -> str:
    variable, file = fields.pop(f"{secret}_env", None), fields.pop(f"{secret}_file", None)
    # Neither name is told: whoever mistakes these settings writes the secret itself there.
    if variable is not None:
        if str(variable) not in os.environ:
            raise _missing(
                name, secret, f"the environment variable that {secret}_env names is not set"
            )
        return os.environ[str(variable)]
    return _held(name, secret, path.parent / str(file)) if file is not None else ""


def _token_to_come(fields: dict[str, Any], path: Path) -> str:
    """The file of a token that is not there yet, taken out of the fields: whoever serves the
    terminal makes it when it starts. Empty where there is none to wait for."""
    name, where = fields.get("token_file"), str(fields.get("terminal_path", ""))
    if not isinstance(name, str) or not where.startswith((REMOTE, SERVED)):
        return ""
    file = path.parent / name
    try:
        if file.stat().st_size:  # it is made empty, and written to then
            return ""
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        return ""  # and `_secret` says why
    del fields["token_file"]
    return str(file)


def with_token(session: Session) -> Session:
    """A session with the token that its file holds by now. Raises `OnefillError`
    (`TOKEN_MISSING`)."""
    if session.token or not session.token_file:
        return session
    token = _held(session.name, "token", Path(session.token_file))
    return msgspec.structs.replace(session, token=token)


def _held(name: str, secret: str, file: Path) -> str:
    """What a secret's file holds; neither that nor the file's name is told."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        why = f"the file that {secret}_file names is not there"
        raise _missing(name, secret, f"{why}{_WHO_MAKES_IT if secret == 'token' else ''}") from None
    except (OSError, ValueError) as wrong:
        why = str(wrong.strerror) if isinstance(wrong, OSError) else "it is no text in UTF-8"
        raise _missing(
            name, secret, f"cannot read the file that {secret}_file names: {why}"
        ) from None
    if secret == "token" and len(text.split()) != 1:
        raise _missing(name, secret, f"the file that {secret}_file names must hold one word")
    return text


def _missing(name: str, secret: str, why: str) -> OnefillError:
    return OnefillError(f"{secret.upper()}_MISSING", f"[sessions.{name}]: {why}")


def _engine(table: dict[str, Any], path: Path) -> ExecutionEngineConfig:
    known = ExecutionEngineConfig.__dataclass_fields__
    for name, value in table.items():
        if name not in known:
            raise _invalid(
                path, f"[engine] has no setting {name!r}; there are {', '.join(sorted(known))}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _invalid(path, f"[engine] {name} = {value!r} is not a number")
    return ExecutionEngineConfig(**table)


def _beside(path: Path, name: str) -> Path | None:
    """A path that a file names, from that file's own place."""
    return path.parent / name if name else None


def _invalid(path: Path, why: str) -> OnefillError:
    return OnefillError("TERMINALS_INVALID", f"the terminals file {path}: {why}")
