"""Of two equal arms, the one that lost its worst networks must not look better for it."""

from __future__ import annotations

import pytest

from nnbench.stats import contrasts
from tests.stats.simulated import survivors_claim


@pytest.mark.whole
def test_losing_the_worst_makes_no_arm_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrasts, "RESAMPLES", 300)
    assert survivors_claim(0.3, 80) <= 0.05
    monkeypatch.setattr(contrasts, "held_p", lambda effect, p, *rest: p)
    assert survivors_claim(0.3, 80) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.3, 0.5])
def test_losing_the_worst_makes_no_arm_better_in_many_more_studies(share: float) -> None:
    assert survivors_claim(share, 400) <= 0.072  # by two standard errors
