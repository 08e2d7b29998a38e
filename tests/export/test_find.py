"""A cell found in tables of results, and what the command makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from nnbench.cli import reading
from nnbench.cli.ends import Exit, Failed
from nnbench.export.find import ExportError, find, folders_of_results, recipe_of
from nnbench.export.script import hints, script_of
from nnbench.results.disk import StoreError
from nnbench.results.files import write_files
from nnbench.results.rows import Rows
from nnbench.results.store import Store
from nnbench.study.study import Cell
from tests.command import nnbench
from tests.export.scripts import every_cell, found, one
from tests.export.test_export import SPREAD, cells_of_tables

pytestmark = pytest.mark.whole


def results_in(folder: Path, cells: list[Cell], rows: list[dict[str, Any]]) -> Path:
    store = Store(folder, "sources", lambda engine, cell_ids: True)
    store.commit(Rows(cells=rows))
    store.write_tables(cells)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Cell]]:
    """A folder of results with all kinds of columns; their numbers are made up."""
    out = tmp_path_factory.mktemp("results")
    cells = [*every_cell(out).values(), *(one(**grid) for grid in SPREAD.values())]
    cells = list({cell.cell_id: cell for cell in cells}.values())
    for kind in ("training", "landscape", "numerics"):
        chosen = [cell for cell in cells if cell.recipe.get("kind", "training") == kind]
        rows = [{"cell_id": one.cell_id, "status": "ok", "engine": "reference"} for one in chosen]
        results_in(out / kind, chosen, rows)
    return out, cells


def test_a_recipe_survives_the_table(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    rows = {
        row["cell_id"]: row
        for folder in folders_of_results(out)
        for row in pq.read_table(folder / "cells.parquet").to_pylist()
    }
    assert len(rows) == len(cells) > 200
    for cell in cells:
        wanted = {**cell.recipe}
        if "data.path" in wanted:  # tables name a file, not the folders above it
            wanted["data.path"] = Path(str(wanted["data.path"])).name
        mine = recipe_of(rows[cell.cell_id])
        assert mine == wanted
        assert [type(mine[key]) for key in wanted] == [type(value) for value in wanted.values()]


def test_a_cell_is_found_by_the_beginning_of_its_id(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    folders = folders_of_results(out)
    for cell in cells[::40]:
        hit = find(cell.cell_id[:12], folders)
        assert (hit.cell_id, hit.study, hit.is_sound) == (cell.cell_id, "test", True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("zzzz", 'there is no cell "zzzz" among'),
        ("", 'there is no cell "" among'),
        ("\x1b[31m", 'there is no cell "\\u001b'),
    ],
)
def test_an_unknown_cell_is_one_sentence(
    results: tuple[Path, list[Cell]], wanted: str, words: str
) -> None:
    with pytest.raises(ExportError) as caught:
        find(wanted, folders_of_results(results[0]))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_near_and_ambiguous_ids_name_candidates(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    folders, cell_id = folders_of_results(out), cells[0].cell_id
    with pytest.raises(ExportError, match=f'did you mean "{cell_id}"'):
        find(f"{cell_id[:-1]}z", folders)
    shared = sorted(cell.cell_id for cell in cells if cell.cell_id[0] == cell_id[0])
    with pytest.raises(ExportError, match=f'{len(shared)} cells begin with ".": {shared[0]}, '):
        find(cell_id[0], folders)


def test_without_results_the_sentence_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="create them with nnbench run STUDY"):
        find("0", folders_of_results(tmp_path))
    (tmp_path / "broken").mkdir()
    write_files(tmp_path / "broken", {"cells.parquet": b"no table"})
    (tmp_path / "broken" / "cells.parquet").write_text("another")
    with pytest.raises(StoreError, match=r"cells\.parquet does not match its checksum"):
        find("0", folders_of_results(tmp_path))


def test_a_table_older_than_a_field_is_sound(tmp_path: Path) -> None:
    cell = one()
    rows = [{"cell_id": cell.cell_id, "status": "ok", "engine": "reference"}]
    path = results_in(tmp_path / "test", [cell], rows) / "cells.parquet"
    table = pd.read_parquet(path)
    older = {key: value for key, value in cell.recipe.items() if key != "evaluation"}
    from nnbench.study.study import make_cell

    old_id = make_cell("test", older).cell_id
    older_table = table.drop(columns="evaluation").assign(cell_id=old_id)
    write_files(path.parent, {path.name: older_table.to_parquet()})
    assert find(old_id, [tmp_path / "test"]).is_sound
    write_files(path.parent, {path.name: table.assign(**{"optimizer.lr": 0.5}).to_parquet()})
    changed = find(cell.cell_id, [tmp_path / "test"])
    assert not changed.is_sound and changed.recipe["optimizer.lr"] == 0.5
    assert "is not the one its id was made from" in hints(changed)[0]
    write_files(path.parent, {path.name: table.assign(study='"""').to_parquet()})
    with pytest.raises(ExportError, match="is not a study name"):
        find(cell.cell_id, [tmp_path / "test"])


def test_a_crashed_cell_has_nothing_to_compare_with() -> None:
    crashed = found(one(), {"status": "crashed"})
    assert "EXPECTED = {}  # its run crashed" in script_of(crashed)
    assert "crashed" in hints(crashed)[0]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = list(cells_of_tables(tmp_path).values())[:2]
    rows = [{"cell_id": cell.cell_id, "status": "ok", "engine": "reference"} for cell in cells]
    folder = results_in(tmp_path / "results" / "test", cells, rows)
    monkeypatch.chdir(tmp_path)
    cell_id = cells[0].cell_id
    assert reading.export(cell_id[:8]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out == script_of(find(cell_id, [folder]))
    assert "python cell.py PATH" in printed.err
    reading.export(cell_id, place="test", out=tmp_path / "results")
    assert capsys.readouterr().out == printed.out
    with pytest.raises(Failed, match="create them with nnbench run STUDY"):
        reading.export(cell_id, place="other", out=tmp_path / "results")


def test_the_command_ends_with_2_on_a_mistake(tmp_path: Path) -> None:
    failed = nnbench("export", "zzzz", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith("nnbench: there are no results here to export from; ")


def test_a_script_is_written_without_torch(results: tuple[Path, list[Cell]]) -> None:
    out, cells = results
    code = (
        "import sys\nfrom nnbench.export.find import find, folders_of_results\n"
        "from nnbench.export.script import script_of\nfrom pathlib import Path\n"
        f"script_of(find({cells[0].cell_id!r}, folders_of_results(Path({str(out)!r}))))\n"
        "print(*[name for name in ('torch', 'sklearn') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr
