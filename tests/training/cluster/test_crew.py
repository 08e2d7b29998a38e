"""Whom a run waits for, and how long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nnbench.training.cluster import crew as crew_module
from nnbench.training.cluster.crew import Crew
from nnbench.training.time_limit import TimeLimitError


def test_no_worker_is_waited_for_beyond_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "TICK", 0.01)
    monkeypatch.setattr(crew_module, "likeness", dict)
    client = SimpleNamespace(loop=SimpleNamespace(add_callback=lambda *asked: None))
    told: list[int] = []
    crew = Crew(client, "tcp://here:1", on_count=told.append)
    crew.post("there", None, {})
    with pytest.raises(TimeLimitError, match=r"no worker of --cluster tcp://here:1 joined within"):
        crew.gather(seconds=0.05)
    assert told == [0] and crew.threads == 1
