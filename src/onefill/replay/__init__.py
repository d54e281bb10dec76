"""Ticks and orders from files, through the engine: what `onefill run` does."""
