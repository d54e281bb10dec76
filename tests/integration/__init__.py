"""Several rooms together, in one process."""
