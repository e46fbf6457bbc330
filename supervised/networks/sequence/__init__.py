"""Encoders with a recurrent state."""
