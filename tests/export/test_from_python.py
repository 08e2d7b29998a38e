"""A script from Python: the command's own text in a file, and its sentences as exceptions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import nnbench as nb
from nnbench.catalog.own.entries import register, withdraw
from nnbench.export.find import find
from nnbench.export.script import script_of
from tests.helpers import make_cells
from tests.synthetic import write_results


def test_a_result_writes_the_script_of_a_cell(tmp_path: Path) -> None:
    schedule = {"name": "onecycle", "cycle_momentum": [False, True]}
    cells = make_cells(schedule=schedule, seeds=1)
    rows = [
        {**cell.recipe, "cell_id": cell.cell_id, "study": cell.study, "status": status}
        for cell, status in zip(cells, ("ok", "crashed"), strict=True)
    ]
    frame = pd.DataFrame(rows).assign(engine="reference", test_accuracy=0.5)
    result = nb.load(
        write_results(tmp_path / "results", frame, kind="training", factors={"schedule": []})
    )
    well, crashed = (find(cell.cell_id, [result.folder]) for cell in cells)
    assert well.is_sound and crashed.is_sound, "what is usual is no part of an id"
    path = result.export(well.cell_id[:12], tmp_path / "new" / "cell.py")
    assert path.read_text() == script_of(well) and "cycle_momentum=False" in path.read_text()
    with pytest.warns(UserWarning, match="crashed: there are no numbers to compare with"):
        assert "cycle_momentum=True" in result.export(crashed.cell_id, path).read_text()
    with pytest.raises(nb.ExportError, match='no cell "zz" among 2'):
        result.export("zz", tmp_path / "none.py")
    with pytest.raises(nb.ExportError, match="not a table of your own"):
        result.export(well.cell_id, tmp_path / "none.py", predict="table.csv")
    with pytest.raises(nb.ReportError, match="no scikit-learn models"):
        result.export("best", tmp_path / "none.py")
    assert not (tmp_path / "none.py").exists()


def root(power: float) -> nb.Entries:
    return nb.Entries(activations={"root": nb.Activation(lambda x: x.clamp_min(0) ** power)})


@pytest.mark.usefixtures("none_stay")
def test_an_entry_of_ones_own_must_be_as_it_was(tmp_path: Path) -> None:
    register(root(0.5))
    (cell,) = make_cells(activation="root", seeds=1)
    row = {**cell.recipe, "cell_id": cell.cell_id, "study": cell.study, "status": "ok"}
    frame = pd.DataFrame([row]).assign(engine="reference", test_accuracy=0.5)
    result = nb.load(write_results(tmp_path / "results", frame, kind="training"))
    assert find(cell.cell_id, [result.folder]).is_sound
    assert "** power" in result.export(cell.cell_id, tmp_path / "cell.py").read_text()
    with pytest.raises(nb.ExportError, match=r"trained with different code of activation\.root"):
        result.export(cell.cell_id, tmp_path / "cell.py", entries=root(0.25))
    withdraw()
    with pytest.raises(nb.ExportError, match=r"uses your own activation\.root"):
        result.export(cell.cell_id, tmp_path / "cell.py")
