"""`onefill demo`: broker, gateway, agent and strategy as processes, and what passes between."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

import onefill
from onefill.cli.demo_processes import Child, python
from onefill.cli.demo_processes import onefill as command
from onefill.cli.demo_told import Told
from onefill.cli.interrupt import held_back
from onefill.client.client import Client
from onefill.gateway.identity.opening import open_identity
from onefill.gateway.identity.secret_files import SecretFiles
from onefill.gateway.identity.setup import FirstSetup, first_setup
from onefill.model.errors import OnefillError
from onefill.replay.generate import generate_ticks, write_csv
from onefill.runtime.clock import SystemClock, monotonic_ns, pause

T = TypeVar("T")

SYMBOL, DIGITS, PRICE = "EURUSD", 5, 1.085
#: Quotes come about this often, for so long.
TICK_EVERY_MS, HOURS = 150, 3
UNATTENDED_S = 20.0
START_PATIENCE_S = 60.0
ACCOUNT, SERVER, BROKER = "1000001", "Onefill-Demo", "Onefill Simulated Broker"
#: The market begins when its broker has started.
_AHEAD_MS = 1_500


def live(directory: Path, seed: int, faults: str, seconds: float | None, *, as_json: bool) -> int:
    """Until Ctrl-C, or for so many seconds. Raises `OnefillError` where a part does not start."""
    directory.mkdir(parents=True, exist_ok=True)
    if seconds is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        seconds = UNATTENDED_S
    told = Told(SystemClock().now_ms(), as_json=as_json)
    with ExitStack() as ending:
        url, key = _start(directory, seed, faults, ending, told)
        client = ending.enter_context(Client(url, key=key))
        with suppress(KeyboardInterrupt):
            _watch(client, told, seconds)
        told.line("\nstopping: strategy, agent, gateway, broker")
        positions = client.positions().positions
    told.summary(directory, positions)
    return 0 if told.filled else 1


def _start(
    directory: Path, seed: int, faults: str, ending: ExitStack, told: Told
) -> tuple[str, str]:
    """Every part, once the one before it is ready. Where the gateway is, and a key for it."""

    def child(name: str, words: list[str], **environment: str) -> Child:
        with held_back():  # a process that was started is there to be ended
            return ending.enter_context(Child(name, words, directory, environment=environment))

    made = _identity(directory)
    token = directory / "broker.token"
    broker = child("broker", _broker(directory, seed, faults, token))
    address: str = _awaited(broker, broker.first_line)["address"]
    told.line(
        f"broker    {address}: a simulated MetaTrader 5 broker; {SYMBOL}, several quotes a second"
    )
    gateway = child(
        "gateway",
        command("gateway", "--port", "0", "--data", str(directory / "gateway"), "--json"),
    )
    url: str = _awaited(gateway, gateway.first_line)["url"]
    told.line(f"gateway   {url}: takes decisions, commands the agent")
    agent = child("agent", _agent(directory, address, url))
    with Client(url, key=made.key) as client:
        _awaited(agent, lambda: any(one.connected for one in client.accounts()) or None)
    told.line(f"agent     holds account {ACCOUNT}")
    child(
        "strategy",
        python(
            *(str(_strategy()), "--gateway", url, "--key-file", str(directory / "keys/trader")),
            *("--account", ACCOUNT, "--symbol", SYMBOL),
        ),
        ONEFILL_BROKER=address,
        ONEFILL_BROKER_TOKEN_FILE=str(token),
    )
    told.line("strategy  decides when two moving averages cross\n")
    return url, made.key


def _identity(directory: Path) -> FirstSetup:
    """A tenant with a user, an account and what they need; the keys in files of mode 0600."""
    identity = open_identity(directory / "gateway", SystemClock())
    try:
        made = first_setup(
            identity, account=ACCOUNT, server=SERVER, broker=BROKER, by="onefill demo"
        )
    finally:
        identity.close()
    keys = SecretFiles(directory / "keys")
    keys.write("trader", made.key.encode())
    keys.write("agent", made.client_token.encode())
    return made


def _broker(directory: Path, seed: int, faults: str, token: Path) -> list[str]:
    ticks = directory / f"{SYMBOL}.csv"
    count = HOURS * 3_600_000 // TICK_EVERY_MS
    start_ms = SystemClock().now_ms() + _AHEAD_MS
    market = generate_ticks(SYMBOL, DIGITS, start_ms, count, seed, PRICE, TICK_EVERY_MS, 2.0)
    write_csv(market, DIGITS, ticks)
    return command(
        *("broker", "serve", "--profile", "default", "--ticks", str(ticks), "--json"),
        *("--token-file", str(token), "--seed", str(seed), "--faults", faults or "none"),
        # Journals that tell of its deals outlive it; a broker without them would deny those.
        *("--state", str(directory / "broker.book")),
    )


def _agent(directory: Path, address: str, url: str) -> list[str]:
    """The agent, and its terminals file: one session, on the served broker."""
    terminals = directory / "terminals.toml"
    terminals.write_text(
        f"""# The demo's terminal: a session of the simulated broker beside it.
[sessions.demo]
terminal_path = "broker://{address}"
login = {ACCOUNT}
server = "{SERVER}"
time_zone = "UTC"
token_file = "broker.token"

[engine]
# A simulated broker answers within seconds or never; a real one is measured, and given longer.
call_deadline_seconds = 1
lateness_bound_seconds = 2
poll_interval_seconds = 0.1

[files]
logs = "logs"
""",
        encoding="utf-8",
    )
    return command(
        *("agent", "--gateway", url.replace("http", "ws", 1), "--json"),
        *("--token-file", str(directory / "keys/agent"), "--terminals", str(terminals)),
        *("--data", str(directory / "agent")),
    )


def _awaited(child: Child, look: Callable[[], T | None]) -> T:
    """What a look at last shows. Raises `OnefillError` where the process ended, or takes long."""
    give_up_ns = monotonic_ns() + int(START_PATIENCE_S * 1e9)
    while monotonic_ns() < give_up_ns:
        found = look()
        if found is not None:
            return found
        child.check()
        pause(0.05)
    raise OnefillError("DEMO_NOT_STARTED", f"the {child.name} is not ready: {child.last()}")


def _watch(client: Client, told: Told, seconds: float | None) -> None:
    """Show what the gateway's journal gets, as it gets it."""
    events = client.events(after=0)

    def follow() -> None:
        with suppress(OnefillError, OSError):
            for event in events:
                told.event(event)

    threading.Thread(target=follow, name="events", daemon=True).start()
    until_ns = None if seconds is None else monotonic_ns() + int(seconds * 1e9)
    try:
        while until_ns is None or monotonic_ns() < until_ns:
            pause(0.1)
    finally:
        events.close()


def _strategy() -> Path:
    """The example: the wheel has a copy of it in the package, a checkout has it under examples."""
    home = Path(onefill.__file__).parent
    for place in (home / "examples", home.parents[1] / "examples"):
        if (place / "sma_cross.py").is_file():
            return place / "sma_cross.py"
    raise OnefillError("DEMO_NOT_STARTED", "the example strategy, sma_cross.py, is not there")
