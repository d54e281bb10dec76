"""The public names, for type checkers and editors: `__init__.py` finds them on first use."""

from onefill.channels.local.broker import BrokerInterface as BrokerInterface
from onefill.channels.local.broker import MarketSnapshot as MarketSnapshot
from onefill.channels.local.config import ExecutionEngineConfig as ExecutionEngineConfig
from onefill.channels.local.confirmation import ExecutionConfirmation as ExecutionConfirmation
from onefill.channels.local.database import ExecutionDatabase as ExecutionDatabase
from onefill.channels.local.engine import ExecutionEngine as ExecutionEngine
from onefill.channels.local.engine import create_execution_engine as create_execution_engine
from onefill.channels.local.group import GroupConfirmation as GroupConfirmation
from onefill.channels.local.pool import MT5ConnectionPool as MT5ConnectionPool
from onefill.client.asynchronous import AsyncClient as AsyncClient
from onefill.client.client import Client as Client
from onefill.model.errors import OnefillError as OnefillError

__version__: str
