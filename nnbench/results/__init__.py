"""What is on disk: parts, tables, checksums, and where a result comes from."""
