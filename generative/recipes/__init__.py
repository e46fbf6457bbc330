"""Tuned hyperparameters: a TOML file a model, a table a data set."""
