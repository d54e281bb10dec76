"""The MetaTrader 5 port, the meaning of its return codes, and the simulated broker behind it."""
