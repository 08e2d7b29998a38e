"""The page of a study of networks."""
