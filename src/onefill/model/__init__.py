"""The domain, pure: what an order, a symbol, a quote, an account and an event are."""
