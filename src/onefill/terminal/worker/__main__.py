"""`python -m onefill.terminal.worker`: a terminal in this process, for the engine that started it.

Its configuration comes as one frame on standard input; it ends when the engine goes away.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec

from onefill.model.errors import OnefillError
from onefill.runtime.clock import monotonic_ns
from onefill.runtime.collector import calm_collector
from onefill.terminal.metatrader.hosted import TerminalLost, host
from onefill.terminal.worker.books import keeping_its_book
from onefill.terminal.worker.channel import Channel, connect
from onefill.terminal.worker.config import CONFIG_MOST, WorkerConfig, default_fences
from onefill.terminal.worker.fence import Fence
from onefill.terminal.worker.serve import serve
from onefill.terminal.worker.wire import LENGTH, VERSION, Hello, Welcome, encode


def main() -> int:
    """Serve one engine; the exit status says how it ended (0: the engine went away, 3: there is no
    terminal, 4: the terminal went away)."""
    # Ctrl-C goes to every process of a terminal's group: it must not end a send in the middle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = _read_config()
    try:
        channel = connect(config.address)
        channel.write(encode(Hello(VERSION, config.token)))
    except OSError:
        return 0
    session = config.session
    try:
        fence = Fence(
            _path(config.fences),
            session.login,
            session.fenced_server,
            config.patience_s,
            take_over=session.take_over,
        )
        terminal = host(keeping_its_book(session, _path(config.fences)))
    except OnefillError as wrong:
        _said(channel, _welcome(config, (wrong.code, wrong.message)))
        return 3
    calm_collector()
    try:
        if _said(channel, _welcome(config, ("", ""), fence.epoch)):
            serve(channel, terminal, fence)
    except TerminalLost as lost:
        sys.stderr.write(f"{lost}\n")
        return 4
    finally:
        terminal.close()
        fence.release()
    return 0


def _read_config() -> WorkerConfig:
    stream = sys.stdin.buffer
    length = LENGTH.unpack(stream.read(LENGTH.size))[0]
    assert length <= CONFIG_MOST, length
    return msgspec.msgpack.decode(stream.read(length), type=WorkerConfig)


def _said(channel: Channel, body: bytes) -> bool:
    """Whether the engine was still there to be told."""
    try:
        channel.write(body)
    except OSError:
        return False
    return True


def _path(text: str) -> Path:
    return Path(text) if text else default_fences()


def _welcome(config: WorkerConfig, trouble: tuple[str, str], epoch: int = 0) -> bytes:
    session = config.session
    module = "simulated" if session.simulated is not None else "MetaTrader5"
    return encode(
        Welcome(
            VERSION,
            os.getpid(),
            session.login,
            session.server,
            module,
            monotonic_ns(),
            trouble,
            epoch,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
