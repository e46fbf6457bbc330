"""What the columns of a batch are called."""

IMAGE = "image"
"""Pixels, between 0 and 255."""
TABLE = "table"
"""Numbers, scaled, and categories as ones and zeros."""
TOKENS, LENGTH = "tokens", "length"
"""Tokens of a text, padded, and how many there are."""
