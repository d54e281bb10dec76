"""One order, nine stages: from an accepted intent to a proven outcome, and the drivers for it."""
