"""Algorithms of Stable-Baselines3 and sb3-contrib as agents: they learn as they do there, with our record."""

from .algorithms import ALGORITHMS, sb3_agent

__all__ = ["ALGORITHMS", "sb3_agent"]
