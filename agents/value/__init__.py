"""Agents that learn action values with networks."""
