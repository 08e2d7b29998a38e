"""Diagnostics: planted gradients, deaths and scores are found and said, whatever is missing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.plots.epochs import layer_epoch_lines
from nnbench.plots.lines import NARROWEST, panel_plan
from nnbench.plots.style import ink_on
from nnbench.plots.ticks import log_tick
from nnbench.report.analysis import analyse
from nnbench.report.layers import frames
from nnbench.report.layers.pictures import diagnostics
from nnbench.report.layers.views import Diagnostic, spread_choice
from nnbench.report.page.svg import figure_svg
from nnbench.results.files import write_files
from nnbench.results.read import read_results
from nnbench.training.draws import split_for
from nnbench.training.protocol import PROBE_ROWS
from tests.synthetic import write_results

FACTOR = {  # planted: of the gradient's norm, a layer towards the input
    ("relu", "he_normal"): 1.0,
    ("relu", "xavier_normal"): 0.7,
    ("sigmoid", "he_normal"): 0.31,
    ("sigmoid", "xavier_normal"): 0.25,
}

# Drawing


def layer_values(lost: int) -> pd.DataFrame:
    rows = [("a", layer, epoch) for layer in (1, 2) for epoch in (0, 5, 10)]
    table = pd.DataFrame(rows, columns=["panel", "layer", "epoch"]).assign(value=0.25, n=4)
    table["lost"] = np.where(table["epoch"] > 0, lost, 0)
    return table.assign(value=table["value"].where((table["epoch"] == 0) | (lost == 0)))


@pytest.mark.parametrize(
    ("lost", "frames", "named"),
    [(0, {"epoch 0", "epoch 5", "epoch 10"}, "epoch 10"), (4, {"epoch 0"}, "4 of 4 diverged")],
)
def test_each_epoch_is_a_frame_and_what_diverged_is_said(
    lost: int, frames: set[str], named: str
) -> None:
    figure = layer_epoch_lines(layer_values(lost=lost), ["a"], "gradient norm")
    drawn = figure_svg(figure, "frames", "a finding")
    assert set(re.findall(r'data-said="([^"]+)"', drawn)) == frames
    assert re.findall(r'data-frame="0"', drawn) == ['data-frame="0"']
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert named in said and "epoch 5" not in said


def test_panels_with_long_labels_stand_further_apart() -> None:
    for room in (0.0, 60.0, 200.0):
        assert panel_plan(6, 3, room).size[0] >= NARROWEST


# Frames


def test_a_planted_growth_is_found() -> None:
    rows = pd.DataFrame(
        {"cell_id": "a", "layer": [1, 2, 3, 4], "g": [4 * 0.5**3, 4 * 0.5**2, 4 * 0.5, 4.0]}
    )
    relative = frames.relative_gradient(rows, "g")
    assert relative["value"].tolist() == [0.125, 0.25, 0.5, 1.0]
    growth = frames.growth_by_cell(relative)
    assert growth["log_growth"].tolist() == pytest.approx([np.log10(0.5)])
    assert growth["reached"].tolist() == [1]


def test_zeros_stay_zeros_and_what_has_no_ratio_has_no_growth() -> None:
    cells = {"zero": [0.0, 0.5, 1.0], "dead": [0.0, 0.0, 0.0], "lost": [np.nan, 1.0, np.inf]}
    rows = pd.DataFrame(
        [
            {"cell_id": name, "layer": layer, "g": value}
            for name, values in cells.items()
            for layer, value in enumerate(values, start=1)
        ]
    )
    relative = frames.relative_gradient(rows, "g")
    assert set(relative["cell_id"]) == {"zero"}
    assert relative["value"].tolist() == [0.0, 0.5, 1.0]
    growth = frames.growth_by_cell(relative)
    assert growth["reached"].tolist() == [2], "from the layers that have a gradient"
    assert growth["log_growth"].tolist() == pytest.approx([np.log10(0.5)])


def test_a_predicted_gradient_multiplies_the_growths_above() -> None:
    growth = pd.DataFrame(
        {"cell_id": ["a"] * 3 + ["b"] * 3, "layer": [1, 2, 3] * 2,
         "predicted": [0.25, 4.0, 9.0, 0.25, None, 9.0]})  # fmt: skip
    found = frames.predicted_gradient(growth).set_index(["cell_id", "layer"])["value"]
    assert found["a"].tolist() == [0.5 * 2.0, 2.0, 1.0], "the last layer's growth is not of it"
    assert found["b"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("factor", "word"),
    [(0.9, "vanish"), (0.904, "vanish"), (0.906, "keep"), (1.094, "keep"), (1.1, "explode")],
)
def test_the_verdict_turns_at_its_bounds(factor: float, word: str) -> None:
    assert frames.verdict(np.log10(factor)) == word
    assert frames.verdict(np.nan) == "no gradient"


def test_a_dead_network_is_one_with_a_wholly_dead_layer() -> None:
    rows = [("a", 0, 0.9), ("a", 5, 1.0), ("a", 10, 1.0), ("b", 0, 0.5), ("b", 5, 0.99)]
    layers = pd.DataFrame(rows, columns=["cell_id", "epoch", "dead_fraction"])
    found = frames.dead_networks(layers).set_index("cell_id")
    assert found["dead"].to_dict() == {"a": True, "b": False}
    assert found.loc["a", "epoch"] == 5


def test_a_prediction_reaches_every_cell_of_its_arm_and_no_other() -> None:
    cells = make_cells(seeds=3)
    predictions = make_predictions(cells)
    found = frames.predicted_by_cell(cells, predictions, "gradient_growth")
    joined = found.merge(cells, on="cell_id")
    assert joined["cell_id"].nunique() == len(cells)
    expected = [
        FACTOR[a, i] ** 2 for a, i in zip(joined["activation"], joined["init"], strict=True)
    ]
    assert joined["predicted"].tolist() == pytest.approx(expected)
    assert frames.predicted_by_cell(cells, None, "gradient_growth").empty


# A made-up study with probes


def make_cells(seeds: int = 3, depths: tuple[int, ...] = (6,), **columns: Any) -> pd.DataFrame:
    rows = [
        {"data": "digits", "seed": seed, "depth": depth, "width": 32, "activation": activation,
         "init": init, "init.gain": 1.0, "bias": 0.0, "norm": "none", "residual": False,
         "batch_size": 32, "optimizer": "sgd", "optimizer.lr": 0.1, "schedule": "none",
         "study": "test", "status": "ok", "diverged_at_step": None, "epochs_run": 4,
         "test_accuracy": 0.9 - 0.2 * (activation == "sigmoid") + 0.001 * seed,
         "test_loss": 0.5, "val_loss": 0.5, "seconds": 0.1, "engine": "stacked-eager"}
        for (activation, init), depth, seed in itertools.product(FACTOR, depths, range(seeds))
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(**columns)
    return frame.assign(cell_id=[f"{i:016x}" for i in range(len(frame))])


def make_layers(cells: pd.DataFrame, epochs: tuple[int, ...] = (0, 2, 4)) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = []
    for cell in cells.to_dict("records"):
        factor = FACTOR[cell["activation"], cell["init"]] * (1 + generator.normal(0, 0.004))
        for epoch, layer in itertools.product(epochs, range(1, cell["depth"] + 1)):
            dead = 0.1 * epoch if cell["activation"] == "relu" else 0.0
            rows.append(
                {"cell_id": cell["cell_id"], "epoch": epoch, "step": 10 * epoch, "layer": layer,
                 "pre_grad_norm": 2.0 * factor ** (cell["depth"] - layer),
                 "act_mean": 0.0, "act_std": 0.8**layer, "dead_fraction": dead,
                 "born_dead_fraction": 0.0, "died_fraction": dead, "revived_fraction": 0.0,
                 "layer_died_at_step": np.nan}
            )  # fmt: skip
    return pd.DataFrame(rows)


def make_predictions(cells: pd.DataFrame) -> pd.DataFrame:
    first = cells.drop_duplicates(["depth", "width", "activation", "init", "init.gain"])
    rows = []
    for cell in first.to_dict("records"):
        growth = FACTOR.get((cell["activation"], cell["init"]), 1.0) ** 2
        quantities = {"gradient_growth": growth, "act_std": 0.5, "born_dead": 0.5}
        for layer, (name, value) in itertools.product(
            range(1, cell["depth"] + 1), quantities.items()
        ):
            rows.append((cell["cell_id"], layer, name, value, "law", None))
        rows.append((cell["cell_id"], 0, "depth_scale", 1.0, "law", None))
        rows.append((cell["cell_id"], 0, "sharpness", 20.0, "law", None))
    columns = ["cell_id", "layer", "quantity", "predicted", "law", "reason"]
    return pd.DataFrame(rows, columns=columns)


def make_curves(cells: pd.DataFrame, sharpness: bool = False) -> pd.DataFrame:
    rows = [
        {"cell_id": cell, "epoch": epoch, "step": 10 * epoch, "train_loss": 1.0, "val_loss": 1.0,
         "val_metric": 0.5} | ({"sharpness": 4.0 + 5 * epoch} if sharpness else {})
        for cell, epoch in itertools.product(cells["cell_id"], range(5))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def pictures_of(
    folder: Path,
    cells: pd.DataFrame,
    layers: pd.DataFrame | None,
    predictions: pd.DataFrame | None = None,
    curves: pd.DataFrame | None = None,
    only: str = "",
) -> dict[str, Diagnostic]:
    """The pictures of a study's layers by name: all, or the ones that `only` names."""
    named = ("depth", "width", "activation", "init", "norm", "optimizer")
    factors = {
        f: [str(x) for x in dict.fromkeys(cells[f])] for f in named if cells[f].nunique() > 1
    }
    if cells["init.gain"].nunique() > 1:
        factors["init"] = []
    curves = make_curves(cells) if curves is None else curves
    write_results(folder, cells, curves, factors=factors)
    for name, frame in (("layers", layers), ("predictions", predictions)):
        if frame is not None:
            write_files(folder, {f"{name}.parquet": frame.to_parquet()})
    results = read_results(folder)
    found = diagnostics(results, analyse(results), only=only.split() or None).values()
    return {diagnostic.name: diagnostic for diagnostic in found}


def texts(found: Diagnostic) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", str(found.picture.svg)))


@pytest.mark.whole
def test_a_study_of_gradients_shows_and_says_them(tmp_path: Path) -> None:
    cells = make_cells()
    found = pictures_of(tmp_path, cells, make_layers(cells), make_predictions(cells))
    assert list(found) == [
        "gradients-start", "growth", "dead-units", "gradients-end", "through-training", "signals"
    ]  # fmt: skip
    start = found["gradients-start"]
    assert (
        "sigmoid with xavier_normal shrinks 4.0-fold per layer (predicted 4.0)"
        in start.picture.title
    )
    assert "relu with he_normal is kept, at a factor of 1.00" in start.picture.title
    assert {"he_normal", "xavier_normal", "predicted"} <= set(texts(start).split())
    table = start.frame.set_index(["activation", "init"])["factor per layer"]
    assert table.to_dict() == pytest.approx(FACTOR, rel=0.01)
    assert "sigmoid with xavier_normal stays at 0.25" in found["gradients-end"].picture.title


@pytest.mark.whole
def test_the_table_of_growth_has_values_verdicts_and_predictions(tmp_path: Path) -> None:
    cells = make_cells()
    growth = pictures_of(
        tmp_path, cells, make_layers(cells), make_predictions(cells), only="growth"
    )["growth"]
    assert (
        "Of 4 combinations of activation and initialisation, 3 lose the gradient and 1 keeps it"
        in (growth.picture.title)
    )
    assert "within 5 % per layer for 4 of 4" in growth.picture.title
    for text in ("0.25 vanish", "1.00 keep", "predicted 0.31"):
        assert text in texts(growth)
    wrong = make_predictions(cells).assign(predicted=lambda frame: 1.12 * frame["predicted"])
    other = pictures_of(tmp_path / "b", cells, make_layers(cells), wrong, only="growth")["growth"]
    assert "for 0 of 4" in other.picture.title, "6 % per layer is seen"


@pytest.mark.whole
def test_dead_units_are_shown_where_some_died(tmp_path: Path) -> None:
    cells = make_cells()
    dead = pictures_of(tmp_path, cells, make_layers(cells), only="dead_units")["dead-units"]
    assert "At the end 40 % of units are dead" in dead.picture.title
    assert "0 of 3 networks" in texts(dead)
    assert "sigmoid" not in texts(dead), "no unit of a sigmoid died"
    assert "Not drawn: 1 of 2 configurations" in dead.picture.caption
    alive = make_layers(cells).assign(dead_fraction=0.0, died_fraction=0.0)
    assert not pictures_of(tmp_path / "b", cells, alive, only="dead_units")


@pytest.mark.whole
def test_a_dead_layer_is_counted_over_networks(tmp_path: Path) -> None:
    cells = make_cells()
    layers = make_layers(cells)
    first = layers["cell_id"] == cells["cell_id"].iloc[0]
    layers.loc[first & (layers["layer"] == 3) & (layers["epoch"] == 4), "dead_fraction"] = 1.0
    layers.loc[layers["dead_fraction"] == 1.0, "layer_died_at_step"] = 40
    dead = pictures_of(tmp_path, cells, layers, only="dead_units")["dead-units"]
    assert "1 of 3 networks with a dead layer, step 40" in texts(dead)
    assert "1 of 12 networks lost a whole layer" in dead.picture.title
    assert "Probes are 2 epochs (20 steps) apart" in dead.picture.caption
    # the least is that of all arms, drawn or not, and only of networks that finished
    assert "43 % of units are dead with relu, he_normal" in dead.picture.title
    assert "0 % with sigmoid" in dead.picture.title
    lost = cells.assign(status=cells["status"].where(cells["activation"] == "relu", "diverged"))
    dead = pictures_of(tmp_path / "b", lost, layers, only="dead_units")["dead-units"]
    assert "sigmoid" not in dead.picture.title


@pytest.mark.whole
def test_born_dead_networks_are_drawn_with_both_counts_and_law(tmp_path: Path) -> None:
    cells = make_cells(seeds=10, depths=(2, 4))
    cells = cells[(cells["activation"] == "relu") & (cells["init"] == "he_normal")]
    layers = make_layers(cells, epochs=(0,))
    depth = layers.groupby("cell_id")["layer"].transform("max")
    dies = layers["cell_id"].map(dict(zip(cells["cell_id"], cells["seed"], strict=True))) < depth
    layers["dead_fraction"] = dies.astype(float)
    found = pictures_of(tmp_path, cells, layers, make_predictions(cells), only="born_dead")[
        "born-dead"
    ]
    assert found.frame.set_index("depth")["k"].to_dict() == {2.0: 2, 4.0: 4}
    assert "4 of 10 networks are born dead (predicted at most 50 %)" in found.picture.title
    assert "predicted, at most" in texts(found)


@pytest.mark.whole
def test_trainability_compares_both_sides_of_six_scales(tmp_path: Path) -> None:
    parts = [make_cells(depths=(4, 16), **{"init.gain": gain}) for gain in (0.8, 1.0, 1.2)]
    cells = pd.concat(parts, ignore_index=True)
    cells = cells[(cells["activation"] == "relu") & (cells["init"] == "he_normal")]
    cells = cells.assign(cell_id=[f"{i:016x}" for i in range(len(cells))])
    cells["test_accuracy"] = np.where(cells["depth"] > 6, 0.1, 0.9)
    found = pictures_of(tmp_path, cells, make_layers(cells), make_predictions(cells))
    assert next(iter(found)) == "trainability"
    title = found["trainability"].picture.title
    assert "no deeper than 6 ξ reach a mean test accuracy of 90 %, deeper ones 10 %" in title
    assert "6 ξ, predicted" in texts(found["trainability"])
    assert found["trainability"].frame["six_xi"].unique().tolist() == [6.0]


@pytest.mark.whole
def test_sharpness_is_held_against_its_edge(tmp_path: Path) -> None:
    cells = make_cells().assign(probe_sharpness=True)
    curves = make_curves(cells, sharpness=True)
    arguments = (tmp_path, cells, make_layers(cells), make_predictions(cells), curves)
    sharp = pictures_of(*arguments, only="sharpness")["sharpness"]
    assert "predicted edge, 20" in texts(sharp)
    assert re.search(r"In (\d+) of \1 networks the sharpness settles", sharp.picture.title)


@pytest.mark.whole
def test_growth_is_drawn_over_the_width_that_moves_it(tmp_path: Path) -> None:
    parts = [make_cells().assign(width=width) for width in (16, 32, 64)]
    cells = pd.concat([part.head(3) for part in parts], ignore_index=True)
    cells = cells.assign(cell_id=[f"{i:016x}" for i in range(len(cells))])
    layers = make_layers(cells, epochs=(0,))
    width = layers["cell_id"].map(dict(zip(cells["cell_id"], cells["width"], strict=True)))
    layers["pre_grad_norm"] = (width / 64) ** (6 - layers["layer"])
    over = pictures_of(tmp_path, cells, layers, make_predictions(cells), only="growth_over_number")[
        "growth-over-number"
    ]
    assert "runs from 0.25 at width 16 to 1.00 at width 64" in over.picture.title
    assert over.frame.set_index("width")["value"].to_dict() == pytest.approx(
        {16.0: 0.25, 32.0: 0.5, 64.0: 1.0}
    )
    assert "predicted" in texts(over)


@pytest.mark.whole
def test_growth_is_drawn_over_the_batch_where_the_batch_matters(tmp_path: Path) -> None:
    """The baseline, without BatchNorm, does not feel the batch: both are drawn, not it alone."""
    parts = [make_cells().assign(norm=norm, **{"data.n": n}) for norm in ("none", "batchnorm")
             for n in (20, 40, 430)]  # fmt: skip
    cells = pd.concat([part.head(3) for part in parts], ignore_index=True)
    cells = cells.assign(cell_id=[f"{i:016x}" for i in range(len(cells))])
    cells = cells.assign(val_fraction=0.2, test_fraction=0.2)
    layers = make_layers(cells, epochs=(0,))
    own = cells.set_index("cell_id").loc[layers["cell_id"]]
    factor = np.where(own["norm"] == "none", 1.0, 1.2 + 1.0 / own["data.n"])
    layers["pre_grad_norm"] = factor ** (6 - layers["layer"])
    over = pictures_of(tmp_path, cells, layers, make_predictions(cells), only="growth_over_number")[
        "growth-over-number"
    ]
    assert over.picture.title == (
        "Under batchnorm the gradient's factor per layer runs from 1.25 at a batch of 12 to 1.20 "
        "at a batch of 256"
    )
    assert set(over.frame["panel"]) == {"no normalisation", "batchnorm"}


@pytest.mark.parametrize("n", [20, 40, 101, 430])
@pytest.mark.parametrize(("val", "test"), [(0.2, 0.2), (0.15, 0.3)])
def test_the_probed_rows_are_those_of_the_split(n: int, val: float, test: float) -> None:
    recipe = {"study_seed": 0, "data": "gaussian_signal", "seed": 0, "data.n": n,
              "data.features": 3, "data.classes": 2,
              "val_fraction": val, "test_fraction": test}  # fmt: skip
    found = frames.probed_rows(pd.Series([float(n)]), pd.DataFrame([recipe]))
    assert found.tolist() == [min(split_for(recipe).n_train, PROBE_ROWS)]


@pytest.mark.whole
def test_a_law_of_wide_layers_is_not_held_against_narrow_ones(tmp_path: Path) -> None:
    cells = make_cells().assign(width=24)
    names = ("gradients-start", "growth", "signals")
    arguments = (tmp_path, cells, make_layers(cells), make_predictions(cells))
    found = pictures_of(*arguments, only="gradients_at_start growth signals")
    for name in names:
        said = found[name].picture.title + texts(found[name])
        assert "predicted" not in said and "theory" not in said, name
    assert "Dashed" not in found["gradients-start"].picture.caption
    assert "Dashed" not in found["signals"].picture.caption


@pytest.mark.whole
def test_one_arm_that_loses_all_does_not_flatten_the_others(tmp_path: Path) -> None:
    cells = make_cells(depths=(12,))
    layers = make_layers(cells)
    gone = layers["cell_id"].isin(cells.loc[cells["activation"] == "sigmoid", "cell_id"])
    layers.loc[gone, "pre_grad_norm"] = 0.001 ** (12.0 - layers["layer"])
    layers.loc[gone, "act_std"] = 0.001 ** layers["layer"]
    found = pictures_of(tmp_path, cells, layers, only="gradients_at_start growth signals")
    for name in ("gradients-start", "signals"):
        assert "leaves the range from 10⁻¹⁶ to 10¹⁶" in found[name].picture.caption
        assert "10⁻²⁰" not in texts(found[name])
    assert "≤ 0.5" in texts(found["growth"]) and "≥ 2" in texts(found["growth"])
    assert "shrinks 1000-fold per layer" in found["gradients-start"].picture.title


def test_the_levels_that_are_drawn_lie_far_apart() -> None:
    """By ranks, nine that do alike would leave no room for the one between."""
    values = {"base": 0.0, "worst": -5.0, "odd": -2.0} | {f"same{i}": 0.01 * i for i in range(9)}
    cells = pd.DataFrame({"init": list(values), "value": list(values.values())})
    chosen, note = spread_choice(cells, "init", "value", list(values), 4)
    assert {"base", "worst", "odd"} < set(chosen) and len(chosen) == 4
    assert "4 of 12 levels" in note[0]


@pytest.mark.whole
def test_what_diverged_is_counted_apart(tmp_path: Path) -> None:
    cells = make_cells().assign(probe_sharpness=True)
    lost = (cells["activation"] == "sigmoid") & (cells["seed"] > 0)
    cells.loc[lost, "status"] = "diverged"
    curves = make_curves(cells, sharpness=True)
    sigmoid = set(cells.loc[cells["activation"] == "sigmoid", "cell_id"])
    curves["sharpness"] *= np.where(curves["cell_id"].isin(sigmoid), 1.1, 1.0)
    arguments = (tmp_path, cells, make_layers(cells), make_predictions(cells), curves)
    sharp = pictures_of(*arguments, only="sharpness")["sharpness"]
    assert "median, 2 of 3 diverged" in texts(sharp)
    assert re.search(r"In (\d+) of \1 networks .* more diverged$", sharp.picture.title)
    parts = [make_cells(depths=(4, 16), **{"init.gain": gain}) for gain in (0.8, 1.0, 1.2)]
    cells = pd.concat(parts, ignore_index=True)
    cells = cells.assign(cell_id=[f"{i:016x}" for i in range(len(cells))])
    cells.loc[(cells["depth"] == 16) & (cells["seed"] > 0), "status"] = "diverged"
    arguments = (tmp_path / "b", cells, make_layers(cells), make_predictions(cells))
    found = pictures_of(*arguments, only="trainability")["trainability"]
    assert "1 of 3" in texts(found)
    assert "Hatched" in found.picture.caption


# What may be missing


def test_without_probes_there_is_no_picture(tmp_path: Path) -> None:
    cells = make_cells()
    assert pictures_of(tmp_path, cells, None) == {}
    assert pictures_of(tmp_path / "b", cells, make_layers(cells).head(0)) == {}


def one_arm(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[(cells["activation"] == "relu") & (cells["init"] == "he_normal")]


def all_diverged(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(status="diverged", test_accuracy=None, test_loss=None)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("change", "depth"),
    [(one_arm, 1), (all_diverged, 2), (all_diverged, 3), (lambda cells: cells.head(1), 3)],
)
def test_any_study_has_a_report(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], depth: int
) -> None:
    cells = change(make_cells(depths=(depth,)))
    layers = make_layers(cells)
    full = pictures_of(tmp_path, cells, layers, make_predictions(cells))
    assert ("gradients-start" in full) == (depth >= 3)
    less = layers.drop(columns=["pre_grad_norm", "act_std", "dead_fraction"])
    assert pictures_of(tmp_path / "less", cells, less) == {}
    pictures_of(tmp_path / "zero", cells, layers.assign(pre_grad_norm=0.0, act_std=0.0))
    pictures_of(tmp_path / "nan", cells, layers.assign(pre_grad_norm=np.nan, act_std=np.nan))


@pytest.mark.whole
def test_a_zero_on_a_log_axis_is_said(tmp_path: Path) -> None:
    cells = make_cells()
    layers = make_layers(cells)
    gone = layers["cell_id"].isin(cells.loc[cells["activation"] == "sigmoid", "cell_id"])
    layers.loc[gone & (layers["layer"] == 1), "pre_grad_norm"] = 0.0
    start = pictures_of(tmp_path, cells, layers, only="gradients_at_start")["gradients-start"]
    assert ", at 0" in texts(start)
    assert "Left out" not in start.picture.caption
    layers.loc[layers["cell_id"] == cells["cell_id"].iloc[0], "pre_grad_norm"] = 0.0
    start = pictures_of(tmp_path / "b", cells, layers, only="gradients_at_start")["gradients-start"]
    assert "Left out: 1 of 12 networks" in start.picture.caption


@pytest.mark.whole
def test_of_many_arms_some_are_chosen_and_the_caption_says_so(tmp_path: Path) -> None:
    parts = []
    for number in range(24):
        FACTOR[f"act{number:02}", "he_normal"] = 0.2 + 0.04 * number
    try:
        parts = [make_cells(seeds=2)]
        cells = pd.concat(parts, ignore_index=True)
        start = pictures_of(tmp_path, cells, make_layers(cells), only="gradients_at_start")[
            "gradients-start"
        ]
    finally:
        for number in range(24):
            del FACTOR[f"act{number:02}", "he_normal"]
    assert "7 of 26 levels of activation" in start.picture.caption
    assert start.frame["activation"].nunique() == 7
    assert "relu" in set(start.frame["activation"]), "the baseline stays"


@pytest.mark.whole
def test_there_are_at_most_six_pictures_and_the_same_twice(tmp_path: Path) -> None:
    cells = make_cells().assign(probe_sharpness=True)
    curves = make_curves(cells, sharpness=True)
    found = pictures_of(tmp_path, cells, make_layers(cells), make_predictions(cells), curves)
    assert len(found) == 6
    results = read_results(tmp_path)
    again = diagnostics(results, analyse(results)).values()
    for one, other in zip(again, found.values(), strict=True):
        assert one.picture.svg == other.picture.svg and one.picture.data == other.picture.data


# Small things


def test_ticks_and_inks() -> None:
    assert [log_tick(y) for y in (0.001, 1, 100, 1e-7, 2e-5, 1e6)] == [
        "0.001", "1", "100", "10⁻⁷", "2·10⁻⁵", "10⁶"
    ]  # fmt: skip
    assert ink_on((1, 1, 1)) != ink_on((0, 0, 0))
    assert f"{0.9**150:.1e} {1.1**150:.1e}" == "1.4e-07 1.6e+06", "the caption's arithmetic"
