"""Models that make: pictures, from what they have seen."""

MODELS: dict[str, tuple[str, str]] = {}
"""For each model's name on the command line, its class and what it is."""
