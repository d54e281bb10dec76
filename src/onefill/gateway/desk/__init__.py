"""The desk: what the gateway does with a decision, from its judgement to its outcome."""
