"""Optimizers: rules of one parameter with explicit state, and their twins in torch."""
