"""What a page opens with follows from what its study asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nnbench.report.analysis import analyse
from nnbench.report.layers.views import Diagnostic
from nnbench.report.study.opening import opening_of, wanted_first
from nnbench.report.study.rates import _title, is_warm_up, rates_by_epoch
from nnbench.results.read import Results, read_results
from tests.synthetic import FACTORS, make_cells, make_curves, write_results

SCHEDULES = ["none", "step", "cosine", "wsd"]


def scheduled(folder: Path, **changes: Any) -> Results:
    """Results whose four schedules halve the rate in the middle, but for the first."""
    cells = make_cells(optimizers=[("adam", 0.1)])
    cells = cells[cells["init"] == "he_normal"]
    parts = [cells.assign(schedule=name) for name in SCHEDULES]
    whole = pd.concat(parts, ignore_index=True)
    whole["cell_id"] = [f"{place:016x}" for place in range(len(whole))]
    curves = make_curves(whole)
    halves = curves["cell_id"].map(whole.set_index("cell_id")["schedule"]) != "none"
    curves["lr"] = 0.1 * (1 - 0.5 * (halves & (curves["epoch"] > 10)))
    factors = {"data": FACTORS["data"], "schedule": SCHEDULES, "activation": FACTORS["activation"]}
    return read_results(write_results(folder, whole, curves, factors=factors, **changes))


def test_one_schedule_is_not_said_in_the_plural(tmp_path: Path) -> None:
    effects = pd.DataFrame({"verdict": ["tie"]}, index=["cosine"])  # others may not have run
    said = _title(effects, analyse(scheduled(tmp_path)))
    assert said == "Cosine does not differ clearly from no schedule"


def test_a_study_of_schedules_opens_with_the_rates(tmp_path: Path) -> None:
    results = scheduled(tmp_path)
    analysis = analyse(results)
    opening = opening_of(results, analysis, wanted_first(results, analysis), {})
    assert opening.name == "rates" and opening.has_arms and opening.picture is not None
    assert opening.said[0].startswith("Of 3 schedules against no schedule, none differs clearly")
    rates = rates_by_epoch(results, analysis).set_index(["level", "epoch"])["value"]
    assert "Bottom: validation loss" in opening.picture.caption
    assert str(opening.picture.svg).count(">validation loss<") == len(SCHEDULES)
    assert rates["none", 20] == pytest.approx(1.0) and rates["cosine", 20] == pytest.approx(0.5)


def test_a_rate_that_rises_and_stays_is_a_warm_up() -> None:
    assert is_warm_up(pd.Series([0.3, 0.6, 1.0, 1.0]))
    for rates in ([1.0, 1.0], [0.3, 1.0, 0.5], [1.0, 0.5]):
        assert not is_warm_up(pd.Series(rates))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"report": {"metric": "test_accuracy", "lead": "curves"}}, "curves"),
        ({"report": {"metric": "test_accuracy"}, "claims": [{"metric": "gradient_drift"}]},
         "growth"),
        ({"claims": [{"metric": "dead_fraction_start"}, {"metric": "test_loss"}]}, "rates"),
    ],
)  # fmt: skip
def test_the_file_and_its_claims_decide(
    tmp_path: Path, changes: dict[str, Any], wanted: str
) -> None:
    results = scheduled(tmp_path)
    document = {**results.study, **changes}
    asked = Results(tmp_path, results.cells, results.curves, {"study": document})
    assert wanted_first(asked, analyse(results)) == wanted


def test_a_lead_without_results_gives_way_to_the_differences(tmp_path: Path) -> None:
    results = read_results(write_results(tmp_path, make_cells()))
    opening = opening_of(results, analyse(results), "growth", {})
    assert opening.name == "differences" and opening.picture is not None
    assert opening.picture.name == "effects" and not opening.said


@pytest.mark.whole
def test_a_map_leads_only_where_nothing_is_asked_for(tmp_path: Path) -> None:
    results = read_results(write_results(tmp_path, make_cells()))
    analysis = analyse(results)
    lead = opening_of(results, analysis, "differences", {}).picture
    assert lead is not None
    layers = {"trainability": Diagnostic("trainability", lead, analysis.labelled)}
    assert opening_of(results, analysis, "", layers).name == "trainability"
    assert opening_of(results, analysis, "differences", layers).name == "differences"
