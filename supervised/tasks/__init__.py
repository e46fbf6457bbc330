"""Tasks: what can be fitted to data."""
