"""One room at a time, through its public surface."""
