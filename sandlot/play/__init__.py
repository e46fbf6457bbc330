"""Serve a page to watch an agent live, and to play with it or against it."""
