"""The client beside the terminals: commands in, nine stages, results out."""
