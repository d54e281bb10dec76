"""Pre-trade controls: the only place that can approve an intent."""
