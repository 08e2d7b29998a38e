"""A cell trained twice: in a stack of many, and as ordinary torch."""
