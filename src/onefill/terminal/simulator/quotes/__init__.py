"""Quotes beside the one in force: a market that is made up, bars, the day so far, market depth."""
