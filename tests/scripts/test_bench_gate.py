"""The gate on speed: what it lets pass, what it stops, and when it says that it cannot tell."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.bench_gate import FELL, UNTOLD, GateError, main, speed_of

TURNS = 25


def measured(
    folder: Path,
    native: float = 50.0,
    mapped: float = 7.0,
    noise: float = 0.05,
    control: float = 1.0,
    arithmetic: float = 3.0,
    seed: int = 0,
    **changes: object,
) -> Path:
    """A measurement whose turns scatter by so much."""
    generator = np.random.default_rng(seed)
    middles = {"native": native, "mapped": mapped, "control": control, "arithmetic": arithmetic}
    found = {
        name: (math.log(middle) + noise * generator.standard_normal(TURNS)).tolist()
        for name, middle in middles.items()
    }
    path = folder / f"measured-{seed}-{native}-{mapped}-{noise}-{control}-{arithmetic}.json"
    path.write_text(json.dumps({"processor": "one", "log_ratios": found} | changes))
    return path


@pytest.fixture
def accepted(tmp_path: Path) -> Path:
    path = tmp_path / "accepted.json"
    assert main(["accept", str(measured(tmp_path, seed=99)), str(path)]) == 0
    return path


def outcome(measurement: Path, accepted: Path) -> int:
    return main(["check", str(measurement), str(accepted)])


def test_the_same_speed_holds_and_a_slower_one_falls(tmp_path: Path, accepted: Path) -> None:
    same = [outcome(measured(tmp_path, seed=seed), accepted) for seed in range(30)]
    slower = [outcome(measured(tmp_path, 50 / 1.25, seed=seed), accepted) for seed in range(30)]
    assert same == [0] * 30 and slower == [FELL] * 30
    assert outcome(measured(tmp_path, 70.0), accepted) == 0, "faster is no fault"


def test_noise_is_said_and_no_alarm(
    tmp_path: Path, accepted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [outcome(measured(tmp_path, noise=0.5, seed=seed), accepted) for seed in range(30)]
    assert set(found) == {UNTOLD}
    assert "inconclusive: this machine is too noisy" in capsys.readouterr().out


def test_a_loop_that_is_unlike_itself_makes_it_inconclusive(tmp_path: Path, accepted: Path) -> None:
    assert outcome(measured(tmp_path, control=1.2), accepted) == UNTOLD
    assert main(["accept", str(measured(tmp_path, control=1.2)), str(tmp_path / "new")]) == 2


def test_a_core_that_is_shared_raises_no_alarm(tmp_path: Path, accepted: Path) -> None:
    # what a neighbour slows is all compiled code, the arithmetic too: or the loop, beside both
    slower = measured(tmp_path, native=40.0, mapped=6.2, arithmetic=2.4)
    faster = measured(tmp_path, native=60.0, mapped=7.6, arithmetic=3.6)
    assert outcome(slower, accepted) == outcome(faster, accepted) == 0
    assert outcome(measured(tmp_path, native=48.0, mapped=7.6, arithmetic=3.6), accepted) == FELL
    assert outcome(measured(tmp_path, mapped=5.6), accepted) == FELL


def test_what_is_accepted_and_not_measured_fell(tmp_path: Path, accepted: Path) -> None:
    document = json.loads(measured(tmp_path).read_text())
    del document["log_ratios"]["native"]
    path = tmp_path / "fewer.json"
    path.write_text(json.dumps(document))
    assert outcome(path, accepted) == FELL


def test_another_processor_is_not_compared(
    tmp_path: Path, accepted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(measured(tmp_path, processor="two"), accepted) == 2
    assert "accepted on one, measured on two: make bench-accept" in capsys.readouterr().err


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(2000):
        speed = speed_of((generator.standard_cauchy(TURNS) + 2.0).tolist())
        held += speed.low <= 2.0 <= speed.high
    assert 0.985 <= held / 2000 <= 0.999
    with pytest.raises(GateError, match="too few"):
        speed_of([0.0] * 5)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"log_ratios": {"native": [1.0]}}'])
def test_no_measurement_is_said_in_a_sentence(
    tmp_path: Path, accepted: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "none.json"
    if content is not None:
        path.write_text(content)
    assert outcome(path, accepted) == 2
    assert "run make bench-check" in capsys.readouterr().err


def test_accepted_speeds_that_are_not_whole_are_said_in_a_sentence(
    tmp_path: Path, accepted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = json.loads(accepted.read_text())
    without_times = {**whole, "times": {"native": 50.0}}
    for broken in ({**whole, "held": {"native": [1.0, 2.0]}}, without_times, {"speeds": {}}):
        accepted.write_text(json.dumps(broken))
        assert outcome(measured(tmp_path), accepted) == 2
        assert "make bench-accept writes them" in capsys.readouterr().err
