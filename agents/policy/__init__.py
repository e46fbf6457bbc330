"""Agents that learn a policy by its gradient."""
