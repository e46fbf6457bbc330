"""Tasks: what can be learned from data."""
