"""Activations: what they compute, what is known of them, and their twins in torch."""
