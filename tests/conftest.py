"""What holds for every test: figures need no screen, and generated examples have no clock."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# Before anything imports matplotlib; worker processes that a test starts inherit it.
os.environ.setdefault("MPLBACKEND", "Agg")
# Tests run in several processes at once: more threads in each would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests started in the background inherit that Ctrl-C is ignored, and so would what they interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A time limit per example would fail on a busy machine. In CI the examples are the same each time,
# so that a red build is about the change; on one's own machine they go on exploring.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
