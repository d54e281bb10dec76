"""The clients' WebSocket: sessions, their queues, and who is there."""
