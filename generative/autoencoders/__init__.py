"""Autoencoders: models that compress rows to latent vectors and decode these again."""
