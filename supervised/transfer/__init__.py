"""Encoders from other runs and from pretrained models."""
