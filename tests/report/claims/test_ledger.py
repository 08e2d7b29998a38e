"""Verdicts in words, claims.csv, the ledger of all claims, and their commands."""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nnbench.report.claims.course import COURSE
from nnbench.report.claims.ledger import MIXED, NOT_RUN, LedgerClaim, gather, ledger_page, together
from nnbench.report.claims.section import claims_section, most_telling, surprise
from nnbench.report.claims.sentences import sentence_of
from nnbench.report.claims.table import (
    COLUMNS,
    Judged,
    claims_table,
    read_claims,
    write_claims,
)
from nnbench.report.page.parts import Table
from nnbench.results.files import write_files
from nnbench.results.read import ReportError, read_results
from nnbench.results.store import verify
from nnbench.stats.claims import Verdict
from nnbench.study.study_kinds import NUMERICS, STUDY_KINDS, TRAINING
from tests.command import nnbench
from tests.places import STUDIES
from tests.stats.claims.claim_cells import (
    around,
    better,
    judge,
    same,
    study,
    two_arms,
    write_results,
)

HOSTILE = "<script>alert('x')</script> & \"quotes\", commas\nand lines"


# Sentences ----------------------------------------------------------------------------------------


def said(claim: Mapping[str, Any], cells: pd.DataFrame) -> str:
    return sentence_of(judge(claim, cells, study()), claim)


def test_a_clear_difference_is_said_with_size_interval_and_count() -> None:
    sentence = said(better(), two_arms(around(0.05)))
    pattern = (
        r"Supported: test accuracy is higher by 5\.\d points with tanh than with relu "
        r"\(95 % CI 4\.\d to 5\.\d; 10 pairs in 10 blocks\)\."
    )
    assert re.fullmatch(pattern, sentence), sentence
    worse = said(better(), two_arms(around(-0.05)))
    assert worse.startswith("Contradicted: test accuracy is lower by 5.0 points")
    assert "95 % CI 4." in worse and "−" not in worse


def test_of_a_loss_the_words_turn_round() -> None:
    sentence = said(better(metric="test_loss"), two_arms(around(0.05)))
    assert "test loss is lower by 0.05" in sentence and "with tanh than with relu" in sentence


@pytest.mark.parametrize("mean", [0.004, -0.004, 0.0001])
def test_nothing_is_higher_or_lower_where_the_interval_spans_zero(mean: float) -> None:
    for claim in (better(), better(metric="test_loss"), same(0.5), better(by=0.2)):
        sentence = said(claim, two_arms(around(mean)))
        assert not re.search("higher|lower|better|worse", sentence), sentence
        size = r"[+−]\S+( points)? \(95 % CI −\S+ to \d\S+; 10 pairs in 10 blocks\)"
        assert re.search(size, sentence), sentence


def test_a_sentence_says_what_was_claimed_and_what_would_decide() -> None:
    assert "; claimed: at least 2 points." in said(better(by=0.02), two_arms(around(0.05)))
    assert "; claimed: at least 20 points." in said(better(by=0.2), two_arms(around(0.05)))
    within = "claimed: within 2 points of each other"
    assert f"{within}." in said(same(0.02), two_arms(around(0.0)))
    assert f"{within}." in said(same(0.02), two_arms(around(0.06)))
    assert f"{within}, which the interval leaves open" in said(same(0.02), two_arms(around(0.02)))
    one = said(same(0.01), two_arms(around(0.01)))
    assert "within 1 point of each other, which the interval leaves open" in one


def test_seeds_that_would_decide_are_said_where_somebody_would_run_them() -> None:
    claim, undecided = better(), judge(better(), two_arms(around(0.006)), study())
    assert undecided.seeds_needed is not None and undecided.seeds_needed < 100
    told = sentence_of(undecided, claim, "nnbench run one")
    seeds = undecided.seeds_needed
    assert told.endswith(f"about {seeds} seeds would decide: nnbench run one --seeds {seeds}.")
    for needed, words in ((100, "over 100"), (2141, "over 1,000")):
        many = sentence_of(replace(undecided, seeds_needed=needed), claim, "nnbench run one")
        assert many.endswith(f"deciding a difference this small would take {words} seeds.")


def test_a_factor_per_layer_is_said_as_that_factor() -> None:
    found = Verdict(
        "text", "supported", "gradient_drift", 0.625, 0.619, 0.629, 5, 5, by=0.301, blocks=5
    )
    assert sentence_of(found, better()) == (
        "Supported: the gradient drifts 4.22 times less per layer with tanh than with relu "
        "(95 % CI 4.16 to 4.26; 5 pairs in 5 blocks); claimed: at least 2 times per layer."
    )
    open_one = replace(found, verdict="undecided", low=-0.1, high=1.35, by=0.0)
    said = sentence_of(open_one, better())
    assert "drifts 0.24 times as much per layer with tanh as with relu (95 % CI 0.04 to" in said
    small = replace(found, effect=0.001, low=0.0008, high=0.0012, by=0.01)
    told = sentence_of(small, better())
    assert "drifts 1.002 times less per layer" in told and "95 % CI 1.002 to 1.003;" in told
    assert told.endswith("claimed: at least 1.02 times per layer.")
    unclear = replace(small, verdict="undecided", low=-0.002, high=0.0055, by=0.0)
    assert "and one beyond 1.01 times per layer is unlikely" in sentence_of(unclear, better())
    large = replace(found, by=2.08)
    assert sentence_of(large, better()).endswith("claimed: at least 120 times per layer.")
    equal = replace(found, effect=0.0, low=0.0, high=0.0, by=0.0, margin=0.01)
    assert "no difference" in sentence_of(equal, better(margin=0.01))
    assert "(95 % CI 1.00 to 1.00;" in sentence_of(equal, better(margin=0.01))


@pytest.mark.whole
def test_no_sentence_speaks_in_fractions_of_an_accuracy() -> None:
    for claim in (better(), better(by=0.02), same(0.02), better(margin=0.02)):
        for mean in (0.05, 0.004, -0.05):
            for word in said(claim, two_arms(around(mean))).split():
                assert not word.startswith("0.0"), word


def test_an_interval_that_excludes_zero_is_never_printed_as_reaching_it() -> None:
    found = Verdict("text", "supported", "test_loss", 2.4e-4, 1e-8, 5e-4, 5, 5)
    sentence = sentence_of(found, better())
    assert "lower by 0.000240 with tanh than with relu (95 % CI 1.00·10⁻⁸ to" in sentence
    wide = Verdict("text", "supported", "test_loss", 0.17, 0.004, 0.31, 5, 5)
    assert "lower by 0.170 with" in (told := sentence_of(wide, better())) and "0.004 to" in told


def test_without_a_difference_only_the_reason_is_said() -> None:
    sentence = said(better(), two_arms([None] * 6))
    assert sentence == (
        "Contradicted: of 6 pairs, tanh diverged in 6, and no pair finished: divergence decides; "
        "relu reached a test accuracy of 80 %."
    )
    tied = said(same(0.01), two_arms([0.0] * 8))
    assert "no difference in test accuracy between tanh and relu" in tied


def test_what_was_not_as_predicted_stands_beside_the_finding() -> None:
    words = ("supported", "undecided", "contradicted", "supported", "contradicted")
    claims = [Judged(word, f"claim {n}", f"ReLU {n}.", "", "") for n, word in enumerate(words)]
    assert [one.text for one in most_telling(claims)] == [
        f"claim {n}" for n in (2, 4, 1, 0, 3)
    ]  # contradicted before undecided before supported, else in the file's order
    assert surprise(claims[:2]) == ""
    assert surprise(claims[1:]) == surprise(claims[2:]) == "Not as predicted: ReLU 2."
    assert surprise([claims[0], claims[3], *claims[1:3]]) == "", "a side issue does not lead"
    longer = [Judged("contradicted", "claim", "Test accuracy is so.", "", "")]
    assert surprise(longer) == "Not as predicted: test accuracy is so."


# claims.csv ---------------------------------------------------------------------------------------


def test_the_table_has_its_columns_and_a_row_a_claim(tmp_path: Path) -> None:
    claims = [better(HOSTILE, course=3), same(0.02), better("none", metric="test_r2")]
    folder = write_results(tmp_path / "one", two_arms(around(0.05)), claims=claims)
    written = write_claims(folder)
    read = pd.read_csv(folder / "claims.csv")
    assert list(read.columns) == list(COLUMNS) == list(written.columns)
    assert list(read.columns[:7]) == ["text", "effect", "low", "high", "n_ok", "n", "verdict"]
    assert read["text"].tolist() == [HOSTILE, "Tanh beats ReLU", "none"]
    assert read["verdict"].tolist() == ["supported", "contradicted", "undecided"]
    assert read["course"].tolist()[0] == 3 and read["course"].isna().sum() == 2
    assert read["effect"].isna().tolist() == [False, False, True]
    first = read.iloc[0]
    assert first["low"] < first["effect"] < first["high"] and (first["n_ok"], first["n"]) == (
        10,
        10,
    )


def test_what_a_paper_says_stands_beside_what_is_measured(tmp_path: Path) -> None:
    claims = [better("One", published="it <always> does"), better("Two")]
    folder = write_results(tmp_path / "one", two_arms(around(0.05)), claims=claims)
    assert write_claims(folder)["published"].tolist() == ["it <always> does", ""]
    section = claims_section(read_claims(read_results(folder)), STUDY_KINDS[TRAINING])
    assert section is not None
    table = section.parts[-1]
    assert isinstance(table, Table)
    place = [column.name for column in table.columns].index("the paper says")
    assert [row[place] for row in table.rows] == ["it <always> does", "–"]
    plain = claims_section(read_claims(read_results(folder))[1:], STUDY_KINDS[NUMERICS])
    assert plain is not None and "the paper says" not in str(plain)
    assert "A block is one data set and seed" in str(section)
    assert "Nothing here is random" in str(plain) and "A block is" not in str(plain)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    claims = [better(), same(0.02)]
    cells = two_arms(around(0.003))
    first = write_results(tmp_path / "a" / "one", cells, claims=claims)
    shuffled = cells.sample(frac=1, random_state=0)
    second = write_results(tmp_path / "b" / "one", shuffled, claims=claims)
    for folder in (first, second):
        write_claims(folder)
    assert (first / "claims.csv").read_bytes() == (second / "claims.csv").read_bytes()


def test_a_study_without_claims_gets_no_file_and_an_old_one_is_emptied(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "one", two_arms(around(0.05)))
    write_claims(folder)
    assert not (folder / "claims.csv").exists()
    write_files(folder, {"claims.csv": b"left by an earlier study file"})
    write_claims(folder)
    assert (folder / "claims.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_the_file_is_noted_among_the_checksums(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "one", two_arms(around(0.05)), claims=[better()])
    write_claims(folder)
    assert verify(folder) == []
    (folder / "claims.csv").write_text("tampered")
    assert any("claims.csv" in damage for damage in verify(folder))


def test_results_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cells\.parquet is missing"):
        write_claims(tmp_path)


# The ledger ---------------------------------------------------------------------------------------


def test_the_course_has_its_claims_and_studies_point_at_them() -> None:
    assert list(COURSE) == list(range(1, 26))
    tested = set()
    for path in STUDIES:
        claims = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
        texts = [claim["text"] for claim in claims]
        assert len(set(texts)) == len(texts), f"{path.name}: two claims with one text"
        numbers = {claim["course"] for claim in claims if "course" in claim}
        assert numbers <= set(COURSE), path.name
        tested |= numbers
    assert len(tested) >= 21


def claimed(word: str | None) -> LedgerClaim:
    verdict = word and Verdict("text", word, "test_accuracy")
    return LedgerClaim("study", "text", 1, verdict or None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], NOT_RUN),
        ([None], NOT_RUN),
        (["supported", "supported"], "supported"),
        (["supported", None], "supported"),
        (["contradicted"], "contradicted"),
        (["undecided", "undecided"], "undecided"),
        (["supported", "contradicted"], MIXED),
        (["supported", "undecided"], MIXED),
    ],
)
def test_tests_of_one_claim_are_summed_up(words: list[str | None], expected: str) -> None:
    assert together(map(claimed, words)) == expected


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Two finished studies, a damaged one, and study files of which one has not run."""
    claims = [better("Tanh wins", course=3), better(HOSTILE), same(0.001, text="They are alike")]
    out = tmp_path / "results"
    (write_results(out / "one", two_arms(around(0.05)), claims=claims) / "report.html").touch()
    write_results(out / "two", two_arms(around(-0.05)), claims=[better("Tanh trails", course=8)])
    (write_results(out / "three", two_arms(around(0.0))) / "cells.parquet").write_bytes(b"no table")
    studies = tmp_path / "studies"
    studies.mkdir()
    (studies / "one.toml").write_text('name = "one"\n[[claim]]\ntext = "Tanh wins"\ncourse = 4\n')
    (studies / "four.toml").write_text('name = "four"\n[[claim]]\ntext = "Later"\ncourse = 25\n')
    (studies / "broken.toml").write_text("[[claim]\n")
    return tmp_path


def test_finished_studies_are_judged_and_others_stand_as_not_run(finished: Path) -> None:
    ledger = gather(finished / "results", finished / "studies")
    found = {(one.study, one.text): (one.course, one.word) for one in ledger.claims}
    assert found == {
        ("four", "Later"): (25, NOT_RUN),
        ("one", "Tanh wins"): (4, "supported"),  # the study file says so by now
        ("one", HOSTILE): (None, "supported"),
        ("one", "They are alike"): (None, "contradicted"),
        ("two", "Tanh trails"): (8, "contradicted"),
    }
    assert ledger.unreadable == ["three"]
    words = ledger.course_words()
    assert (words[4], words[8], words[3], words[25]) == (
        "supported",
        "contradicted",
        NOT_RUN,
        NOT_RUN,
    )


def test_the_page_has_every_claim_of_the_course_and_its_evidence(finished: Path) -> None:
    page = ledger_page(gather(finished / "results", finished / "studies"))
    places = [
        page.index(html.escape(text, quote=False).replace("'", "&#39;")) for text in COURSE.values()
    ]
    assert places == sorted(places)
    assert 'href="one/report.html#claims"' in page and 'href="two/report.html' not in page
    assert "make study-four" in page
    assert re.search(
        r'<td role="cell" class="number">\+5\.0 points <span class="quiet">\[4\.', page
    )
    assert page.count(">10 pairs in 10 blocks<") == 4
    assert "<script" not in page and "&lt;script&gt;" in page
    for word, mark in (("supported", "▲"), ("contradicted", "▼")):
        assert f'<span aria-hidden="true">{mark}</span> {word}' in page
    assert "2 have been tested: 1 supported, 1 contradicted" in page
    assert not re.search(r"https?:|src=|url\(", page)


def test_an_empty_ledger_is_a_page_too(tmp_path: Path) -> None:
    page = ledger_page(gather(tmp_path, tmp_path))
    assert "No study claims anything yet." in page and page.count("No study tests it yet.") == 25


# Commands -----------------------------------------------------------------------------------------


@pytest.mark.whole
def test_the_command_writes_the_ledger_and_says_where(finished: Path) -> None:
    ended = nnbench("claims", cwd=finished)
    assert ended.returncode == 0, ended.stderr
    assert "2 have been tested" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "ledger: results/claims.html"
    assert ended.stderr == "nnbench: three is left out: its results cannot be read\n"
    assert "claims.html" in (finished / "results" / "index.html").read_text()


@pytest.mark.whole
def test_the_command_prints_judged_claims_as_json_and_gates(finished: Path) -> None:
    ended = nnbench("claims", "--json", "--gate", cwd=finished)
    assert ended.returncode == 4 and "2 of 4 claims are contradicted" in ended.stderr
    rows = json.loads(ended.stdout)
    assert [row["study"] for row in rows] == ["one", "one", "one", "two"]
    wanted = ["study", "course", "text", "metric", "effect", "low", "high", "n_ok", "n", "verdict"]
    assert list(rows[0])[: len(wanted)] == wanted
    assert rows[0]["verdict"] == "supported" and rows[0]["course"] == 4
    assert rows[0]["low"] < rows[0]["effect"] < rows[0]["high"]
    page = finished / "results" / "claims.html"
    assert page.read_text() == ledger_page(gather(finished / "results", finished / "studies"))


def test_results_that_do_not_exist_are_a_usage_error(tmp_path: Path) -> None:
    ended = nnbench("claims", "--out", "nowhere", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("nnbench: nowhere: no such folder")


STUDY = """
name = "tiny"
[grid]
data = "iris"
activation = ["relu", "tanh"]
optimizer = { name = "adam", lr = 0.01 }
depth = 1
width = 4
epochs = 2
seeds = 3
[[claim]]
text = "Tanh and ReLU are alike"
same = { activation = "tanh" }
as = { activation = "relu" }
margin = 0.9
course = 3
"""


@pytest.mark.whole
def test_a_run_and_a_report_write_the_claims(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    assert nnbench("run", "tiny.toml", "--workers", "1", cwd=tmp_path).returncode == 0
    folder = tmp_path / "results" / "tiny"
    first = (folder / "claims.csv").read_bytes()
    row = pd.read_csv(folder / "claims.csv").iloc[0]
    assert (row["n_ok"], row["n"], row["course"]) == (3, 3, 3)
    assert claims_table(read_results(folder))["verdict"].tolist() == [row["verdict"]]
    (folder / "claims.csv").unlink()
    assert nnbench("report", "tiny", cwd=tmp_path).returncode == 0
    assert (folder / "claims.csv").read_bytes() == first
    assert nnbench("verify", "tiny", cwd=tmp_path).returncode == 0
    assert nnbench("claims", "--gate", cwd=tmp_path).returncode == 0
