"""Gateway, agent and broker as real processes on real sockets, and everything that befalls them."""
