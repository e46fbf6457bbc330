"""Small environments of our own."""
