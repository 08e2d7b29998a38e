"""docs/adding-an-entry.md, taken at its word: its blocks are pasted into a copy of the package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

PAGE = ROOT / "docs" / "adding-an-entry.md"
# Trains with the three new entries in both engines, exports a network, and draws the cards
DRIVER = """
import contextlib, io, json, runpy, sys, tomllib

from nnbench.atlas import build, listing
from nnbench.catalog import VOCABULARY
from nnbench.export.find import StoredCell
from nnbench.export.script import script_of
from nnbench.study.reading import make_study
from nnbench.training.reference.train import train_cell
from nnbench.training.stacked.train import train

grid = {
    "data": {"name": "rings", "n": 60},
    "activation": {"name": "isrlu", "alpha": [0.2, 1.0]},
    "optimizer": {"name": "signum", "lr": 0.01},
    "weight_decay": 0.1,
    "width": 5,
    "epochs": 3,
    "seeds": 1,
    "dtype": "float64",
}
cells = make_study({"name": "added", "grid": grid}, VOCABULARY).cells()
stacked = train(cells).cells
reference = [row for cell in cells for row in train_cell(cell).cells]
cell, row = cells[0], {key: one for key, one in reference[0].items() if one is not None}
with open("cell.py", "w") as script:
    script.write(script_of(StoredCell(cell.cell_id, "added", dict(cell.recipe), row, True)))
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    runpy.run_path("cell.py", run_name="__main__")
cards = {}
for kind, name in (("activation", "isrlu"), ("optimizer", "signum"), ("data", "rings")):
    section = build.section(kind, {name: listing.registries()[kind][name]})
    ((cards[name],),) = section.families.values()
print(json.dumps({
    "package": sys.modules["nnbench"].__file__,
    "losses": [[row["test_loss"] for row in rows] for rows in (stacked, reference)],
    "statuses": [row["status"] for row in stacked],
    "script": script_of(StoredCell(cell.cell_id, "added", dict(cell.recipe), row, True)),
    "printed": printed.getvalue(),
    "pictures": {name: str(card.svg) for name, card in cards.items()},
    "links": {name: [part.address for part in card.reference] for name, card in cards.items()},
    "twins": {name: "".join(part.text for part in card.twin) for name, card in cards.items()},
}))
"""


def blocks() -> list[tuple[str, str]]:
    """Return each block of the page with the file that was last named before it."""
    pieces = re.split(r"```python\n(.*?)```\n", PAGE.read_text(), flags=re.DOTALL)
    found, file = [], ""
    for prose, block in zip(pieces[::2], pieces[1::2], strict=False):
        file = [file, *re.findall(r"`(nnbench/[\w/]+\.py)`", prose)][-1]
        found.append((file, block))
    return found


def pasted(text: str, block: str) -> str:
    """Return a file with a block where the page says: an entry at its foot, the rest before."""
    if block.startswith("    "):
        assert text.endswith("\n}\n")
        return text.removesuffix("}\n") + block + "}\n"
    entries = re.search(r"^[A-Z_]+: dict\[str, \w+\] = {$", text, re.MULTILINE)
    place = len(text) if entries is None else entries.start()
    return f"{text[:place]}\n\n{block}\n\n{text[place:]}"


pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the driver prints, in a copy of the package that the blocks were pasted into."""
    copy = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "nnbench", copy / "nnbench", ignore=ignored)
    for file, block in blocks():
        path = copy / file
        path.write_text(pasted(path.read_text(), block))
    command, place = [sys.executable, "-c", DRIVER], {"PYTHONPATH": str(copy)}
    ended = subprocess.run(
        command, cwd=copy, capture_output=True, text=True, env={**os.environ, **place}
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    said: dict[str, Any] = json.loads(ended.stdout)
    assert Path(said["package"]).is_relative_to(copy)
    return said


def test_the_page_shows_an_activation_an_optimizer_and_a_data_set() -> None:
    entries = [re.match(r'    "(\w+)": (\w+)\(', block) for _, block in blocks()]
    assert [entry.groups() for entry in entries if entry] == [
        ("isrlu", "Activation"),
        ("signum", "Optimizer"),
        ("rings", "Data"),
    ]
    assert len({file for file, _ in blocks()}) == 6


def test_new_entries_train_alike_in_both_engines(said: dict[str, Any]) -> None:
    mine, theirs = said["losses"]
    assert mine == pytest.approx(theirs, rel=1e-9) and mine[0] != pytest.approx(mine[1], rel=1e-3)
    assert said["statuses"] == ["ok", "ok"]


def test_a_network_with_new_entries_is_exported(said: dict[str, Any]) -> None:
    for written in ("class Isrlu(nn.Module):", "class Signum(Rule):", "def rings(generator"):
        assert said["script"].count(written) == 1
    assert "nnbench" not in said["script"].partition("# ----")[2]
    assert said["printed"].endswith("# as in the table, within the tolerance\n")


def test_new_entries_have_cards(said: dict[str, Any]) -> None:
    for picture in said["pictures"].values():
        assert picture.startswith("<svg") and "<path" in picture
    assert "https://arxiv.org/abs/1710.09967" in said["links"]["isrlu"]
    assert said["twins"]["signum"] == "nnbench.catalog.optimizers.twins.Signum"
