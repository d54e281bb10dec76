"""The domain, through its public functions."""
