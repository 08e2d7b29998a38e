"""Data sets: generated, of scikit-learn, and the user's own tables."""
