"""What a report says: names, numbers, the answer, and titles that hold for what is drawn."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from nnbench.report.analysis import analyse, rank_factors
from nnbench.report.build import build_report, page_of
from nnbench.report.claims.section import tally
from nnbench.report.claims.table import read_claims
from nnbench.report.page import numbers
from nnbench.report.page.html import unbroken
from nnbench.report.page.parts import Picture, Table
from nnbench.report.study import frames, sentences
from nnbench.report.study.contests import arm_names, contest_of, leader, rank_picture
from nnbench.report.study.figures import curves_picture, heat_picture
from nnbench.report.study.interaction import drawn_pairs, interaction_section, together
from nnbench.report.study.mattered import mattered_section
from nnbench.report.study.page import divergence_by_level
from nnbench.report.study.trust import date_text, training_strip, whole_page
from nnbench.results.files import write_files
from nnbench.results.read import Results, read_results
from tests.synthetic import FACTORS, make_cells, write_results


def results_of(folder: Path, cells: pd.DataFrame, **changes: object) -> Results:
    return read_results(write_results(folder, cells, **changes))


def said_of(results: Results) -> list[str]:
    """All that the answer of a page says."""
    page = page_of(results, whole=False)
    return [*page.answer, *page.rests]


def shifted(cells: pd.DataFrame, rows: pd.Series, by: float) -> pd.DataFrame:
    """Return the cells with another accuracy in some of them, none of which diverged."""
    lost = cells["status"] == "diverged"
    accuracy = cells["test_accuracy"].astype(float).mask(lost, 0.8) + by * rows
    losses = {"test_loss": 1 - accuracy, "val_loss": 1.02 - accuracy}
    return cells.assign(test_accuracy=accuracy, status="ok", diverged_at_step=None, **losses)


# Names


@pytest.mark.parametrize(
    ("factor", "level", "words"),
    [
        ("batch_size", "0", "the full batch"),
        ("batch_size", "8", "batch size 8"),
        ("clip_norm", "0", "no clipping by norm"),
        ("residual", "true", "residual connections"),
        ("norm", "none", "no normalisation"),
        ("early_stopping", "none", "no early stopping"),
        ("activation", "relu", "relu"),
        ("residual_scale", "-0.1", "residual scale -0.1"),
        ("optimizer", "adam lr=0.3", "adam (learning rate 0.3)"),
        ("data", "csv target=a b path=c=d.csv", "csv (target a b, path c=d.csv)"),
    ],
)
def test_a_level_is_said_in_words(factor: str, level: str, words: str) -> None:
    assert sentences.spoken(factor, level) == words


def test_an_arm_of_numbers_is_named_by_its_factors() -> None:
    frame = pd.DataFrame({"epochs": ["100", "10"], "optimizer": ["sgd", "adam"]})
    names = arm_names(frame, ["epochs", "optimizer"])
    assert names == {"100 / sgd": "epochs 100 / sgd", "10 / adam": "epochs 10 / adam"}


def numbered(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with widths for activations: levels that are bare numbers."""
    widths = {"relu": 8, "tanh": 16, "sigmoid": 4}
    renamed = cells.rename(columns={"activation": "width"})
    return renamed.assign(width=renamed["width"].map(widths))


def test_no_title_calls_a_contestant_by_a_bare_number(tmp_path: Path) -> None:
    factors = {"data": FACTORS["data"], "width": ["8", "16", "4"], "init": FACTORS["init"]}
    cells = numbered(make_cells(seeds=range(9)))
    cells = cells[cells["optimizer"] == "adam"]
    analysis = analyse(results_of(tmp_path, cells, factors=factors))
    contest = contest_of(analysis)
    assert contest.baseline == "width 8 / he_normal"
    drawn = rank_picture(analysis, contest)
    assert drawn is not None and "width 16 / " in drawn.title
    assert drawn.data is not None
    assert all("width" in str(row[0]) for row in drawn.data.rows)


def test_of_two_contestants_the_one_pair_is_tested(tmp_path: Path) -> None:
    cells = make_cells(seeds=range(9))
    cells = cells[(cells["activation"] != "sigmoid") & (cells["init"] == "he_normal")]
    cells = cells[cells["optimizer"] == "adam"]
    analysis = analyse(results_of(tmp_path, cells))
    drawn = rank_picture(analysis, contest_of(analysis))
    assert drawn is not None and drawn.title.startswith("tanh ranks first")
    assert drawn.title.endswith("clearly ahead of relu") and "Friedman" not in drawn.caption


@pytest.mark.whole
def test_where_ranks_cannot_reach_significance_they_are_not_drawn(tmp_path: Path) -> None:
    cells = make_cells(seeds=range(3))
    many = [cells.assign(activation=cells["activation"] + str(i)) for i in range(5)]
    whole = pd.concat(many, ignore_index=True)
    whole["cell_id"] = [f"{i:016x}" for i in range(len(whole))]
    levels = FACTORS | {"activation": list(dict.fromkeys(whole["activation"]))}
    analysis = analyse(results_of(tmp_path, whole, factors=levels))
    assert rank_picture(analysis, contest_of(analysis)) is None
    ranks = pd.DataFrame({"arm": ["a", "b"], "mean_rank": [1.2, 1.8]})
    assert leader(ranks, 5) == "a ranks first (mean rank 1.20 of 2, 5 blocks)"


# Numbers


def test_what_reads_as_one_number_does_not_break() -> None:
    space = "\N{NO-BREAK SPACE}"
    text = unbroken("moved 45 % [−0.265, 0.239], n 1,200 of 1,205 in 3 s on digits n=20")
    assert f"45{space}% [−0.265,{space}0.239], n{space}1,200 of 1,205 in 3{space}s" in text
    assert text.count(space) == 4


@pytest.mark.whole
def test_the_page_holds_unbroken_numbers_and_its_commands_plain_spaces(tmp_path: Path) -> None:
    page = build_report(write_results(tmp_path, make_cells())).path.read_text(encoding="utf-8")
    said = page.split('<div class="answer">')[1].split("</div>")[0]
    assert "95\N{NO-BREAK SPACE}% CI" in said and "24 pairs in 6 blocks" in said
    commands = [part.split("</code>")[0] for part in page.split("<code>")[1:]]
    assert commands and not any("\N{NO-BREAK SPACE}" in command for command in commands)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.108, 0.208, "[0.108, 0.208]"),
        (0.0003, 0.208, "[0.0003, 0.208]"),
        (-0.208, -9.4e-8, "[−0.208, −9.40·10⁻⁸]"),
        (-0.0003, 0.208, "[0.000, 0.208]"),
    ],
)
def test_an_interval_leaves_zero_out_in_as_few_digits_as_that_takes(
    low: float, high: float, text: str
) -> None:
    assert numbers.interval(low, high, 3) == text


def test_an_estimate_is_not_zero_where_its_interval_is_not() -> None:
    assert numbers.estimated(0.0002, 0.0001, 0.0003, 3, signed=True) == "+0.0002"
    assert numbers.estimated(0.0002, -0.0001, 0.0003, 3) == "0.000"
    assert numbers.number(0.0, 3, signed=True) == "0.000"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0134, "0.013"), (1.96, "2.0"), (910.0, "910"), (1.7e14, "1.7·10¹⁴"), (2e-7, "2.0·10⁻⁷")],
)
def test_two_significant_digits(value: float, text: str) -> None:
    assert numbers.rounded(value) == text


def test_a_difference_of_scores_has_no_interval_beyond_what_scores_can_differ_by() -> None:
    pairs = pd.DataFrame({"data": "a", "seed": [0, 1], "difference": [0.9, -0.6]})
    pairs = pairs.assign(lost=False, lost_baseline=False)
    wide = stats.contrast(pairs, "test_loss", np.random.default_rng(0))
    assert wide["effect_low"] < -1 and wide["effect_high"] > 1
    row = stats.contrast(pairs, "test_accuracy", np.random.default_rng(0))
    assert (row["effect_low"], row["effect_high"]) == (-1.0, 1.0)


def test_the_best_to_expect_has_no_interval_beyond_the_score(tmp_path: Path) -> None:
    cells = make_cells(optimizers=[("adam", 0.001), ("adam", 0.01), ("adam", 0.1)])
    best = cells["test_accuracy"].astype(float).max()
    cells["test_accuracy"] = cells["test_accuracy"].astype(float) + 1 - best
    found = stats.expected_best(
        cells, ["activation", "init"], ["optimizer.lr"], "test_accuracy",
        lambda _: np.random.default_rng(0), "val_loss")  # fmt: skip
    assert found["mean_high"].max() == 1.0


# The answer


def test_a_factor_of_one_level_does_not_take_the_order_from_the_shares() -> None:
    ranges = pd.DataFrame(
        {
            "factor": ["activation", "depth", "optimizer"],
            "range": [0.5, 0.2, math.nan],
            "levels": [5, 2, 1],
        }
    )
    shares = pd.DataFrame({"kind": "factor", "term": ["activation", "depth"]})
    shares = shares.assign(component=[0.20, 0.23], component_low=0.1, component_high=0.3)
    ranked = rank_factors(ranges, shares)
    assert list(ranked["factor"]) == ["depth", "activation", "optimizer"]
    unknown = shares.assign(component=[math.nan, 0.23])
    assert list(rank_factors(ranges, unknown)["factor"]) == ["activation", "depth", "optimizer"]


@pytest.mark.whole
def test_a_tuned_optimizer_is_no_row_of_the_importance(tmp_path: Path) -> None:
    cells = make_cells(optimizers=[("adam", 0.001), ("adam", 0.01)])
    levels = FACTORS | {"optimizer": ["adam lr=0.001", "adam lr=0.01"]}
    report = {"metric": "test_accuracy", "tune": ["optimizer.lr"]}
    analysis = analyse(results_of(tmp_path, cells, factors=levels, report=report))
    assert "optimizer" not in set(analysis.shares["term"])
    section = mattered_section(analysis)
    assert section is not None and isinstance(section.parts[0], Picture)
    assert section.parts[0].data is not None
    terms = [str(row[0].text) for row in section.parts[0].data.table_cells]
    assert "activation" in terms and "optimizer" not in terms


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["supported"] * 3 + ["undecided"], "Of the study's 4 claims, 3 are supported and 1 undec"),
        (["contradicted", "supported", "undecided"], "Of the study's 3 claims, 1 is supported, 1 "),
        (["supported"], "The study's one claim is supported."),
        (["undecided"] * 2, "Both claims of the study are undecided."),
        (["supported"] * 3, "All 3 claims of the study are supported."),
    ],
)
def test_the_claims_are_counted(tmp_path: Path, words: list[str], said: str) -> None:
    results = results_of(tmp_path, make_cells(), claims=[{"text": word} for word in words])
    assert read_claims(results) == [] and tally([]) == ""
    sentences = [f"{word.capitalize()}: measured, {word}." for word in words]
    judged = {"text": words, "verdict": words, "sentence": sentences, "course": ""}
    write_files(tmp_path, {"claims.csv": pd.DataFrame(judged).to_csv(index=False).encode()})
    claims = read_claims(results)
    assert [claim.said for claim in claims] == [f"Measured, {word}." for word in words]
    assert tally(claims).startswith(said)


def test_two_findings_stand_above_the_figure_and_what_they_rest_on_below(tmp_path: Path) -> None:
    results = results_of(tmp_path, make_cells())
    page = whole_page(results, ["one.", "two.", "three.", "done."], [], [])
    assert page.sections[0].identity == "setup"
    assert page.answer == ["one.", "two."] and page.rests == ["three.", "done."]


@pytest.mark.whole
def test_two_factors_that_matter_more_together_are_said_with_their_ends(tmp_path: Path) -> None:
    cells = make_cells()
    cells = cells[cells["activation"] != "sigmoid"]
    flips = (cells["activation"] == "tanh") ^ (cells["init"] == "he_normal")
    results = results_of(tmp_path, shifted(cells, flips, 0.1))
    analysis = analyse(results)
    said = together(analysis)
    assert "interact: beyond what each explains alone, they explain " in said
    assert "nitialisation" in said and "ctivation" in said
    assert "Mean test accuracy (%) runs from " in said and said.count("(n 12)") == 2
    assert said in said_of(results)
    assert together(analyse(results_of(tmp_path, make_cells()))) == ""


@pytest.mark.whole
def test_a_factor_that_differs_between_data_sets_gets_a_table_and_a_sentence(
    tmp_path: Path,
) -> None:
    cells = make_cells()
    cells = cells[cells["activation"] != "sigmoid"]
    spirals = (cells["activation"] == "tanh") & (cells["data"] == "spirals")
    digits = (cells["activation"] == "tanh") & (cells["data"] == "digits")
    moved = shifted(shifted(cells, spirals, 0.1), digits, -0.1)
    analysis = analyse(results_of(tmp_path, moved))
    table = analysis.by_data
    assert list(table["data"]) == ["digits", "spirals"] and set(table["level"]) == {"tanh"}
    assert list(table["verdict"]) == ["worse", "better"]
    assert int(table["comparisons"].iloc[0]) == 2
    said = together(analysis)
    assert said.startswith("The effect of activation depends on the data set")
    assert "on digits to +1" in said and " points (" in said
    section = mattered_section(analysis)
    assert section is not None
    last = section.parts[-1]
    assert isinstance(last, Table) and last.title == "Activation on each data set"
    assert "Paired differences from relu" in last.note
    assert analyse(results_of(tmp_path, make_cells())).by_data.empty


@pytest.mark.whole
def test_levels_that_each_ran_elsewhere_are_compared_on_each_data_set(tmp_path: Path) -> None:
    cells = make_cells()
    more = cells[cells["activation"] == "tanh"].assign(activation="elu")
    more["cell_id"] = [f"{place:016x}" for place in range(len(cells), len(cells) + len(more))]
    cells = pd.concat([cells, more], ignore_index=True)
    each = itertools.product(*(dict.fromkeys(cells[name]) for name in ("init", "optimizer")))
    ran = dict(zip(("tanh", "sigmoid", "elu"), each, strict=False))  # and relu everywhere
    places = zip(cells["activation"], cells["init"], cells["optimizer"], strict=True)
    cells = cells[[ran.get(name, tuple(where)) == tuple(where) for name, *where in places]]
    spirals = (cells["activation"] == "tanh") & (cells["data"] == "spirals")
    analysis = analyse(results_of(tmp_path, shifted(cells, spirals, 0.1)))
    effects = analysis.effects[analysis.effects["factor"] == "activation"].set_index("level")
    assert set(effects["only"].dropna().index) == {"tanh", "sigmoid", "elu"}
    table = analysis.by_data.set_index(["data", "level"])
    assert len(table) == 6 and table.loc[("spirals", "tanh"), "verdict"] == "better"
    pairs = table["pairs"].groupby("level").sum()
    assert pairs.to_dict() == effects["pairs"][["elu", "sigmoid", "tanh"]].to_dict()
    section = mattered_section(analysis)
    assert section is not None
    shown = section.parts[-1]
    assert isinstance(shown, Table)
    assert {row[1].text: row[1].note for row in shown.rows} == effects["only"].dropna().to_dict()


def test_many_levels_are_counted_and_one_that_ran_in_a_corner_is_not() -> None:
    rows = pd.DataFrame(
        {
            "factor": "init",
            "level": ["a", "b", "c", "d", "e"],
            "effect": [10.0, 50.0, -20.0, 0.0, 0.0],
            "effect_low": [5.0, 40.0, -30.0, -10.0, -10.0],
            "effect_high": [15.0, 60.0, -10.0, 10.0, 10.0],
            "blocks": 6,
            "effect_reason": None,
            "pairs": [60, 15, 60, 60, 60],
            "pairs_used": [60, 15, 60, 60, 60],
            "lost": 0,
            "lost_baseline": 0,
            "only": [None, "only with activation identity", *[None] * 3],
            "verdict": ["better", "better", "worse", *["no clear difference"] * 2],
            "detectable": 10.0,
            "seeds_needed": 9.0,
            "note": None,
            "baseline": False,
        }
    )
    ranking = pd.DataFrame({"factor": ["init"], "component": [0.4]})
    ranking = ranking.assign(component_low=0.3, component_high=0.5)
    counts = {"n": 9, "ok": 9, "diverged": 0, "crashed": 0, "missing": 0}
    said = sentences.findings(rows, ranking, {"init": "he"}, "test_accuracy", counts, "")
    assert said == [
        "Initialisation matters: of 4 levels against he, 1 better, 1 worse, 2 without a clear "
        "difference. Largest difference: c loses 20 points of test accuracy against he "
        "(95 % CI 10 to 30; 60 pairs in 6 blocks)."
    ]
    worse = {"verdict": "worse", "effect": -20.0, "effect_low": -30.0, "effect_high": -10.0}
    alike = rows.assign(**worse, only=None)
    said = sentences.findings(alike, ranking, {"init": "he"}, "test_accuracy", counts, "")
    assert "of 5 levels against he, 5 worse. Largest difference: " in said[0]


@pytest.mark.whole
def test_most_that_diverged_are_counted_over_all_settings(tmp_path: Path) -> None:
    cells = make_cells(optimizers=[("adam", 0.001), ("adam", 0.1)])
    hot = cells["optimizer.lr"] == 0.1
    scores = ["test_accuracy", "test_loss", "val_loss"]
    cells.loc[hot, scores] = None
    cells.loc[hot, "status"] = "diverged"
    levels = FACTORS | {"optimizer": ["adam lr=0.001", "adam lr=0.1"]}
    report = {"metric": "test_accuracy", "tune": ["optimizer.lr"]}
    results = results_of(tmp_path, cells, factors=levels, report=report)
    analysis = analyse(results)
    assert not (analysis.labelled["status"] == "diverged").any()
    lost = divergence_by_level(results, analysis)
    assert lost.loc[lost["factor"] == "activation", "n"].sum() == len(cells)
    said = said_of(results)[-1]
    assert said.startswith("36 of 72 networks finished; 36 diverged, most often with ")
    assert said.endswith("learning rate 0.1 (36 of 36).")


# Figures


def test_a_pair_without_a_share_is_drawn_all_the_same(tmp_path: Path) -> None:
    cells = make_cells()
    out = (cells["activation"] == "sigmoid") & (cells["init"] == "he_normal")
    analysis = analyse(results_of(tmp_path, cells[~out]))
    pairs = analysis.shares[analysis.shares["kind"] == "pair"].set_index("term")
    assert pairs.loc["activation x init", "reason"] is not None
    section = interaction_section(analysis)
    assert section is not None
    pictures = [part for part in section.parts if isinstance(part, Picture)]
    captions = [picture.caption for picture in pictures]
    pair = ("by activation and initialisation", "by initialisation and activation")
    assert any(pair[0] in caption or pair[1] in caption for caption in captions)
    known = pd.DataFrame({"first": ["a"], "second": ["c"]})
    unknown = pd.DataFrame({"first": ["b", "a"], "second": ["c", "b"]})
    assert drawn_pairs(["a", "b", "c"], known, unknown) == [("a", "b"), ("a", "c")]


def test_a_heat_map_explains_only_what_it_shows(tmp_path: Path) -> None:
    analysis = analyse(results_of(tmp_path, shifted(make_cells(), pd.Series(0.0, range(72)), 0)))
    drawn = heat_picture(analysis, ("activation", "init"))
    assert drawn is not None and "Hatched" not in drawn.caption and "Empty" not in drawn.caption
    lost = analyse(results_of(tmp_path, make_cells()))
    drawn = heat_picture(lost, ("activation", "init"))
    assert drawn is not None and "Hatched: some networks diverged" in drawn.caption


def test_a_network_counts_at_the_epochs_that_it_was_to_train() -> None:
    cells = pd.DataFrame({"cell_id": ["a", "b", "c", "d"], "data": "digits", "status": "ok"})
    cells = cells.assign(optimizer="sgd", epochs=["10", "10", "2", "2"], seed=0)
    cells.loc[1, "status"] = "diverged"
    curves = pd.DataFrame(
        [(cell, epoch, 0.5) for cell, end in [("a", 10), ("c", 2), ("d", 2)]
         for epoch in range(1, end + 1)], columns=["cell_id", "epoch", "val_metric"])  # fmt: skip
    lines = frames.seed_curves(cells, curves, "optimizer", "val_metric")
    found = frames.curve_summary(lines, cells, "optimizer").set_index("epoch")
    assert found.index.max() == 10, "the long ones are not left out for being few"
    assert (found.loc[2, "k"], found.loc[2, "n"]) == (3, 4)
    assert (found.loc[10, "k"], found.loc[10, "n"]) == (1, 2)


def ends(*medians: float) -> pd.DataFrame:
    levels = [f"level {i}" for i in range(len(medians))]
    return pd.DataFrame({"data": "digits", "level": levels, "epoch": 3, "median": medians})


def test_the_title_of_curves_speaks_of_those_drawn() -> None:
    title = sentences.curves_title(ends(0.5, 0.9), "accuracy", 5)
    drawn = "Of the 2 levels drawn, median accuracy ends between 0.500 (level 0) and "
    assert title == f"{drawn}0.900 (level 1)"
    alike = sentences.curves_title(ends(0.9999, 1.0, 1.0), "accuracy", 3)
    assert alike == "Median accuracy ends at 1.00 for all 3"


@pytest.mark.whole
def test_the_curves_caption_speaks_of_early_stopping_only_where_there_is_any(
    tmp_path: Path,
) -> None:
    results = results_of(tmp_path, make_cells())
    drawn = curves_picture(results, analyse(results), "activation")
    assert drawn is not None and "are left out" not in drawn.caption
    stopped = replace(results, cells=results.cells.assign(stopped_early=True))
    drawn = curves_picture(stopped, analyse(stopped), "activation")
    assert drawn is not None and "fewer than half of them reached are left out" in drawn.caption


# Trust


def test_variants_of_a_data_set_are_counted_apart(tmp_path: Path) -> None:
    cells = make_cells()
    cells["data.n"] = np.where(cells["data"] == "spirals", 40, 20)
    cells["data"] = "gaussian"
    strip = dict(training_strip(results_of(tmp_path, cells)))
    assert strip["data sets"] == "2"


@pytest.mark.whole
def test_the_strip_of_trust_says_who_trained_and_why_not_the_native_engine(tmp_path: Path) -> None:
    def told(engines: list[dict[str, object]]) -> str:
        folder = write_results(tmp_path, make_cells())
        provenance = json.loads((folder / "provenance.json").read_text()) | {"engines": engines}
        write_files(folder, {"provenance.json": json.dumps(provenance).encode()})
        return dict(page_of(read_results(folder), whole=False).trust)["engine"]

    assert told([]) == "stacked-eager"
    native = {"engine": "native-gcc-12", "cells": 1200, "why": None}
    mapped = {"engine": "stacked-eager", "cells": 96, "why": "fewer steps do not pay"}
    assert told([native]) == "native-gcc-12"
    assert told([native, mapped]) == (
        "native-gcc-12 for 1,200 networks; "
        "stacked-eager for 96 networks, since fewer steps do not pay"
    )


def test_a_date_is_written_out() -> None:
    assert date_text("2026-11-24T14:57:36+00:00") == "24 November 2026, 14:57 UTC"
    assert date_text("yesterday") == "yesterday"


@pytest.mark.whole
def test_the_commit_is_checked_out_before_the_study_runs(tmp_path: Path) -> None:
    folder = write_results(tmp_path, make_cells())
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance |= {"commit": "abc123", "source_fingerprint": "f" * 64}
    write_files(folder, {"provenance.json": json.dumps(provenance).encode()})
    section = page_of(read_results(folder), whole=False).sections[-1]
    lines = next(part.lines for part in section.parts if part.kind == "commands")
    assert lines[0] == "git checkout abc123" and lines[1].startswith("nnbench run")
