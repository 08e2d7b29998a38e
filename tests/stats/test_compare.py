"""Two results side by side: what is matched, what changed, and which differences count as real."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from nnbench.report.comparison import (
    Comparison,
    compare_results,
    comparison_lines,
    comparison_page,
)
from nnbench.results.files import write_json
from nnbench.results.read import ReportError, read_results
from nnbench.stats.compare import ARM, LEVEL, OVERALL, compare_pairs, regressions
from nnbench.stats.matching import changes, match_cells
from tests.command import nnbench
from tests.stats.claims.claim_cells import (
    NOISE,
    around,
    cell,
    frame,
    two_arms,
    write_results,
)

FACTORS = {"activation": ["relu", "tanh"], "depth": ["2", "8"]}


def grid(seeds: int = 6, data: tuple[str, ...] = ("digits", "moons"), **changes: Any) -> Any:
    """Return the cells of 2 activations x 2 depths, the same values each time."""
    return frame(
        [
            cell(name, seed, 0.8 + NOISE[seed], data=where, depth=depth, **changes)
            for where in data
            for depth in (2, 8)
            for name in ("relu", "tanh")
            for seed in range(seeds)
        ]
    )


def moved(cells: pd.DataFrame, generator: np.random.Generator, size: float = 0.01) -> pd.DataFrame:
    noise = generator.normal(0, size, len(cells))
    return cells.assign(test_accuracy=cells["test_accuracy"] + noise)


def generator_for(purpose: str) -> np.random.Generator:
    return np.random.default_rng(len(purpose))


def rows_of(a: pd.DataFrame, b: pd.DataFrame, **options: Any) -> pd.DataFrame:
    matched = match_cells(a, b, list(FACTORS), "test_accuracy")
    return compare_pairs(matched.pairs, FACTORS, True, generator_for, **options)


# Matching -----------------------------------------------------------------------------------------


def test_cells_match_by_what_varies_and_fixed_fields_may_change() -> None:
    a, b = grid(epochs=5), grid(epochs=9, seeds=4).assign(cell_id=lambda t: "b" + t["cell_id"])
    # epochs stands after the first column of results here, where no field of a recipe stands
    a, b = (t[["epochs", *[c for c in t if c != "epochs"]]] for t in (a, b))
    matched = match_cells(a, b.sample(frac=1, random_state=0), list(FACTORS), "test_accuracy")
    assert matched.changed == [("epochs", "5", "9")]
    assert (len(matched.pairs), matched.only_a, matched.only_b) == (32, 16, 0)
    assert not matched.pairs["same_recipe"].any()
    assert (matched.pairs["difference"] == 0).all()
    assert matched.factors == ["activation", "depth"]


def test_a_field_that_varies_in_one_result_must_agree() -> None:
    a = grid()
    matched = match_cells(a, a[a["depth"] == 8], list(FACTORS), "test_accuracy")
    assert (len(matched.pairs), matched.only_a, matched.only_b) == (24, 24, 0)
    assert set(matched.pairs["depth"]) == {"8"} and matched.changed == []
    assert matched.pairs["same_recipe"].all()


def test_a_parameter_that_not_every_level_has_may_change_too() -> None:
    def sized(size: float) -> pd.DataFrame:
        cells = grid().assign(slope=np.nan)
        cells.insert(4, "activation.slope", np.where(cells["activation"] == "relu", np.nan, size))
        return cells.drop(columns="slope")

    matched = match_cells(sized(0.1), sized(0.3), list(FACTORS), "test_accuracy")
    assert matched.changed == [("activation.slope", "0.1", "0.3")]
    assert len(matched.pairs) == 48


def test_whole_numbers_and_floats_are_one() -> None:
    a, b = grid(), grid().astype({"depth": float, "seed": float})
    assert len(match_cells(a, b, list(FACTORS), "test_accuracy").pairs) == 48


def test_what_changed_is_listed() -> None:
    def provenance(**found: Any) -> dict[str, Any]:
        study = {"name": "s", "seeds": [0, 1], "factors": {"depth": ["2"]}, "report": {"tune": []}}
        rest = {"engine": "e", "source_fingerprint": "f" * 64, "versions": {"torch": "2"}}
        return {**rest, **found, "study": {**study, **found.get("study", {})}}

    b = provenance(
        study={"seeds": [0], "factors": {"depth": ["2", "8"]}},
        source_fingerprint="0" * 64,
        versions={"torch": "3"},
    )
    assert changes(provenance(), b) == [
        ("seeds", "0, 1", "0"),
        ("levels of depth", "2", "2, 8"),
        ("sources", "f" * 12, "0" * 12),
        ("torch version", "2", "3"),
    ]
    assert changes(b, b) == []


# Rows ---------------------------------------------------------------------------------------------


def test_equal_results_tie_everywhere() -> None:
    rows = rows_of(grid(), grid())
    assert rows["kind"].tolist() == [OVERALL, *[LEVEL] * 4, *[ARM] * 4]
    assert rows["level"].tolist()[1:5] == ["relu", "tanh", "2", "8"]
    assert set(rows["verdict"]) == {"tie"} and set(rows["failed_verdict"]) == {""}
    assert (rows["effect"] == 0).all() and regressions(rows).empty


def test_p_values_are_students_and_holms() -> None:
    a = grid(data=("digits",))
    rows = rows_of(a, moved(a, np.random.default_rng(0)))
    b = moved(a, np.random.default_rng(0))
    difference = (b["test_accuracy"] - a["test_accuracy"]).groupby(a["seed"]).mean()
    assert rows["p"].iloc[0] == pytest.approx(scipy_stats.ttest_1samp(difference, 0).pvalue)
    for kind in (LEVEL, ARM):
        part = rows[rows["kind"] == kind]
        holm = multipletests(part["p"], method="holm")[1]
        assert part["p_corrected"].to_numpy() == pytest.approx(np.minimum(2 * holm, 1))
    assert rows["p_corrected"].iloc[0] == rows["p"].iloc[0]  # the row of all cells stands alone


def test_one_arm_that_got_worse_is_found_where_it_is() -> None:
    a = grid()
    b = moved(a, np.random.default_rng(1), 0.002)
    hit = (b["activation"] == "tanh") & (b["depth"] == 8)
    b.loc[hit, "test_accuracy"] -= 0.05
    rows = rows_of(a, b)
    worse = regressions(rows)
    assert {"tanh", "8", "tanh, 8"} <= set(worse["level"])
    assert not {"relu", "2", "relu, 2", "relu, 8", "tanh, 2"} & set(worse["level"])
    arm = worse[worse["level"] == "tanh, 8"].iloc[0]
    assert arm["effect"] == pytest.approx(-0.05, abs=0.003) and arm["low"] < -0.05 < arm["high"]
    assert set(rows_of(b, a).loc[worse.index, "verdict"]) == {"better"}


def test_of_a_loss_the_lower_is_better() -> None:
    a = grid()
    b = a.assign(test_loss=a["test_loss"] + 0.05 + np.resize(NOISE, len(a)))
    matched = match_cells(a, b, list(FACTORS), "test_loss")
    rows = compare_pairs(matched.pairs, FACTORS, False, generator_for)
    assert rows["verdict"].iloc[0] == "worse" and rows["effect"].iloc[0] > 0


def test_an_arm_that_diverges_is_a_regression_without_a_difference() -> None:
    a = grid()
    b = a.copy()
    hit = (b["activation"] == "tanh") & (b["depth"] == 8)
    b.loc[hit, ["status", "test_accuracy"]] = ["diverged", np.nan]
    rows = rows_of(a, b)
    arm = rows[rows["level"] == "tanh, 8"].iloc[0]
    assert (arm["n_ok"], arm["n"], arm["diverged_a"], arm["diverged_b"]) == (0, 12, 0, 12)
    assert (arm["verdict"], arm["failed_verdict"]) == ("undefined", "more often")
    assert arm["reason"] == "undefined: none of 12 cells has a result in both"
    table = [[0, 12], [12, 0]]
    assert arm["failed_p"] == pytest.approx(scipy_stats.fisher_exact(table)[1])
    assert "tanh, 8" in set(regressions(rows)["level"])
    back = rows_of(b, a)
    assert regressions(back).empty and "less often" in set(back["failed_verdict"])


def test_one_divergence_more_is_not_real() -> None:
    a = grid()
    b = a.copy()
    b.loc[0, ["status", "test_accuracy"]] = ["diverged", np.nan]
    assert set(rows_of(a, b)["failed_verdict"]) == {""}


@pytest.mark.parametrize("how", ["diverged", "crashed"])
@pytest.mark.parametrize("seeds", [1, 3, 6])
def test_a_run_that_failed_whole_is_a_regression(how: str, seeds: int) -> None:
    a = grid(seeds, data=("digits",))
    b = a.assign(status=how, test_accuracy=np.nan)
    rows = rows_of(a, b)
    overall = rows.iloc[0]
    assert (overall[f"{how}_a"], overall[f"{how}_b"]) == (0, len(a))
    assert overall["verdict"] == "undefined" and overall["reason"].endswith("a result in both")
    assert overall["failed_p"] == pytest.approx(2.0 ** (1 - len(a)))
    assert bool(overall["failed_verdict"]) == (seeds > 1)  # four cells can all fail by chance


def test_a_level_that_every_seed_lost_is_a_regression() -> None:
    a = grid(3)
    b = a.copy()
    b.loc[b["activation"] == "tanh", ["status", "test_accuracy"]] = ["diverged", np.nan]
    rows = rows_of(a, b)
    assert {"", "tanh"} <= set(regressions(rows)["level"])
    assert "relu" not in set(regressions(rows)["level"])
    assert rows["verdict"].iloc[0] == "tie"  # those that finished are what they were


def test_one_seed_tells_nothing_but_a_tie() -> None:
    a = grid(seeds=1)
    rows = rows_of(a, a.assign(test_accuracy=0.1))
    assert set(rows["verdict"]) == {"undefined"} and regressions(rows).empty
    assert set(rows["reason"]) == {"undefined: one block per data set"}
    same = rows_of(a, a)
    assert set(same["verdict"]) == {"tie"} and set(same["reason"]) == {""}


@pytest.mark.parametrize(("seeds", "word"), [(5, "undefined"), (6, "worse"), (9, "worse")])
def test_one_change_in_all_cells_is_real_from_six_blocks_on(seeds: int, word: str) -> None:
    a = grid(seeds, ("digits",)).drop_duplicates("seed")
    overall = rows_of(a, a.assign(test_accuracy=a["test_accuracy"] - 0.05)).iloc[0]
    assert (overall["verdict"], overall["n"]) == (word, seeds)
    if word == "worse":
        assert (overall["low"], overall["high"]) == pytest.approx((-0.05, -0.05))
        assert overall["p"] == pytest.approx(2.0 ** (1 - seeds))


def test_data_sets_that_move_apart_by_constants_are_no_side() -> None:
    a = grid(3)
    change = np.where(a["data"] == "digits", 0.05, -0.03)
    overall = rows_of(a, a.assign(test_accuracy=a["test_accuracy"] + change)).iloc[0]
    assert overall["verdict"] == "no clear difference"
    assert (overall["low"], overall["high"]) == pytest.approx((-0.03, 0.05))


@pytest.mark.whole
def test_no_side_is_taken_where_the_interval_holds_zero() -> None:
    generator = np.random.default_rng(0)
    a = grid(6, ("digits",)).drop_duplicates("seed")
    pairs = match_cells(a, a, [], "test_accuracy").pairs
    taken = 0
    for turn in range(120):
        size = int(generator.integers(2, 7))
        drawn = (generator.gamma(1.0, size=size) * 0.01 - 0.0005) * (-1) ** turn
        one = pairs.head(size).assign(difference=drawn)
        row = compare_pairs(one, {}, True, generator_for).iloc[0]
        if row["verdict"] in ("better", "worse"):
            taken += 1
            assert row["low"] * row["high"] > 0
    assert taken > 15


def test_without_randomness_every_difference_is_real() -> None:
    a = grid(seeds=1, data=("digits",))
    b = a.copy()
    b.loc[0, "test_accuracy"] -= 1e-6
    b.loc[3, "test_accuracy"] += 1e-6
    rows = rows_of(a, b, is_exact=True).set_index("level")["verdict"]
    assert rows[""] == "mixed"
    arms = rows[["relu, 2", "tanh, 2", "relu, 8", "tanh, 8"]]
    assert arms.tolist() == ["worse", "tie", "tie", "better"]


def test_what_follows_from_the_recipe_needs_no_interval(tmp_path: Path) -> None:
    for name, floats in (("a", 2.0), ("b", 1.0)):
        cells = grid(seeds=1, data=("digits",), state_per_param=floats)
        write_results(tmp_path / name, cells)
    a, b = (read_results(tmp_path / name) for name in "ab")
    rows = compare_results(a, b, "state_per_param").rows
    assert set(rows["verdict"]) == {"better"} and not rows["reason"].any()
    assert set(compare_results(a, b, "test_accuracy").rows["verdict"]) == {"tie"}


@pytest.mark.whole
def test_two_runs_that_differ_by_chance_are_seldom_told_apart() -> None:
    generator = np.random.default_rng(5)
    a = grid(seeds=4)
    matched = match_cells(a, a, list(FACTORS), "test_accuracy").pairs
    found = 0
    for _ in range(60):
        noise = generator.normal(0, 0.01, len(matched))
        rows = compare_pairs(matched.assign(difference=noise), FACTORS, True, generator_for)
        found += bool(rows["verdict"].isin(["better", "worse"]).any())
    assert found <= 8  # 5 % of 60 are 3; more than 8 come up in 4 of 1,000 trials


# Folders, words and commands ----------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Results `before`, and `after`, in which tanh got worse."""
    before = moved(grid(), np.random.default_rng(0), 0.001)
    after = moved(before, np.random.default_rng(1), 0.001)
    after.loc[after["activation"] == "tanh", "test_accuracy"] -= 0.05
    write_results(tmp_path / "results" / "before", before)
    write_results(tmp_path / "results" / "after", after)
    return tmp_path


def compared(folders: Path, a: str = "before", b: str = "after") -> Comparison:
    first, second = (read_results(folders / "results" / name) for name in (a, b))
    return compare_results(first, second)


def test_the_answer_says_how_much_is_compared_and_what_is_real(folders: Path) -> None:
    lines = comparison_lines(compared(folders))
    assert lines[0].startswith("48 results are in both (48 with the same recipe), 0 only in a")
    assert re.match(
        r"Overall, test accuracy of b minus a: "
        r"−0\.02\d+ \[−0\.02\d+, −0\.02\d+\], 48 pairs: worse\.",
        lines[1],
    )
    assert "Of 4 levels, b is really better in 0 and worse in 3." in lines
    assert "  name: before -> after" in lines
    assert any(re.match(r"activation +tanh +−0\.0\d+ .* 24/24 +worse$", line) for line in lines)
    assert any(
        re.match(r"activation +relu +.* 24/24 +no clear difference$", line) for line in lines
    )


def test_equal_results_need_no_table(folders: Path) -> None:
    lines = comparison_lines(compared(folders, "before", "before"))
    assert "  nothing changed: settings, sources and versions are the same" in lines
    assert not any(line.startswith("activation") for line in lines)


def test_the_document_is_plain_json(folders: Path) -> None:
    document = json.loads(json.dumps(compared(folders).document(), allow_nan=False))
    assert (document["matched"], document["only_a"], document["metric"]) == (48, 0, "test_accuracy")
    assert document["regressions"] == len([r for r in document["rows"] if r["verdict"] == "worse"])
    assert {row["kind"] for row in document["rows"]} == {OVERALL, LEVEL, ARM}


def test_the_page_escapes_what_studies_hold(folders: Path) -> None:
    after = folders / "results" / "after"
    provenance = json.loads((after / "provenance.json").read_text())
    provenance["engine"] = "<script>alert(1)</script>"
    write_json(after / "provenance.json", provenance)
    page = comparison_page(compared(folders))
    assert "&lt;script&gt;alert" in page and page.count("<script") == 1  # the page's own
    assert "▼" in page and "24/24" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "landscape"}, "is a training study and"),
        ({"report": {"metric": "test_loss"}}, "choose one with --metric test_accuracy"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    folders: Path, change: dict[str, Any], message: str
) -> None:
    write_results(folders / "results" / "other", grid(), **change)
    with pytest.raises(ReportError, match=message):
        compared(folders, "before", "other")


def test_nothing_in_common_is_refused(folders: Path) -> None:
    write_results(folders / "results" / "other", two_arms(around(0.0), data=("wine", "iris")))
    with pytest.raises(
        ReportError, match="no results in common: no two recipes agree in everything that varies"
    ):
        compared(folders, "before", "other")


def test_results_of_other_seeds_are_refused_with_the_seeds(folders: Path) -> None:
    cells = two_arms(around(0.0))
    seeds = sorted(cells["seed"].unique())
    write_results(folders / "results" / "a", cells)
    write_results(folders / "results" / "b", cells.assign(seed=cells["seed"] + len(seeds)))
    said = rf"their seeds differ \({seeds[0]}, .* and {seeds[0] + len(seeds)}, .*\): run both with"
    with pytest.raises(ReportError, match=said):
        compared(folders, "a", "b")


@pytest.mark.whole
def test_the_command_compares_and_gates(folders: Path) -> None:
    gated = nnbench(
        "compare",
        "before",
        "results/after",
        "--fail-on-regression",
        "--html",
        "c.html",
        cwd=folders,
    )
    assert gated.returncode == 4
    assert "worse" in gated.stdout and gated.stderr.startswith("nnbench: B is really worse than A")
    assert (folders / "c.html").read_text().startswith("<!DOCTYPE html>")
    better = nnbench("compare", "after", "before", "--fail-on-regression", "--json", cwd=folders)
    assert better.returncode == 0
    assert json.loads(better.stdout)["regressions"] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, ""),
        ({"status": "crashed", "test_accuracy": np.nan}, "really fails more often, in 9 rows"),
        ({"seed": 0}, ""),
        (
            {"seed": 0, "test_accuracy": 0.1},
            "cannot tell whether B is worse than A: one block per data set",
        ),
    ],
)
def test_a_gate_lets_nothing_pass_that_it_cannot_judge(
    folders: Path, change: dict[str, Any], sentence: str
) -> None:
    a = grid(1) if "seed" in change else grid()
    for name, cells in (("one", a), ("other", a.assign(**change))):
        write_results(folders / "results" / name, cells)
    found = compared(folders, "one", "other")
    assert found.complaint.endswith(sentence) and bool(found.complaint) == bool(sentence)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("kept", "missing", "sentence"),
    [
        ("activation != 'tanh'", 0, "B lacks 24 results that A has, and a missing result"),
        ("seed > 0", 0, "B lacks "),
        ("seed >= 0", 3, "B is unfinished: 3 results of its study not run yet"),
        ("seed >= 0", 0, ""),
    ],
)
def test_a_gate_lets_nothing_pass_that_did_not_run(
    folders: Path, kept: str, missing: int, sentence: str
) -> None:
    folder = write_results(folders / "results" / "part", grid().query(kept))
    provenance = json.loads((folder / "provenance.json").read_text())
    write_json(folder / "provenance.json", provenance | {"counts": {"missing": missing}})
    complaint = compared(folders, "before", "part").complaint
    assert complaint.startswith(sentence) and bool(complaint) == bool(sentence)
    assert not compared(folders, "part", "before").complaint  # more cells than before are welcome
    gated = nnbench("compare", "before", "part", "--fail-on-regression", cwd=folders)
    assert gated.returncode == (4 if sentence else 0)


def test_the_answer_counts_what_diverged_and_what_crashed(folders: Path) -> None:
    after = grid()
    after.loc[after["activation"] == "tanh", ["status", "test_accuracy"]] = ["diverged", np.nan]
    after.loc[after["activation"] == "relu", ["status", "test_accuracy"]] = ["crashed", np.nan]
    write_results(folders / "results" / "failed", after)
    lines = comparison_lines(compared(folders, b="failed"))
    assert lines[1].endswith("0 of 48 pairs: undefined: none of 48 cells has a result in both.")
    assert (
        "Overall, b really fails more often: 24 diverged and 24 crashed in b, "
        "0 diverged and 0 crashed in a."
    ) in lines
    assert any(re.match(r"activation +relu .* 0 -> 24 +undefined, fails more", x) for x in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("before", "nowhere"), "nowhere: no results there"),
        (("before", "after", "--metric", "beauty"), "has no metric 'beauty'"),
    ],
)
def test_mistakes_end_in_one_sentence(
    folders: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = nnbench("compare", *arguments, cwd=folders)
    assert ended.returncode == 2 and message in ended.stderr and not ended.stdout
    assert len(ended.stderr.splitlines()) == 1
