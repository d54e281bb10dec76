"""The agent as `onefill agent` composes it, but for its patience: it comes back quickly enough for
ten reconnects a second. `python -m tests.chaos.agent GATEWAY TOKEN TERMINALS DATA`"""

from __future__ import annotations

import sys
from pathlib import Path

from onefill.agent.program import AgentSettings, run_agent
from onefill.channels.websocket.address import parse_gateway
from onefill.channels.websocket.course import Patience
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run

QUICK = Patience(first_s=0.02, most_s=0.1, good_s=5.0, replaced_s=1.0)


def main(gateway: str, token: str, terminals: str, data: str) -> int:
    """Until it is asked to stop."""
    settings = AgentSettings(
        gateways=(parse_gateway(gateway),),
        token_file=Path(token),
        terminals=Path(terminals),
        data=Path(data),
        patience=QUICK,
    )
    calm_collector()
    return run(run_agent(settings, sys.stderr, as_json=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
