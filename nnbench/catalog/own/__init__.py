"""Entries of one's own: from a file or a notebook, without touching the package."""
