"""Hostile text in every place that a user or a file can fill, in a real browser: it stays text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.pipeline import tables_of
from nnbench.report.build import build_report
from nnbench.report.index import write_index
from nnbench.results.files import write_files, write_json
from nnbench.study.reading import make_study
from tests.browser.conftest import Browser
from tests.synthetic import FACTORS, make_cells, write_results

pytestmark = [pytest.mark.browser, pytest.mark.whole]

PAYLOADS = (
    "<script>window.struck = 1</script>",
    '"><img src=x onerror=window.struck=2>',
    "'><svg onload=window.struck=3>",
    "</title></style></script><script>window.struck = 4</script>",
    "javascript:window.struck=5",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<!--<script>window.struck=6//",
    "&lt;img src=x onerror=window.struck=7&gt;",
    "$x_{1}^2$ \\frac{a}{b} % # & _ ~",
    "\N{PILE OF POO}\u202e right to left \u0301\u200b",
)
PLACES = (
    *("title", "question", "prediction", "level", "other level", "data set", "claim"),
    *("rule", "file", "entries", "version", "target"),
)
# What a page has that none of its own text may add to: scripts, handlers, addresses elsewhere.
COUNTED = """
const all = [...document.querySelectorAll("*")];
return {
  scripts: document.querySelectorAll("script").length,
  frames: document.querySelectorAll("img, iframe, object, embed, base, form").length,
  handlers: all.filter((one) => [...one.attributes].some((a) => /^on/i.test(a.name))).length,
  addresses: all.filter((one) => ["href", "src", "action", "xlink:href"].some(
    (name) => /^\\s*(javascript|vbscript|data:text)/i.test(one.getAttribute(name) || ""))).length,
  drawings: document.querySelectorAll("figure svg").length,
  struck: window.struck === undefined ? 0 : window.struck,
};
"""


def of_table(folder: Path, text: str) -> list[dict[str, Any]]:
    """What is told of a table whose column, target and classes have this text in their names."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    content = pd.DataFrame({f"column {text}": chance.normal(size=60), "other": chance.random(60)})
    content[f"target {text}"] = [f"class {text}", "plain"] * 30
    content.to_parquet(folder / "my.parquet")
    data = {"parquet": str(folder / "my.parquet"), "target": f"target {text}"}
    return tables_of(make_study({"name": "t", "grid": {"data": data}}, VOCABULARY).cells())


def report_with(folder: Path, text: str) -> Path:
    """A report with this text in every place, its name before it."""
    cells = make_cells()
    cells["activation"] = cells["activation"].replace("tanh", f"level {text}")
    cells["data"] = cells["data"].replace("spirals", f"data set {text}")
    cells["init"] = cells["init"].replace("xavier_normal", f"other level {text}")
    levels = [f"level {text}" if one == "tanh" else one for one in FACTORS["activation"]]
    named = {name: f"{name} {text}" for name in ("title", "question", "prediction")}
    cells["optimizer"] = cells["optimizer"].replace("sgd", f"rule {text}")
    claim = {"text": f"claim {text}"}
    factors = FACTORS | {
        "activation": levels,
        "init": ["he_normal", f"other level {text}"],
        "optimizer": ["adam", f"rule {text}"],
        "data": ["digits", f"data set {text}"],
    }
    write_results(folder, cells, factors=factors, claims=[claim], **named)
    known = json.loads((folder / "provenance.json").read_text())
    known |= {"file": f"file {text}", "entry_files": [f"entries {text}"]}
    known["versions"]["torch"] = f"version {text}"
    known["tables"] = of_table(folder.parent / "table", text)
    write_json(folder / "provenance.json", known)
    numbers = {"effect": 0.1, "low": -0.1, "high": 0.3, "n_ok": 9, "n": 9, "course": None}
    row = {**claim, **numbers, "verdict": "undecided", "sentence": f"Undecided: {text}"}
    write_files(folder, {"claims.csv": pd.DataFrame([row]).to_csv(index=False).encode()})
    path = build_report(folder).path
    write_index(folder.parent)
    return path


@pytest.fixture(scope="module")
def calm(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, int]]:
    """What the same pages count where the text is harmless."""
    path = report_with(tmp_path_factory.mktemp("calm") / "study", "plain words")
    return [counted(browser, page) for page in pages(path)]


def pages(report: Path) -> list[Path]:
    return [report, report.parent.parent / "index.html"]


def counted(browser: Browser, page: Path) -> dict[str, int]:
    browser.open(page)
    found: dict[str, int] = browser.run(COUNTED)
    return found


@pytest.mark.parametrize(
    "payload",
    [
        text if place == 1 else pytest.param(text, marks=pytest.mark.slow)
        for place, text in enumerate(PAYLOADS)
    ],
    ids=range(len(PAYLOADS)),
)
def test_it_stays_text_wherever_it_stands(
    browser: Browser, calm: list[dict[str, int]], tmp_path: Path, payload: str
) -> None:
    report = report_with(tmp_path / "study", payload)
    for page, expected in zip(pages(report), calm, strict=True):
        assert counted(browser, page) == expected
        assert browser.requests() == [page.resolve().as_uri()]
        assert browser.complaints() == []
    browser.open(report)
    text = browser.run("return document.documentElement.textContent")
    # by its first sign: a shell's command, where a name stands, quotes what follows
    assert [place for place in PLACES if f"{place} {payload[:1]}" not in text] == []
    assert f"title {payload}" in text


def test_the_counts_would_tell(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<a href='{PAYLOADS[4]}'>go</a><p>{''.join(PAYLOADS)}</p>")
    found = counted(browser, page)
    assert found["struck"] and found["scripts"] and found["handlers"] and found["addresses"]
