"""What holds for every test: no figure needs a screen, no clock decides, searches repeat."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports matplotlib; worker processes that a test starts inherit it.
os.environ.setdefault("MPLBACKEND", "Agg")
# Tests run in several processes at once: more threads in each would only wait for each other.
for library in ("OMP", "MKL", "OPENBLAS"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Tests started in the background inherit that Ctrl-C is ignored, and so would what they interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples are the same each time, so that a failure is about the change and not about luck; with
# `search`, as in `make test-all`, they are new ones, and ten times as many.
NO_CLOCK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeat", max_examples=100, derandomize=True, **NO_CLOCK)
settings.register_profile("search", max_examples=1000, print_blob=True, **NO_CLOCK)
settings.load_profile("repeat")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say how to repeat a search."""
    seed = config.getoption("--hypothesis-seed")
    return seed and f"a new random search: to repeat it, make test-all SEED={seed}"


@pytest.fixture
def none_stay() -> Iterator[None]:
    """No entry of one's own outlives its test."""
    from nnbench.catalog.own.entries import withdraw

    yield
    withdraw()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random choices of one test: the same each time, but for a search the seed's."""
    seed = request.config.getoption("--hypothesis-seed") or "0"
    return random.Random(f"{seed} {request.node.nodeid}")
