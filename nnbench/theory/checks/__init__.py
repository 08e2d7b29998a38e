"""Checks of theory: each prediction measured, and the page that shows it."""
