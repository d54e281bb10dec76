"""Onefill turns a trade decision into exactly one verified fill on MetaTrader 5.

The public names are found on first use, so that importing the package imports no room.
"""

from importlib import import_module

__version__ = "0.1.0"

#: Public name -> the module that defines it. Whatever stands here is what users may rely on;
#: `__init__.pyi` says the same to type checkers.
_PUBLIC: dict[str, str] = {
    "AsyncClient": "onefill.client.asynchronous",
    "BrokerInterface": "onefill.channels.local.broker",
    "Client": "onefill.client.client",
    "ExecutionConfirmation": "onefill.channels.local.confirmation",
    "ExecutionDatabase": "onefill.channels.local.database",
    "ExecutionEngine": "onefill.channels.local.engine",
    "ExecutionEngineConfig": "onefill.channels.local.config",
    "GroupConfirmation": "onefill.channels.local.group",
    "MT5ConnectionPool": "onefill.channels.local.pool",
    "MarketSnapshot": "onefill.channels.local.broker",
    "OnefillError": "onefill.model.errors",
    "create_execution_engine": "onefill.channels.local.engine",
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
