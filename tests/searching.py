"""How many examples a random search takes."""

from __future__ import annotations

from hypothesis import settings


def examples(count: int) -> settings:
    """So many examples, for a test whose examples are slow; a search takes ten times as many."""
    return settings(max_examples=count * settings().max_examples // 100)
