"""The installed command, as a user calls it."""
