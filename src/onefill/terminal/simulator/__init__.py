"""A simulated MetaTrader 5 terminal and the broker behind it, which keeps a book of its own."""
