"""Decoders, discriminators and vector quantizers of generative models."""
