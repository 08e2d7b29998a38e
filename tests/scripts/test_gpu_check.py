"""The GPU's table: what it says without one, and the work that it times."""

from __future__ import annotations

import pytest
import torch

from scripts.gpu_check import cells, main, per_step


def test_without_a_gpu_it_says_so_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main()
    assert capsys.readouterr().out == "gpu-check: no CUDA device here; nothing was measured.\n"


def test_time_is_of_a_network_and_a_step() -> None:
    chosen = cells(3, 32, 16, epochs=2)
    assert len({cell.cell_id for cell in chosen}) == 3
    steps = 2 * 34  # of 1,077 examples
    assert per_step(chosen, spent=3 * steps * 5e-6) == pytest.approx(5.0)
