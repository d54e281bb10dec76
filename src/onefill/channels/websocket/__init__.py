"""The agent's door to a gateway: commands in and results out over one WebSocket an account."""
