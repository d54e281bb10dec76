"""The engine from Python: a decision in, a verified fill out, on the simulated broker.

    python examples/engine.py

Set MT5_TERMINAL, MT5_LOGIN, MT5_PASSWORD and MT5_SERVER for a terminal of your own.
"""

import os
from types import SimpleNamespace

from onefill import (
    BrokerInterface,
    ExecutionDatabase,
    ExecutionEngineConfig,
    MT5ConnectionPool,
    create_execution_engine,
)

pool = MT5ConnectionPool(
    sessions={
        "main": {
            "terminal_path": os.environ.get("MT5_TERMINAL", "simulated:default"),
            "login": os.environ.get("MT5_LOGIN", "1000001"),
            "password": os.environ.get("MT5_PASSWORD", ""),
            "server": os.environ.get("MT5_SERVER", "Onefill-Demo"),
        }
    },
    symbols=["EURUSD"],
    session_logs_dir="logs/mt5",
)
engine = create_execution_engine(
    broker=BrokerInterface(connection_pool=pool),
    database=ExecutionDatabase(),  # ~/.onefill/journal, or ONEFILL_JOURNAL
    config=ExecutionEngineConfig(),
)

# What a risk and portfolio manager decided; any object with these attributes will do.
rpm_output = SimpleNamespace(
    decision=SimpleNamespace(
        status="APPROVED",
        order_id="2026-11-21-001",  # the same id again: the same answer, nothing sent twice
        approved_trade=SimpleNamespace(
            symbol="EURUSD",
            direction=1,
            position_units=95_999,  # units of the base currency, not lots
            confidence_score=0.8,
            regime="trend",
            risk_per_trade=0.01,
        ),
        rejected_trade=None,
    ),
    portfolio_state=SimpleNamespace(trading_halted=False),
    rpm_version="1.0",
)

confirmation = engine.execute(rpm_output)
print(confirmation.status, confirmation.executed_units, "at", confirmation.fill_price)
print(confirmation.rejection_reason, confirmation.rejection_details)

engine.close()
pool.close()
