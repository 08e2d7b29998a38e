"""A TOML file becomes a Study, and a Study becomes cells."""
