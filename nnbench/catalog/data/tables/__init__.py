"""The user's own tables: files, columns and targets, read into numbers."""
