"""Agents that learn a deterministic or squashed Gaussian policy for continuous actions."""
