"""The Python client of a gateway's REST door, for trading engines."""
