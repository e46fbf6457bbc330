"""Measures and plots of generative models."""
