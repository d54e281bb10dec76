"""The REST door of a gateway."""
