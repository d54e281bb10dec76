"""A module that speaks like `MetaTrader5`, real or simulated, behind the port."""
