"""The atlas: a page with a picture of everything that a study file can name."""
