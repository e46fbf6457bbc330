"""Evaluation of trained generative models."""
