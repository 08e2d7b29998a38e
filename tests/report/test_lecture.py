"""The page of the lecture: topics in order, figures of what ran, commands of what did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnbench.report.build import page_of
from nnbench.report.claims.table import write_claims
from nnbench.report.lecture import lecture_page, write_lecture
from nnbench.report.page.parts import Commands
from nnbench.results.read import read_results
from nnbench.study.topics import TOPICS
from tests.synthetic import make_cells, write_results


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    claim = {
        "text": "Sigmoid is best",
        "metric": "test_accuracy",
        "where": {},
        "better": {"activation": "sigmoid"},
        "than": {"activation": "relu"},
    }
    head = {"name": "dropout", "title": "On dropout?", "claims": [claim]}
    write_claims(write_results(out / "dropout", make_cells(), **head))
    return out


@pytest.mark.whole
def test_topics_stand_in_the_order_of_the_course(out: Path) -> None:
    page = lecture_page(out)
    titles = [section.title for section in page.sections]
    assert titles == [topic.title for topic in TOPICS]
    assert titles[:4] == [
        "Activations", "Backpropagation", "Vanishing and exploding gradients", "Losses",
    ]  # fmt: skip


@pytest.mark.whole
def test_a_finished_study_gives_its_figure_and_its_verdicts(out: Path) -> None:
    page = lecture_page(out)
    shown = [picture for picture in page.pictures if picture.name == "dropout-lead"]
    assert len(shown) == 1 and shown[0].link == "dropout/report.html"
    text = write_lecture(out).read_text(encoding="utf-8")
    assert "Sigmoid is best" in text and "contradicted" in text and "On dropout?" in text
    assert write_lecture(out).read_text(encoding="utf-8") == text


@pytest.mark.whole
def test_every_other_study_is_named_by_its_command(out: Path) -> None:
    lines = [
        line
        for section in lecture_page(out).sections
        for part in section.parts
        if isinstance(part, Commands)
        for line in part.lines
    ]
    every = {study for topic in TOPICS for study in topic.studies}
    assert set(lines) == {f"make study-{study}" for study in every - {"dropout"}}


def test_a_study_that_cannot_be_read_is_passed_over(out: Path, tmp_path: Path) -> None:
    (tmp_path / "dropout").mkdir()
    (tmp_path / "dropout" / "provenance.json").write_text("{")
    assert "dropout-lead" not in [picture.name for picture in lecture_page(tmp_path).pictures]


@pytest.mark.whole
def test_a_lecture_draws_of_a_study_what_it_shows_and_says_the_same(tmp_path: Path) -> None:
    results = read_results(write_results(tmp_path, make_cells(), name="activations"))
    whole, opening = page_of(results), page_of(results, whole=False)
    assert opening.answer == whole.answer and len(opening.pictures) == 1 < len(whole.pictures)
    assert opening.pictures[0].svg == whole.pictures[0].svg
