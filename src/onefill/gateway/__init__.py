"""The server: who may decide what, commands to the clients that hold the accounts, and what became
of them."""
