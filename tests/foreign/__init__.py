"""A peer that shares no code with Onefill: its messages are compiled from the contract's tables,
and its WebSocket is the `websockets` library's. Its programs run in processes of their own."""
