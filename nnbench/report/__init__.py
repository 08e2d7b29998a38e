"""The report of a study: one HTML file, readable anywhere; builds without torch."""
