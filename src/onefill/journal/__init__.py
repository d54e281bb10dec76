"""The append-only, hash-chained log: what is not in it did not happen."""
