"""The agent's doors: each turns what comes into an `OrderIntent`, and what became of it into an
answer."""
