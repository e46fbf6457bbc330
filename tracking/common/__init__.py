"""Shared by all packages: errors, seeds, options, files, statistics."""
