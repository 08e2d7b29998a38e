"""The figure of the docs, on a measurement made up for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import speed_figure


def measured(folder: Path, **changes: Any) -> Path:
    benchmarks = [
        {
            "fullname": f"speed[{way}-{networks}]",
            "extra_info": {
                "ratio": [0.9 * speed, speed, 1.1 * speed],
                "networks": networks,
                "way": way,
                **changes,
            },
        }
        for way, factor in (("mapped", 1.0), ("native", 3.0))
        for networks, speed in ((2, factor), (128, 8 * factor))
    ]
    path = folder / "measured.json"
    path.write_text(json.dumps({"benchmarks": benchmarks}), encoding="utf-8")
    return path


def test_every_turn_is_read_by_way_and_size(tmp_path: Path) -> None:
    found = speed_figure.read_ratios(measured(tmp_path))
    assert found["mapped"][128] == pytest.approx([7.2, 8.0, 8.8])
    assert found["native"][2] == pytest.approx([2.7, 3.0, 3.3])


def test_the_figure_is_written(tmp_path: Path) -> None:
    target = tmp_path / "speed.png"
    assert speed_figure.main([str(measured(tmp_path)), str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"benchmarks": []}'])
def test_no_measurement_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "measured.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert speed_figure.main([str(path), str(tmp_path / "speed.png")]) == 2
    assert "run make bench" in capsys.readouterr().err
    assert not (tmp_path / "speed.png").exists()
