"""What every page shares: its parts, numbers, words, style and template."""
