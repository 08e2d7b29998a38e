"""The index over all results: every study once, its answer, and never another's page lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nnbench.report.build import build_report
from nnbench.report.index import write_index
from nnbench.results.files import write_files, write_json
from tests.synthetic import make_cells, write_results


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    write_results(out / "one", make_cells(), title="Which & why?", question="<b>Really?</b>")
    build_report(out / "one")
    write_results(out / "a two", make_cells(seeds=[0]), title="Second")
    return out


@pytest.fixture
def out(built: Path, tmp_path: Path) -> Path:
    """Two studies, of which the first has a report."""
    return Path(shutil.copytree(built, tmp_path / "results"))


def test_it_lists_every_study_with_answer_counts_and_link(out: Path) -> None:
    path = write_index(out)
    assert path == out / "index.html"
    page = path.read_text(encoding="utf-8")
    assert '<a href="one/report.html">Which &amp; why?</a>' in page
    assert "&lt;b&gt;Really?&lt;/b&gt;" in page and "<b>" not in page
    assert "Activation matters most: tanh gains " in page
    assert "2 studies: 96 networks finished; 4 diverged." in page
    assert "2026-01-01" in page
    assert page.index("Second") < page.index("Which &amp; why?"), "by the folders' names"


@pytest.mark.whole
def test_a_study_without_a_report_has_no_link_but_the_command(out: Path) -> None:
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert "a two/report.html" not in page and "a%20two" not in page
    assert "run nnbench report a two." in page
    build_report(out / "a two")
    assert 'href="a%20two/report.html"' in (write_index(out) or out).read_text(encoding="utf-8")


def test_the_same_results_give_the_same_index(out: Path) -> None:
    first = (write_index(out) or out).read_bytes()
    assert (write_index(out) or out).read_bytes() == first
    assert not list(out.glob(".*.tmp"))


@pytest.mark.parametrize("broken", ["{", "[]", '{"study": 3, "counts": {}}', '{"counts": {}}', ""])
def test_a_folder_that_cannot_be_read_is_left_out(out: Path, broken: str) -> None:
    write_files(out / "one", {"provenance.json": broken.encode()})
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert "1 study: 24 networks finished" in page and "Which" not in page


def test_another_page_is_never_overwritten(out: Path) -> None:
    (out / "index.html").write_text("<title>My own</title>")
    assert write_index(out) is None
    assert (out / "index.html").read_text() == "<title>My own</title>"


def test_pages_beside_the_studies_are_linked_where_they_are(out: Path) -> None:
    assert "atlas/index.html" not in (write_index(out) or out).read_text(encoding="utf-8")
    (out / "atlas").mkdir()
    (out / "atlas/index.html").write_text("")
    (out / "claims.html").write_text("")
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert 'href="atlas/index.html"' in page and 'href="claims.html"' in page
    assert "theory/index.html" not in page


def test_a_damaged_provenance_is_left_out(out: Path) -> None:
    path = out / "one" / "provenance.json"
    path.write_text(path.read_text().replace("72", "27"))
    assert "1 study: 24 networks finished" in (write_index(out) or out).read_text(encoding="utf-8")


def test_a_study_that_has_not_run_whole_is_counted(out: Path) -> None:
    provenance = json.loads((out / "one/provenance.json").read_text())
    provenance["counts"]["missing"] = 7
    write_json(out / "one/provenance.json", provenance)
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert "<dt>not run</dt><dd>7</dd>" in page and "89 networks finished" in page
    (out / "one/report.html").unlink()
    assert "Unfinished: nnbench run" in (write_index(out) or out).read_text(encoding="utf-8")


def test_an_empty_folder_has_an_index_too(tmp_path: Path) -> None:
    page = (write_index(tmp_path) or tmp_path).read_text(encoding="utf-8")
    assert "0 studies: nothing finished" in page and "<table" not in page


def test_verdicts_are_counted(out: Path) -> None:
    verdicts = ["undecided", "supported", "supported"]
    text = "text,verdict\n" + "".join(f"a claim,{word}\n" for word in verdicts)
    (out / "one" / "claims.csv").write_text(text)
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert "2\N{NO-BREAK SPACE}supported, 1\N{NO-BREAK SPACE}undecided" in page


def test_studies_stand_under_their_topics_in_the_order_of_the_lecture(out: Path) -> None:
    for name in ("schedules", "activations"):
        write_results(out / name, make_cells(seeds=[0]), name=name, title=f"On {name}")
    page = (write_index(out) or out).read_text(encoding="utf-8")
    places = [
        page.index(f'<section id="{topic}">') for topic in ("activations", "schedules", "other")
    ]
    assert places == sorted(places)
    assert places[0] < page.index("On activations") < places[1] < page.index("On schedules")


def test_a_page_that_is_not_written_is_named_with_its_command(out: Path) -> None:
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert '<section id="more">' in page and "run nnbench lecture." in page
    (out / "lecture.html").write_text("")
    page = (write_index(out) or out).read_text(encoding="utf-8")
    assert "run nnbench lecture." not in page and 'href="lecture.html"' in page
