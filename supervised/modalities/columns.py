"""The names of a batch's input columns."""

IMAGE = "image"
"""Pixels, between 0 and 255."""
TABLE = "table"
"""Standardised numbers and one-hot categories."""
TOKENS, LENGTH = "tokens", "length"
"""The padded tokens of a text, and their number."""
