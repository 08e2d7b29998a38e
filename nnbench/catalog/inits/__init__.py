"""Initialisations: rules that fill a weight matrix, and their twins in torch."""
