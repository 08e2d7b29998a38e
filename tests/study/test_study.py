"""Study files: one rule for the grid, names in normal form, designs, claims, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nnbench import stats
from nnbench.catalog import VOCABULARY
from nnbench.study.fields import FIELDS, SPARSE
from nnbench.study.grid import GRID_KEYS, parameter_at, value_label
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study, read_study
from nnbench.study.selection import matches
from nnbench.study.study import Study
from tests.places import STUDIES

SCHEDULE = {
    "name": "chained",
    "first": {"name": "exponential", "gamma": [0.9, 0.8]},
    "second": {"name": "step", "step_size": 4},
}


def study(grid: dict[str, Any], **sections: Any) -> Study:
    content = {"name": "test", "grid": {"data": "moons", "seeds": 1} | grid, **sections}
    return make_study(content, VOCABULARY)


def values(made: Study, place: str) -> list[Any]:
    return [cell.recipe[place] for cell in made.cells()]


def refusal(grid: dict[str, Any], **sections: Any) -> str:
    with pytest.raises(StudyError) as caught:
        study(grid, **sections)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------------------------------- the grid


def test_a_list_is_a_factor_and_anything_else_is_held_fixed() -> None:
    made = study({"depth": [2, 8], "width": 16, "activation": ["relu"]})
    assert made.factors == {"depth": ["2", "8"], "activation": ["relu"]}
    assert values(made, "depth") == [2, 8] and values(made, "width") == [16, 16]


def test_every_field_of_a_recipe_is_filled_in() -> None:
    (cell,) = study({}).cells()
    assert set(FIELDS) - set(SPARSE) <= set(cell.recipe)
    assert not set(SPARSE) & set(cell.recipe)  # of which no recipe has what it does not use
    assert cell.recipe["optimizer.beta1"] == 0.9
    assert cell.recipe["loss"] == "cross_entropy" and "auto" not in cell.recipe.values()


def test_a_list_within_a_variant_is_a_factor() -> None:
    made = study({"optimizer": ["sgd", {"name": "adam", "lr": [1e-3, 1e-2], "eps": 1e-6}]})
    assert made.factors["optimizer"] == ["sgd", "adam lr=0.001", "adam lr=0.01"]
    assert values(made, "optimizer.lr") == [0.1, 1e-3, 1e-2]


def test_a_variant_within_a_variant() -> None:
    made = study({"schedule": SCHEDULE})
    assert values(made, "schedule.first") == ["exponential"] * 2
    assert values(made, "schedule.first.gamma") == [0.9, 0.8]
    assert values(made, "schedule.second.step_size") == [4, 4]
    assert values(made, "schedule.second.gamma") == [0.1, 0.1]
    assert made.factors["schedule"] == ["chained first.gamma=0.9", "chained first.gamma=0.8"]
    assert made.cells()[0].recipe.of("schedule")["first.gamma"] == 0.9


def test_a_list_of_variants_within_a_variant() -> None:
    parts = ["exponential", {"name": "step", "step_size": [3, 4]}]
    made = study({"schedule": {"name": "chained", "first": parts}})
    labels = [label.removeprefix("chained ") for label in made.factors["schedule"]]
    assert labels == [
        "first=exponential",
        "first=step first.step_size=3",
        "first=step first.step_size=4",
    ]


def test_a_parameter_that_is_a_list_is_one_level_within_a_list() -> None:
    made = study({"schedule": {"name": "multistep", "milestones": [[2, 4], [3]]}})
    assert values(made, "schedule.milestones") == [(2, 4), (3,)]
    assert made.factors["schedule"] == ["multistep milestones=[2, 4]", "multistep milestones=[3]"]
    assert "list in a list" in refusal({"schedule": {"name": "multistep", "milestones": [2, 4]}})


def test_values_come_in_one_type_each() -> None:
    made = study({"dropout": 0, "depth": 2.0, "bias": -0.0, "activation": "silu"})
    (cell,) = made.cells()
    recipe = cell.recipe
    assert type(recipe["dropout"]) is float and type(recipe["depth"]) is int
    assert str(recipe["bias"]) == "0.0" and recipe["activation"] == "swish"


def test_seeds_are_a_number_or_a_list() -> None:
    assert study({"seeds": 3}).seeds == (0, 1, 2)
    assert values(study({"seeds": [5, 2]}), "seed") == [5, 2]
    for bad in (0, -1, True, [], [1, 1], [1, 1.0], [-1], "3", 1.5, 10**9, [1.5], {"a": 1}):
        assert "seeds" in refusal({"seeds": bad})


def test_the_studys_seed_is_the_root_of_all_draws() -> None:
    made = study({}, seed=7)
    assert made.seed == 7 and values(made, "study_seed") == [7]


def test_labels_lose_no_digit() -> None:
    made = study({"dropout": [0.1234567, 0.12345671], "bias": [0.0, 1.0, 1e-05]})
    assert made.factors == {"bias": ["0", "1", "1e-05"], "dropout": ["0.1234567", "0.12345671"]}


def test_labels_are_those_of_the_report() -> None:
    """The statistics label the table's rows by themselves; levels are ordered by these labels."""
    for value in (0.001, 1e-5, 8, 2.0, True, None, "relu"):
        assert value_label(value) == stats.format_level(value)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"depht": 2}, 'unknown key "depht"; did you mean "depth"?'),
        ({"activation": "tahn"}, 'unknown name "tahn"; did you mean "tanh"?'),
        ({"activation": []}, "activation is an empty list"),
        ({"optimizer": {"name": "sgd", "lr": []}}, "optimizer.lr is an empty list"),
        ({"optimizer": {"lr": 0.1}}, 'the table needs a name = "..."'),
        ({"optimizer": {"name": ["sgd", "adam"]}}, "must be a name in quotes"),
        ({"optimizer": {"name": "sgd", "rate": 1}}, 'unknown parameter "rate"'),
        ({"optimizer": {"name": "sgd", "weight_decay": 0}}, "is a key of [grid] itself"),
        ({"optimizer": 3}, "must be a name in quotes"),
        ({"optimizer": {"name": "sgd", "lr": -1}}, "optimizer.lr = -1: must lie in [0, 1e+12]"),
        ({"depth": 2.5}, "depth = 2.5: must be a whole number"),
        ({"depth": "2"}, "must be a whole number"),
        ({"depth": True}, "must be a whole number"),
        ({"dropout": 1.0}, "must lie in [0, 1)"),
        ({"residual": 1}, "must be true or false"),
        ({"dtype": "float16"}, "must be one of"),
        ({"depth": [2, 3, 2]}, "depth lists a level twice"),
        ({"activation": ["swish", "silu"]}, "activation lists a level twice"),
        ({"width": {"name": "wide"}}, "must be a whole number"),
        ({"loss": "mae_"}, 'unknown name "mae_"; did you mean "mae"?'),
        ({"data": "diabetes", "loss": "cross_entropy"}, "cannot train"),
        ({"schedule": {"name": "chained", "first": {"gamma": 1}}}, "schedule.first"),
        ({"schedule": {"name": "chained", "first": "nothing_like_it"}}, "unknown name"),
    ],
)
def test_a_grid_that_cannot_be(grid: dict[str, Any], words: str) -> None:
    assert words in refusal(grid)


def test_data_is_required() -> None:
    with pytest.raises(StudyError, match="data is missing"):
        make_study({"name": "test", "grid": {"depth": 2}}, VOCABULARY)


# --------------------------------------------------------------------------------------- the design


def test_one_factor_changes_one_thing_at_a_time() -> None:
    grid = {"depth": [2, 4, 8], "activation": ["relu", "tanh", "silu"]}
    design = {"kind": "one_factor", "baseline": {"depth": 4.0, "activation": "silu"}}
    made = study(grid, design=design)
    arms = [(cell.recipe["depth"], cell.recipe["activation"]) for cell in made.cells()]
    assert arms == [(4, "swish"), (2, "swish"), (8, "swish"), (4, "relu"), (4, "tanh")]
    assert made.factors == {"depth": ["4", "2", "8"], "activation": ["swish", "relu", "tanh"]}
    assert made.design.baseline == {"depth": 4, "activation": "swish"}


def test_a_baseline_may_name_parameters() -> None:
    grid = {"optimizer": {"name": "sgd", "lr": [0.1, 0.3]}}
    for baseline in ({"optimizer": {"name": "sgd", "lr": 0.3}}, {"optimizer.lr": 0.3}):
        assert values(study(grid, design={"baseline": baseline}), "optimizer.lr") == [0.3, 0.1]


@pytest.mark.parametrize(
    "baseline",
    [
        {"depth": 16},
        {"depth": [2, 4]},
        {"dephts": 2},
        {"optimizer": {"name": "sgd", "lr": 1e-3}},
        {"optimizer": "adam", "optimizer.lr": 0.1},
        {"optimizer": {"name": "sgd", "beta1": 0.9}},
        {"seed": 0},
    ],
)
def test_a_baseline_is_a_level_of_the_grid(baseline: dict[str, Any]) -> None:
    grid = {"depth": [2, 4], "optimizer": [{"name": "sgd", "lr": 0.1}, "adam"]}
    assert "[design] baseline" in refusal(grid, design={"baseline": baseline})


def test_a_sample_draws_different_arms_and_all_their_seeds() -> None:
    grid = {"depth": list(range(1, 11)), "width": list(range(1, 11)), "seeds": 2}
    for n in (3, 60, 100, 400):
        made = study(grid, design={"kind": "sample", "n": n})
        arms = {(cell.recipe["depth"], cell.recipe["width"]) for cell in made.cells()}
        assert len(arms) == min(n, 100) and len(made.cells()) == 2 * len(arms)
    assert len({tuple(values(study(grid, design=made.design.model_dump()), "width"))}) == 1


def test_a_sample_is_another_for_another_study_seed_and_reaches_all_levels() -> None:
    grid = {"depth": list(range(1, 101)), "width": list(range(1, 101))}
    design = {"kind": "sample", "n": 1000}
    first, second = (study(grid, design=design, seed=seed) for seed in (1, 2))
    pairs = [
        set(zip(values(made, "depth"), values(made, "width"), strict=True))
        for made in (first, second)
    ]
    # two independent samples of 1,000 in 10,000 share 100, give or take a few times nine
    assert 50 < len(pairs[0] & pairs[1]) < 150
    assert all(len({pair[side] for pair in pairs[0]}) > 95 for side in (0, 1))


def test_sample_and_n_go_together() -> None:
    assert "need each other" in refusal({}, design={"kind": "sample"})
    assert "need each other" in refusal({}, design={"n": 3})


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"activation": "silu", "depth": 2}, 3),
        ({"activation": ["silu", "relu"]}, 0),
        ({"depth": 8.0}, 2),
        ({"dropout": 0, "activation": "relu"}, 2),
        ({"weight_decay": "none", "depth": 2}, 2),
        ({"weight_decay": 0, "depth": 2}, 2),
        ({"loss": "cross_entropy", "depth": 2}, 2),
        ({"activation": [{"name": "swish"}, "relu"], "depth": [2]}, 2),
    ],
)
def test_exclusions_are_read_in_normal_form(where: dict[str, Any], left: int) -> None:
    grid = {"activation": ["relu", "swish"], "depth": [2, 8]}
    design = {"exclude": [where | {"why": "not today"}]}
    if left:
        assert len(study(grid, design=design).cells()) == left
    else:
        assert "leaves no cell" in refusal(grid, design=design)


def test_an_exclusion_may_name_repeats() -> None:
    made = study({"depth": [2, 8], "seeds": 3}, design={"exclude": [{"seed": [0, 2], "why": "x"}]})
    assert values(made, "seed") == [1, 1]
    assert "is not a seed of this study" in refusal(
        {"seeds": 2}, design={"exclude": [{"seed": 7, "why": "x"}]}
    )


def test_an_exclusion_saves_a_pair_that_cannot_be() -> None:
    grid = {"data": ["moons", "diabetes"], "loss": ["cross_entropy", "mse"]}
    exclude = [{"data": "diabetes", "loss": "cross_entropy", "why": "no classes"}]
    assert "exclude" in refusal(grid)
    assert len(study(grid, design={"exclude": exclude}).cells()) == 3


def test_an_exclusion_says_why_and_what() -> None:
    assert "why" in refusal({}, design={"exclude": [{"depth": 2}]})
    assert "names no cells" in refusal({}, design={"exclude": [{"why": "all of it"}]})
    assert "[design] exclude 1" in refusal({}, design={"exclude": [{"depth": 3, "why": "x"}]})


def test_the_number_of_cells_is_limited() -> None:
    grid = {"depth": list(range(1, 600)), "width": list(range(1, 600))}
    message = refusal(grid)
    assert "358,801 cells (599 depth x 599 width x 1 seeds)" in message and "sample" in message
    assert len(study(grid, design={"kind": "one_factor"}).cells()) == 1197


# --------------------------------------------------------------------------------------- the claims


def claimed(claim: dict[str, Any], grid: dict[str, Any] | None = None, **sections: Any) -> Study:
    grid = grid or {"activation": ["relu", "silu"], "depth": [2, 8], "dropout": [0, 0.5]}
    return study(grid, claim=[{"text": "It is so"} | claim], **sections)


BETTER = {"better": {"activation": "silu"}, "than": {"activation": "relu"}}
SAME = {"same": {"activation": "silu"}, "as": {"activation": "relu"}}


def test_claims_are_in_normal_form() -> None:
    made = claimed(BETTER | {"where": {"depth": 8.0, "dropout": [0]}, "by": 0.01})
    (claim,) = made.claims
    assert claim.sides == ({"activation": "swish"}, {"activation": "relu"})
    assert claim.where == {"depth": 8, "dropout": [0.0]} and claim.by == 0.01
    assert type(claim.where["depth"]) is int
    assert made.document()["claims"] == [
        {
            "text": "It is so",
            "better": {"activation": "swish"},
            "than": {"activation": "relu"},
            "where": {"depth": 8, "dropout": [0.0]},
            "metric": "test_accuracy",
            "by": 0.01,
        }
    ]


def test_equivalence_has_its_own_form() -> None:
    (claim,) = claimed(SAME | {"margin": 0.02}).claims
    assert claim.sides == ({"activation": "swish"}, {"activation": "relu"})
    assert claim.margin == 0.02 and claim.better is None
    assert claim.model_dump(by_alias=True)["as"] == {"activation": "relu"}


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({}, "needs either better and than, or same and as"),
        ({"better": {"activation": "relu"}}, "needs either"),
        ({"better": {"activation": "relu"}, "as": {"activation": "silu"}}, "needs either"),
        (BETTER | SAME | {"margin": 1}, "needs either"),
        (BETTER | {"than": {}}, "needs either"),
        (SAME, "margin"),
        (SAME | {"margin": 0}, "greater than 0"),
        (SAME | {"margin": float("inf")}, "finite"),
        (SAME | {"margin": 0.1, "by": 0.1}, "by goes with better"),
        (BETTER | {"margin": 0.1, "by": 0.1}, "not both"),
        (BETTER | {"by": -1}, "greater than or equal to 0"),
        (BETTER | {"metric": "accuracy"}, 'did you mean "val_accuracy"?'),
        (BETTER | {"wehre": {}}, 'did you mean "where"?'),
        (BETTER | {"than": {"activation": "swish"}}, "name the same cells"),
        (BETTER | {"than": {"activation": "tanh"}}, "is not in [grid] activation ("),
        (BETTER | {"where": {"depht": 2}}, 'unknown key "depht"'),
        (
            BETTER | {"where": {"depth": 3}},
            "3 is not in [grid] depth (2, 8): add it there, or change it here",
        ),
        (BETTER | {"where": {"depth": []}}, "empty list"),
        (BETTER | {"where": {"optimizer.lrr": 1}}, "optimizer.lrr"),
        (BETTER | {"where": {"activation": "relu"}}, "no cell of this study is both in better"),
        (BETTER | {"where": {"loss": "mse"}}, "no cell of this study"),
        (BETTER | {"where": {"seed": 3}}, "is not a seed of this study"),
        ({"better": {"depth": 2, "activation": "silu"}} | {"than": {"dept": 2}}, "than"),
    ],
)
def test_a_claim_that_cannot_be(claim: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        claimed(claim)
    assert words in str(caught.value) and "[[claim]] 1" in str(caught.value)


SHARE: dict[str, Any] = {"factor": "activation", "share": {"at_most": 0.05}}
MORE = {"matters_more": "activation", "than": "depth"}


@pytest.mark.parametrize("claim", [SHARE, SHARE | {"share": {"at_least": 0.5}}, MORE])
def test_a_claim_about_shares_is_kept_as_written(claim: dict[str, Any]) -> None:
    made = claimed(claim | {"where": {"dropout": 0}})
    (document,) = made.document()["claims"]
    assert document == {
        "text": "It is so",
        "where": {"dropout": 0.0},
        "metric": "test_accuracy",
        "by": 0.0,
        **claim,
    }
    assert made.claims[0].named == {"where": {"dropout": 0.0}}


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"factor": "depth"}, "needs either"),
        ({"share": {"at_most": 0.1}}, "needs either"),
        ({"matters_more": "depth"}, "needs either"),
        (SHARE | MORE, "needs either"),
        (BETTER | {"factor": "depth"}, "needs either"),
        (BETTER | {"than": "relu"}, "with better, than names levels"),
        (MORE | {"than": {"depth": 2}}, "with matters_more, than names a factor"),
        (SHARE | {"share": {}}, "give either at_most or at_least"),
        (SHARE | {"share": {"at_most": 0.1, "at_least": 0.05}}, "give either at_most or at_least"),
        (SHARE | {"share": {"at_most": 0}}, "greater than 0"),
        (SHARE | {"share": {"at_most": 1}}, "less than 1"),
        (SHARE | {"share": {"at_mots": 0.1}}, "at_mots"),
        (SHARE | {"by": 0.1}, "leave them out"),
        (MORE | {"margin": 0.1}, "leave them out"),
        (SHARE | {"factor": "activatoin"}, 'did you mean "activation"?'),
        (SHARE | {"factor": "data"}, "within data sets: name a factor other than data"),
        (SHARE | {"factor": "seed"}, 'unknown "seed"'),
        (SHARE | {"factor": "width"}, "width has one level here"),
        (SHARE | {"where": {"activation": "relu"}}, "activation has one level here"),
        (SHARE | {"factor": "optimizer.lr"}, "optimizer.lr is a parameter of optimizer"),
        (MORE | {"than": "activation"}, "the same factor"),
        (MORE | {"than": "widht"}, "[[claim]] 1 than: unknown"),
        (MORE | {"than": 3}, "[[claim]] 1 than: "),
        (SHARE | {"metric": "seconds"}, "is measured per stack"),
    ],
)
def test_a_claim_about_shares_that_cannot_be(claim: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        claimed(claim)
    assert words in str(caught.value) and "[[claim]] 1" in str(caught.value)


def test_what_is_tuned_has_no_share() -> None:
    with pytest.raises(StudyError, match="dropout is tuned, so it is chosen and not compared"):
        claimed(SHARE | {"factor": "dropout"}, report={"tune": ["dropout"]})


def test_only_networks_have_shares() -> None:
    document = {
        "name": "walks",
        "kind": "landscape",
        "grid": {"landscape": "bowl", "optimizer": ["sgd", "adam"]},
        "claim": [{"text": "It is so", **SHARE, "factor": "optimizer"}],
    }
    with pytest.raises(StudyError, match="not for kind = "):
        make_study(document, VOCABULARY)


def test_a_claim_about_cells_left_out() -> None:
    exclude = [{"activation": "relu", "depth": 8, "why": "too slow"}]
    claim = BETTER | {"where": {"depth": 8}}
    with pytest.raises(StudyError, match="both in than and in where"):
        claimed(claim, design={"exclude": exclude})
    with pytest.raises(StudyError, match="no cell of this study"):
        claimed(claim | {"where": {"depth": 8, "dropout": 0.5}}, design={"kind": "one_factor"})
    claimed(BETTER | {"where": {"depth": 2}}, design={"exclude": exclude})


def test_where_may_narrow_a_side_by_the_same_key() -> None:
    claim = {"better": {"depth": [2, 4]}, "than": {"depth": [4, 8]}, "where": {"depth": [2, 8]}}
    claimed(claim, {"depth": [2, 4, 8]})
    with pytest.raises(StudyError, match="both in than and in where"):
        claimed(claim | {"where": {"depth": 2}}, {"depth": [2, 4, 8]})


def test_a_claim_about_what_is_derived() -> None:
    """With loss = "auto" the level says nothing: the cells do."""
    grid = {"data": ["moons", "diabetes"], "activation": ["relu", "silu"]}
    claimed(BETTER | {"where": {"loss": "mse"}}, grid)
    with pytest.raises(StudyError, match="no cell"):
        claimed(BETTER | {"where": {"loss": "mae"}}, grid)


def test_a_claim_about_a_variant_within_a_variant() -> None:
    grid = {"schedule": SCHEDULE}
    (claim,) = claimed(
        {
            "better": {"schedule": {"name": "chained", "first": {"gamma": 0.9}}},
            "than": {"schedule.first.gamma": 0.8},
        },
        grid,
    ).claims
    assert claim.better == {"schedule": "chained", "schedule.first.gamma": 0.9}


def test_a_claim_about_list_valued_parameters() -> None:
    grid = {"schedule": {"name": "multistep", "milestones": [[2, 4], [3]]}}
    sides = ("better", [[2, 4]]), ("than", [[3]])
    made = claimed({side: {"schedule.milestones": value} for side, value in sides}, grid)
    through_json = json.loads(json.dumps(made.document()))["claims"][0]
    for cell, side in zip(made.cells(), ("better", "than"), strict=True):
        assert matches(cell.recipe, through_json[side])
    assert not matches(made.cells()[0].recipe, through_json["than"])


def test_a_baseline_may_be_a_level_that_is_a_list() -> None:
    grid = {"schedule": {"name": "multistep", "milestones": [[2, 4], [3]]}}
    made = study(grid, design={"baseline": {"schedule.milestones": [[3]]}})
    assert made.factors["schedule"] == ["multistep milestones=[3]", "multistep milestones=[2, 4]"]
    with pytest.raises(StudyError, match="must be a single level"):
        study(grid, design={"baseline": {"schedule.milestones": [[3], [2, 4]]}})


def test_large_grids_are_checked_by_their_levels() -> None:
    grid = {"depth": list(range(1, 400)), "width": list(range(1, 400)), "activation": "relu"}
    claim = {"better": {"depth": 3}, "than": {"depth": 4}}
    claimed(claim, grid)
    with pytest.raises(StudyError, match=r"is not in \[grid\]"):
        claimed(claim | {"where": {"width": 400}}, grid)
    with pytest.raises(StudyError, match="both in better"):
        claimed(claim | {"where": {"depth": 5}}, grid)


# ---------------------------------------------------------------------------- report and document


def test_the_reports_names_are_checked() -> None:
    assert 'did you mean "test_loss"' in refusal({}, report={"metric": "test_los"})
    assert 'did you mean "optimizer.lr"' in refusal({}, report={"tune": ["optimizer.lrs"]})
    assert study({}, report={"tune": ["optimizer.lr", "depth"]}).report.tune[0] == "optimizer.lr"


@pytest.mark.parametrize(
    ("data", "metric"),
    [
        ("moons", "test_accuracy"),
        ("friedman1", "test_r2"),
        ({"name": "teacher", "task": "regression"}, "test_r2"),
        (["friedman1", "moons"], "test_accuracy"),
    ],
)
def test_the_metric_follows_the_task_where_none_is_named(data: Any, metric: str) -> None:
    both = {"activation": ["relu", "tanh"], "data": data}
    claim = {"text": "x", "better": {"activation": "relu"}, "than": {"activation": "tanh"}}
    made = study(both, claim=[claim])
    assert (made.report.metric, made.claims[0].metric) == (metric, metric)
    named = study(both, claim=[claim], report={"metric": "test_loss"})
    assert (named.report.metric, named.claims[0].metric) == ("test_loss", "test_loss")


def test_a_metric_that_no_cell_can_have_is_refused() -> None:
    said = refusal({"data": "friedman1"}, report={"metric": "test_accuracy"})
    assert "[report] metric: test_accuracy" in said and "use test_r2" in said
    assert "use val_accuracy" in refusal({"data": "moons"}, report={"metric": "val_r2"})
    assert study({"data": ["moons", "friedman1"]}, report={"metric": "test_r2"})
    sides = {"better": {"activation": "relu"}, "than": {"activation": "tanh"}, "text": "x"}
    mixed = {"activation": ["relu", "tanh"], "data": ["moons", "friedman1"]}
    on_friedman = {**sides, "where": {"data": "friedman1"}}
    assert "[[claim]] 1 metric: test_accuracy" in refusal(mixed, claim=[on_friedman])
    assert study(mixed, claim=[{**on_friedman, "metric": "test_r2"}, sides])


def test_document_is_json_and_says_all() -> None:
    made = study({"depth": [2, 8]}, title="T", question="Q", prediction="P", seed=3)
    document = json.loads(json.dumps(made.document(), allow_nan=False))
    said = "name kind title question prediction paper"
    resolved = "seed grid design probes report claims factors seeds"
    assert {*said.split(), *resolved.split()} == set(document)
    assert document["factors"] == {"depth": ["2", "8"]} and document["title"] == "T"
    assert study({}).document()["title"] == study({}).title == "test"


def test_what_it_says_of_itself_is_read_again() -> None:
    """A study's document, less what is derived, is a study: the same cells, claims and design."""
    design = {"baseline": {"depth": 8}, "exclude": [{"depth": 2, "dropout": 0, "why": "x"}]}
    first = claimed(BETTER | {"where": {"depth": 8}}, design=design)
    document = first.document()
    document["claim"] = document.pop("claims")
    for derived in ("factors", "seeds"):
        del document[derived]
    second = make_study(document, VOCABULARY)
    assert [cell.cell_id for cell in second.cells()] == [cell.cell_id for cell in first.cells()]
    assert second.document() == first.document()


def test_sections_are_properties() -> None:
    made = study({}, probes={"layers": True, "every": 5}, report={"target": 0.9})
    assert (made.probes.layers, made.probes.every) == (True, 5)
    assert made.report.target == 0.9 and made.design.kind == "full" and made.claims == ()
    assert values(made, "probe_every") == [5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Test"}, 'name "Test" is not allowed'),
        ({"titel": "x"}, 'unknown key "titel"; did you mean "title"?'),
        ({"title": 3}, 'key "title"'),
        ({"seed": -1}, 'key "seed"'),
        ({"seed": True}, 'key "seed"'),
        ({"report": {"metrics": "x"}}, 'unknown key "metrics" in key "report"'),
        ({"report": {"target": float("nan")}}, "[report] target: is nan"),
        ({"design": {"kind": "half"}}, "[design] kind"),
        ({"probes": {"every": 0}}, "[probes] every"),
        ({"grid": []}, 'key "grid"'),
        ({"grid": {"data": "moons", "depth": 10**30}}, "[grid] depth: is too large a number"),
        ({"grid": {"data": "moons", "bias": float("inf")}}, "[grid] bias: is inf"),
        ({"grid": {"data": "moons", "bias": object()}}, "give text in quotes"),
        ({"title": "a\x00b"}, "control character"),
        ({"title": "x" * 20_000}, "20,000 characters"),
        ({"claim": {"text": "x"}}, 'key "claim"'),
    ],
)
def test_a_document_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as caught:
        make_study({"name": "test", "grid": {"data": "moons"}} | change, VOCABULARY)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_mistake_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "bad"\n[grid]\ndata = "moon"\n')
    with pytest.raises(StudyError, match=r'bad\.toml: .*"moon"; did you mean "moons"'):
        read_study(path, VOCABULARY)


def test_every_shipped_study_reads() -> None:
    assert STUDIES
    for path in STUDIES:
        assert read_study(path, VOCABULARY).name == path.stem


def test_every_field_has_a_sound_default() -> None:
    for key in GRID_KEYS:
        value = parameter_at(key, {}, VOCABULARY)
        if not value.registry:
            assert value.accept(value.default) == value.default
            assert type(value.accept(value.default)) is type(value.default)
