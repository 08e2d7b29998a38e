"""The table and the figure of peers, on a measurement made up for them, and what they all train."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nnbench.training.draws import split_for
from scripts import bench_peers, peers_figure
from scripts.bench_peers import Setting, by_number, peers_of, table
from scripts.roofline import Roofline

LIMITS = Roofline(1e9, {"16 KiB": 1e10})
US = {"loop": [300.0, 200.0], "native": [10.0, 20.0], "JAX, vmap": [30.0, 30.0]}


def row(width: int = 32, **us: list[float]) -> dict[str, object]:
    setting = Setting(width, 32, "adam", 4)
    return {**setting._asdict(), "operations": 15_000.0, "us": us or US}


def test_ratios_are_of_each_turn_and_the_limit_is_of_the_products() -> None:
    lines = table([row()], LIMITS)
    (native,) = (line for line in lines if "| native |" in line)
    assert native == "| 32, 32 | adam | native | 15.0 | 20 (10 to 30) | 1.0 |"


def test_a_peer_that_is_not_there_says_so() -> None:
    lines = table([row(loop=[300.0], native=[10.0])], LIMITS)
    assert "| 32, 32 | adam | JAX, vmap | JAX or optax is not there |  |  |" in lines


def test_without_jax_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_peers, "find_spec", lambda name: None)
    found = peers_of(Setting(8, 256, "momentum", 2), None, ("loop", "mapped", "JAX, vmap"))
    assert list(found) == ["loop", "mapped"]
    assert all(work() > 0 for work in found.values())


def test_all_train_the_same_steps() -> None:
    setting = Setting(8, 256, "adam", 2)
    assert setting.steps == split_for(setting.cells()[0].recipe).n_train // 256 == 4
    assert len({cell.cell_id for cell in setting.cells()}) == 2
    several = Setting(8, 256, "adam", 16, rates=8).cells()
    assert len({cell.cell_id for cell in several}) == 16
    assert len({cell.recipe["seed"] for cell in several}) == 2, "two networks of each rate"


def test_the_operations_are_those_of_the_products() -> None:
    setting = Setting(32, 32, "adam", 2)
    split = split_for(setting.cells()[0].recipe)
    weights = 64 * 32 + 2 * 32 * 32 + 32 * 10
    rows = sum(len(x) for x in split.x.values()) / setting.steps
    step = 3 * 32 * weights - 32 * 64 * 32  # nobody asks for the gradient of the data
    assert setting.operations == pytest.approx(2 * (step + rows * weights))


def test_the_cost_is_told_by_number() -> None:
    seconds = {"mapped": {"cold": 20.0, "warm": 18.0}, "native": {"cold": 2.125, "warm": 1.5}}
    lines = by_number([{"networks": 16, "seconds": seconds}, {"networks": 1024, "seconds": {}}])
    assert lines[0] == "| networks | mapped | native |"
    assert lines[2:] == ["| 16 | 20, 18 | 2.12, 1.5 |", "| 1,024 |  |  |"]


@pytest.mark.whole
def test_what_a_peer_prepares_counts_in_its_first_epoch() -> None:
    found = bench_peers.cold_and_warm(Setting(8, 256, "adam", 2), "native")
    assert found["cold"] > found["warm"] > 0, "no program of another run was found"


def test_the_figure_is_written(tmp_path: Path) -> None:
    path, target = tmp_path / "peers.json", tmp_path / "peers.png"
    path.write_text(json.dumps({"rows": [row(8), row(32), row(64)]}))
    assert peers_figure.main([str(path), str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert peers_figure.ratios(row())["JAX"] == pytest.approx([10.0, 20 / 3])


@pytest.mark.parametrize("content", [None, "{", "[]", '{"rows": []}'])
def test_no_measurement_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "peers.json"
    if content is not None:
        path.write_text(content)
    assert peers_figure.main([str(path), str(tmp_path / "peers.png")]) == 2
    assert "run make bench-peers" in capsys.readouterr().err
