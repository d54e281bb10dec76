"""The journal among several processes, and its commands."""
