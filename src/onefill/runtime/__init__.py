"""What differs between two runs and is therefore injected: the clock, ids, seeded draws."""
