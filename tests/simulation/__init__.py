"""Seeded runs with faults, restarts and kills, every invariant checked."""
