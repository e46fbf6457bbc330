"""Decoders, discriminators and quantizers."""
