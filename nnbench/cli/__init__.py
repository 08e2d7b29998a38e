"""The command line: commands, how they end, progress, listings."""
