"""Waiting for what another process does: for as long as it takes, unless it hangs."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG = 900.0  # seconds: a limit that ends a hang, and that no busy machine comes near


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; AssertionError says `what` never came to be."""
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, f"it hangs: {what}"
        time.sleep(0.01)
