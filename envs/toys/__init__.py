"""Small environments that this package registers."""
