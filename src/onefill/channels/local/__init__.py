"""The published Python engine API: a pool of terminals, and one blocking call an order."""
