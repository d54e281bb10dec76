"""MetaTrader 5's rules, written a second time: small, slow, exact, and knowing nothing of onefill.

Every number is a `Fraction`: prices in quote units, volumes in lots, money in account currency.
Times are milliseconds. Where MetaTrader's documents leave a choice, a comment says "choice:".
"""
