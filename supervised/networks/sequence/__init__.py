"""Encoders with memory."""
