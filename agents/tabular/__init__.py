"""Agents that keep a table of action values."""
