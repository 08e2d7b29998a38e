"""More seeds where a claim needs them: what is trained, when it ends, and how often it is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import nnbench as nb
import nnbench.settling
from nnbench.api import read_study
from nnbench.cli.summary import standing_of_study
from nnbench.pipeline import Options
from nnbench.report.claims.table import claims_table, write_claims
from nnbench.report.study.trust import _settled
from nnbench.results.files import write_files, write_json
from nnbench.results.looks import FILE
from nnbench.results.more import given_more, with_more
from nnbench.results.read import read_results
from nnbench.settling import Look, next_seeds, settle
from nnbench.stats.claims import CONTRADICTED, SUPPORTED, UNDECIDED, Verdict
from nnbench.study.mistakes import StudyError
from nnbench.study.study import More, Study
from tests.command import start
from tests.stats.looking import follow

ARMS = {"relu": 0.0, "tanh": 0.1, "sigmoid": 0.0, "elu": 0.0}  # what each adds to the score


def claim(better: str, than: str, **more: Any) -> dict[str, Any]:
    sides = {"better": {"activation": better}, "than": {"activation": than}}
    return {"text": f"{better} beats {than}", **sides, **more}


def planned(*claims: dict[str, Any], **grid: Any) -> Study:
    grid = {"data": "moons", "activation": list(ARMS), "seeds": 3} | grid
    return read_study({"name": "settled", "grid": grid, "claim": list(claims)})


class MadeUp:
    """Takes the place of training: scores drawn for each cell, as results on disk."""

    def __init__(self, added: dict[str, float], root: int = 0) -> None:
        self.added, self.root, self.runs = added, root, []  # type: ignore[var-annotated]

    def __call__(self, study: Study, options: Options, *told: object) -> None:
        rows = []
        for cell in study.cells():
            draw = np.random.default_rng([self.root, int(cell.cell_id, 16)]).normal(0, 0.02)
            score = 0.6 + self.added[str(cell.recipe["activation"])] + float(draw)
            names = {"cell_id": cell.cell_id, "study": study.name, "status": "ok"}
            scores = {"test_accuracy": score, "val_accuracy": score, "test_loss": 1 - score}
            rows.append({**cell.recipe, **names, **scores})
        self.runs.append({row["cell_id"]: (row["activation"], row["seed"]) for row in rows})
        cells = pd.DataFrame(rows)
        folder = options.out / study.name
        curves = pd.DataFrame({"cell_id": cells["cell_id"], "epoch": 0, "step": 0})
        tables = {"cells.parquet": cells.to_parquet(), "curves.parquet": curves.to_parquet()}
        write_files(folder, tables)
        write_json(folder / "provenance.json", {"study": study.document()})


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    runs = MadeUp(ARMS)
    monkeypatch.setattr(nnbench.settling, "run_cells", runs)
    monkeypatch.setattr(nnbench.settling, "reported", lambda *about: None)
    return runs


def looks_at(study: Study, out: Path, most: int = 12) -> list[Look]:
    looks: list[Look] = []
    settle(study, Options(out), None, most, looks.append)  # type: ignore[arg-type]
    return looks


def test_only_what_an_open_claim_compares_is_trained_until_each_is_decided(
    made_up: MadeUp, tmp_path: Path
) -> None:
    study = planned(claim("tanh", "relu"), claim("sigmoid", "elu"))
    looks = looks_at(study, tmp_path)
    seeds = {name: {s for a, s in made_up.runs[-1].values() if a == name} for name in ARMS}
    assert looks[0].undecided == 2 and looks[-1].verdicts[0].verdict == SUPPORTED
    assert seeds["sigmoid"] == seeds["elu"] == set(range(12)), "to the end"
    assert 3 < len(seeds["tanh"]) < 12 and seeds["tanh"] == seeds["relu"]
    assert looks[-1].following is None and looks[-1].verdicts[1].verdict == UNDECIDED
    table = claims_table(read_results(tmp_path / "settled"))
    assert table["blocks"].tolist() == [len(seeds["tanh"]), 12]
    assert table["looks"].tolist() == [2, len(looks)]
    assert "judged twice, by evidence that allows for repeated looks" in table["sentence"][0]
    noted = json.loads((tmp_path / "settled" / FILE).read_text())["seeds"]
    assert noted == [look.seeds for look in looks]


def test_the_page_rests_on_the_seeds_that_all_networks_have(
    made_up: MadeUp, tmp_path: Path
) -> None:
    looks_at(planned(claim("sigmoid", "elu")), tmp_path)
    results = read_results(tmp_path / "settled")
    assert set(results.cells["seed"]) == {0, 1, 2}
    assert set(results.further["activation"]) == {"sigmoid", "elu"}
    assert len(results.curves) == len(results.cells) == 12
    assert set(results.claimed["seed"]) == set(range(12)) and results.earlier_looks == []
    assert "1 claim was given more seeds to settle it: 18 networks" in str(_settled(results))


def test_no_claim_gets_networks_of_fewer_rows_that_it_never_looks_at() -> None:
    less = {"train_share": 0.5, "activation": "elu", "why": "time"}
    written = {
        "grid": {"data": "moons", "activation": list(ARMS), "train_share": [1.0, 0.5], "seeds": 3},
        **{"name": "settled", "baselines": ["linear"], "claim": [claim("tanh", "relu")]},
    }
    of_all = {"design": {"exclude": [less]}}
    of_each = claim("tanh", "relu", where={"train_share": 0.5})
    for changes, shares, networks in (
        (of_all, {1.0}, 4),
        ({}, {1.0, 0.5}, 8),  # crossed: a factor as any other
        (of_all | {"baselines": []}, {1.0, 0.5}, 8),  # nothing draws a curve of them
        (of_all | {"claim": [of_each]}, {0.5}, 4),  # the claim looks at them
    ):
        study = given_more(replace(read_study(written | changes), more={0: More()}), [0], 5)
        more = [cell.recipe for cell in study.networks() if cell.recipe["seed"] > 2]
        assert {recipe["train_share"] for recipe in more} == shares and len(more) == networks


def test_it_goes_on_where_it_was_stopped_and_a_run_keeps_what_was_given(
    made_up: MadeUp, tmp_path: Path
) -> None:
    study = planned(claim("sigmoid", "elu"))
    first = looks_at(study, tmp_path, most=6)
    again = looks_at(study, tmp_path, most=12)
    assert [look.seeds for look in first] == [3, 6]
    assert [look.seeds for look in again] == [6, 12], "the look at 6 is the same look"
    assert again[-1].verdicts[0].looks == 2
    assert len(with_more(study, tmp_path).cells()) == 12 + 18
    wider = with_more(planned(claim("sigmoid", "elu"), seeds=15), tmp_path)
    assert len(wider.cells()) == 60 and wider.more[0].seeds == () and wider.more[0].looks == 3
    other = planned(claim("sigmoid", "relu"))
    assert with_more(other, tmp_path).more == {}, "another claim was given nothing"


def test_a_round_that_is_stopped_is_told_and_goes_on(
    made_up: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, runs = planned(claim("sigmoid", "elu")), []

    def stops(study: Study, options: Options, *told: object) -> None:
        runs.append(study)
        if len(runs) == 2:
            raise KeyboardInterrupt
        made_up(study, options)

    monkeypatch.setattr(nnbench.settling, "run_cells", stops)
    with pytest.raises(KeyboardInterrupt):
        looks_at(study, tmp_path)
    assert {cell.cell_id for cell in with_more(study, tmp_path).cells()} == {
        cell.cell_id for cell in runs[1].cells()
    }
    standing = standing_of_study(study, Options(tmp_path))
    assert standing.to_run == 12 + 6 and standing.settling
    assert "nnbench settle settled resumes it" in standing.lines()[1]
    elsewhere = standing_of_study(study, Options(tmp_path, file="my lab/other.toml"))
    assert "nnbench settle 'my lab/other.toml' resumes it" in elsewhere.lines()[1], "not the name"
    monkeypatch.setattr(nnbench.settling, "run_cells", made_up)
    looks = looks_at(study, tmp_path)
    assert [look.seeds for look in looks] == [6, 12]
    assert looks[-1].verdicts[0].looks == 2, "as if it had not been stopped"
    assert not standing_of_study(study, Options(tmp_path)).settling


def test_a_verdict_of_the_first_look_needs_the_evidence_too(
    made_up: MadeUp, tmp_path: Path
) -> None:
    settled = looks_at(planned(claim("tanh", "relu"), seeds=4), tmp_path)
    ends = [look.verdicts[0] for look in settled]
    assert ends[0].planned and ends[0].looks == 0 and ends[0].p > 0.05 > ends[-1].p
    made_up(planned(claim("tanh", "relu"), seeds=4), Options(tmp_path), None)
    write_claims(tmp_path / "settled")
    assert "looks" not in _document(tmp_path)["claims"][0]
    assert claims_table(read_results(tmp_path / "settled"))["p"][0] < 0.05


def _document(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "settled" / "provenance.json").read_text())["study"]
    return found


def test_the_next_look_is_at_what_is_told_to_decide_but_no_more_than_twice() -> None:
    def asked(needed: int | None) -> Verdict:
        return Verdict("", UNDECIDED, "test_accuracy", seeds_needed=needed)

    assert next_seeds([asked(5)], 3, 30) == 5
    assert next_seeds([asked(100), asked(7)], 5, 30) == 7
    assert next_seeds([asked(None)], 5, 30) == next_seeds([asked(100)], 5, 30) == 10
    assert next_seeds([asked(4)], 6, 30) == 7 and next_seeds([asked(50)], 20, 30) == 30
    assert next_seeds([], 5, 30) is next_seeds([asked(8)], 30, 30) is None


def test_no_module_hides_what_the_package_offers() -> None:
    assert all(callable(getattr(nb, name)) for name in nb.__all__)


def test_own_seeds_of_any_numbers_get_others() -> None:
    study = planned(claim("tanh", "relu"), seeds=[1, 7])
    grown = given_more(replace(study, more={0: More()}), [0], 5)
    assert grown.more[0].seeds == (0, 2, 3) and grown.seeds == (1, 7)


@pytest.mark.parametrize(
    "claims",
    [[], [claim("tanh", "relu", metric="seconds")], [claim("tanh", "relu", where={"seed": 0})]],
)
def test_what_seeds_cannot_decide_is_said(claims: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no claim that more seeds could decide"):
        looks_at(planned(*claims), tmp_path)


# The promise --------------------------------------------------------------------------------------


def test_who_settles_is_wrong_in_less_than_a_twentieth() -> None:
    """Of 6,000 studies in which nothing differs; and it still finds what differs."""
    assert follow("settle", 6000).wrong <= 0.05
    assert follow("settle", 6000, start=8).wrong <= 0.05
    assert follow("settle", 3000, mean=1.5).decided > 0.95


@pytest.mark.slow
def test_the_command_itself_decides_nothing_falsely_more_often_than_it_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two claims, each judged again and again: a false verdict is as rare as the rule has it.

    The bound of 60 studies is what chance allows them, once in forty, at the rule's rate for each.
    """
    study, wrong, studies, most = planned(claim("tanh", "relu"), claim("elu", "sigmoid")), 0, 60, 16
    monkeypatch.setattr(nnbench.settling, "reported", lambda *about: None)
    for root in range(studies):
        monkeypatch.setattr(nnbench.settling, "run_cells", MadeUp(dict.fromkeys(ARMS, 0.0), root))
        ends = looks_at(study, tmp_path / str(root), most)[-1].verdicts
        wrong += any(one.verdict in (SUPPORTED, CONTRADICTED) for one in ends)
    rate = 2 * follow("settle", 20_000, most=most).wrong
    assert rate < 0.03 and wrong <= binom.ppf(0.975, studies, rate)


# The command --------------------------------------------------------------------------------------

TOML = """
name = "settled"
[grid]
data = "iris"
activation = ["relu", "tanh"]
width = 4
epochs = 1
seeds = 2
[[claim]]
text = "tanh is better"
better = { activation = "tanh" }
than = { activation = "relu" }
"""


@pytest.mark.whole
def test_settle_trains_and_says_what_it_came_to(tmp_path: Path) -> None:
    (tmp_path / "settled.toml").write_text(TOML)
    words = ("settle", "settled.toml", "--most-seeds", "4", "--workers", "1", "--json")
    ended = start(*words, cwd=tmp_path).end()
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["cells"], told["seeds"], len(told["verdicts"])) == (8, 4, 1)
    assert "0 of 1 claim decided, 1 still open with 2 seeds: next, 4 seeds" in ended.stderr
    again = start("run", "settled.toml", "--workers", "1", cwd=tmp_path).end()
    assert "8 networks: 8 already finished, 0 to train" in again.stderr
    status = start("status", "settled.toml", cwd=tmp_path).end()
    assert "8 of 8 networks finished" in status.stdout
