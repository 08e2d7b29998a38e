"""Units that die in time, the columns of a cell's row, what probes cost, and requests for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nnbench.catalog import VOCABULARY
from nnbench.results.rows import CELLS
from nnbench.study.metrics import METRICS
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.training.draws import split_for
from nnbench.training.plan import cost_of, disk_bytes, layer_rows, plan
from nnbench.training.probe_columns import AT_END, KEPT, DeathInTime, growth
from nnbench.training.protocol import Rates, Record
from nnbench.training.stacked.stack import Stack
from nnbench.training.stacked.train import Watch
from tests.helpers import make_cells, train_all, train_by_reference

LAYERS = {"layers": True}
SHARP = {"layers": True, "sharpness": True}
IN_TIME = ("born_dead_fraction", "died_fraction", "revived_fraction", "layer_died_at_step")


def probed(probes: dict[str, Any] = LAYERS, **grid: Any) -> Any:
    return make_cells(document={"probes": probes}, **grid)


# ------------------------------------------------------------------------------ dead in time

ALIVE, DEAD = 9.0, -9.0  # biases that no input of a moon outweighs
HISTORY = [
    # what each of three units is, and the layer's born, died and revived units and its last step
    ([DEAD, ALIVE, ALIVE], 1, 0, 0, None),
    ([DEAD, DEAD, DEAD], 1, 2, 0, 4),
    ([DEAD, DEAD, ALIVE], 1, 1, 1, None),
    ([ALIVE, DEAD, ALIVE], 0, 1, 2, None),
    ([DEAD, DEAD, DEAD], 1, 2, 0, 16),
    ([DEAD, DEAD, DEAD], 1, 2, 0, 16),
]


def test_a_unit_is_born_dead_one_dies_one_revives() -> None:
    cells = probed(width=3, depth=1, activation="relu", epochs=5)
    stack = Stack(cells * 2, torch.device("cpu"))
    records = [Record(cell.cell_id, cell.recipe, "accuracy") for cell in cells * 2]
    watch = Watch(stack, records, [Rates(cell.recipe, 4) for cell in cells * 2], steps=4)
    for epoch, (biases, *_) in enumerate(HISTORY):
        params = stack.network.params.clone()
        params[:, :6] = 0.3  # the hidden layer's weights; 3 biases follow
        params[:, 6:9] = torch.tensor(biases)
        stack.network = stack.network._replace(params=params)
        watch.evaluate([0, 1], epoch, None)
    found = [tuple(row[name] for name in IN_TIME) for row in records[0].layers]
    third = pytest.approx
    assert found == [
        (third(born / 3), third(died / 3), third(revived / 3), step)
        for _, born, died, revived, step in HISTORY
    ]
    row = records[0].row([(1, 1)], 0.0, "test")
    assert row["last_unit_died_at_step"] == 4  # the first time, though the layer revived
    assert row["dead_fraction_start"] == third(1 / 3) and row["dead_fraction_end"] == 1


def test_a_layer_that_is_born_dead_died_at_step_0() -> None:
    died = DeathInTime()
    assert died.add(0, np.array([[True, True], [True, False]]))["layer_died_at_step"] == [0, None]
    assert died.add(7, np.array([[True, True], [True, True]]))["layer_died_at_step"] == [0, 7]
    assert died.add(9, np.array([[False, True], [True, True]]))["layer_died_at_step"] == [None, 7]
    assert died.first_empty_step == 0


# ---------------------------------------------------------------------------- columns of cells


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.3])
def test_growth_of_a_linear_network_is_its_gain(gain: float) -> None:
    init = {"name": "orthogonal", "gain": gain}
    (row,) = train_all(probed(activation="identity", init=init, depth=9, width=6, epochs=0)).cells
    assert row["gradient_growth"] == pytest.approx(gain, rel=1e-12)
    assert row["signal_growth"] == pytest.approx(gain, rel=1e-12)
    drift = pytest.approx(abs(np.log10(gain)), abs=1e-12)
    assert row["gradient_drift"] == drift and row["signal_drift"] == drift


def test_growth_has_the_direction_of_its_path() -> None:
    rows = train_all(probed(depth=4, activation="sigmoid", init="xavier_normal", epochs=0))
    (row,), layers = rows.cells, rows.layers
    back = (layers[0]["act_grad_norm"] / layers[-1]["act_grad_norm"]) ** (1 / 3)
    sizes = [np.sqrt(layer["act_mean"] ** 2 + layer["act_std"] ** 2) for layer in layers]
    assert row["gradient_growth"] == pytest.approx(back, rel=1e-12)
    assert row["gradient_growth"] < 0.5
    assert row["signal_growth"] == pytest.approx((sizes[-1] / sizes[0]) ** (1 / 3), rel=1e-12)


def test_orthogonal_layers_keep_the_correlation_of_their_inputs() -> None:
    network = {"activation": "identity", "init": "orthogonal", "depth": 5, "width": 6}
    cells = probed({"layers": True, "correlation": True}, **network, epochs=0)
    x = split_for(cells[0].recipe).x["train"]
    pairs = [(x[row], x[row + 1]) for row in range(0, len(x) - 1, 2)]
    cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in pairs]
    found = [row["correlation"] for row in train_all(cells).layers]
    assert found == pytest.approx([np.mean(cosines)] * 5, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "last", "layers"),
    [(1.0, 2.0, 1), (0.0, 2.0, 3), (2.0, 0.0, 3), (np.inf, 1.0, 3), (1.0, np.nan, 3)],
)
def test_growth_that_is_not_defined_is_null(first: float, last: float, layers: int) -> None:
    assert growth(first, last, layers) is None


def test_growth_over_more_than_floats_span() -> None:
    assert growth(1e-300, 1e300, 601) == pytest.approx(10)
    assert growth(1e300, 1e-300, 2) is None


def test_start_and_end_are_means_over_layers_of_the_first_and_last_probe() -> None:
    rows = train_all(probed(depth=3, bias=-1.0, optimizer={"name": "sgd", "lr": 0.5}))
    (row,) = rows.cells
    for name in ("dead_fraction", "saturated_fraction"):
        of_layers = [layer[name] for layer in rows.layers]
        assert row[f"{name}_start"] == pytest.approx(np.mean(of_layers[:3]))
        assert row[f"{name}_end"] == pytest.approx(np.mean(of_layers[-3:]))
        assert row[f"{name}_start"] != row[f"{name}_end"]


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_a_diverged_cell_keeps_what_was_measured_and_has_no_end() -> None:
    optimizer = {"name": "sgd", "lr": [1e-3, 1e9]}
    cells = probed(SHARP, depth=3, loss="mse", activation="identity", optimizer=optimizer)
    well, diverged = train_all(cells).cells
    assert diverged["status"] == "diverged"
    assert all(diverged[name] == well[name] for name in KEPT)
    assert {name for name in AT_END if diverged[name] is None} == set(AT_END)
    assert all(well[name] is not None for name in AT_END)


def test_columns_are_null_without_probes_and_known_to_the_table() -> None:
    for rows in (train_all(make_cells(epochs=1)), train_by_reference(make_cells(epochs=1))):
        assert {rows.cells[0][name] for name in (*KEPT, *AT_END)} == {None}
    assert {*KEPT, *AT_END} <= set(CELLS) and set(PROBED) <= {*KEPT, *AT_END}


def test_the_last_probe_tells_of_an_update_at_the_last_rate() -> None:
    # a cosine has come down to zero when training ends: no update at all would tell nothing
    cells = probed(schedule="cosine", optimizer={"name": "sgd", "lr": 0.1}, epochs=4)
    last = train_all(cells).layers[-1]
    assert last["epoch"] == 4 and last["update_ratio"] > 0


def test_probes_come_every_so_many_epochs_and_at_the_end() -> None:
    epochs = {row["epoch"] for row in train_all(probed({"layers": True, "every": 3})).layers}
    assert epochs == {0, 3, 5}


# -------------------------------------------------------------------------- what they cost

DEEP = {"depth": 20, "width": 64, "seeds": 8, "epochs": 5}


def test_memory_and_time_of_a_plan_include_probes() -> None:
    without, layers, sharp = (cost_of(probed(probes, **DEEP)[0]) for probes in ({}, LAYERS, SHARP))
    assert without.memory < layers.memory < sharp.memory
    assert without.seconds(8) < layers.seconds(8) < sharp.seconds(8)
    assert without.probes.count == 0 and layers.probes.count == 6


@pytest.mark.parametrize("probes", [LAYERS, SHARP])
def test_a_stack_with_probes_keeps_to_the_budget(probes: dict[str, Any]) -> None:
    cost = cost_of(probed(probes, **DEEP)[0])
    budget = 3 * (cost.memory + cost.data) + 1
    stacks = plan(probed(probes, **DEEP), budget=budget)
    assert [len(stack.cells) for stack in stacks] == [3, 3, 2]
    assert all(stack.memory <= budget for stack in stacks)


def test_rows_of_layers_take_room_on_the_disk() -> None:
    cells = probed({"layers": True, "every": 2}, depth=4, epochs=5)
    assert layer_rows(cells[0]) == len(train_all(cells).layers) == 16
    assert disk_bytes(plan(cells)) > disk_bytes(plan(make_cells(depth=4, epochs=5)))


# ------------------------------------------------------------------------------- requests


PROBED = [name for name, metric in METRICS.items() if metric.probes]


def claim(metric: str) -> dict[str, Any]:
    return {"text": "t", "better": {"depth": 1}, "than": {"depth": 2}, "metric": metric}


BAD = [
    ({"probes": LAYERS}, {"depth": [0, 2]}, "depth = 0 has no hidden layer"),
    ({"probes": {"sharpness": True}}, {}, "sharpness .* layers = true"),
    ({"probes": {"correlation": True}}, {}, "correlation .* layers = true"),
    ({"report": {"metric": "gradient_drift"}}, {}, r"add layers = true to \[probes\]"),
    ({"report": {"metric": "sharpness_end"}}, {}, "add layers = true and sharpness = true"),
    ({"probes": LAYERS, "report": {"metric": "sharpness_end"}}, {}, "add sharpness = true"),
    (
        {"claim": [claim("test_loss"), claim("dead_fraction_end")]},
        {"depth": [1, 2]},
        r"\[\[claim\]\] 2 metric: dead_fraction_end is measured by probes",
    ),
]


@pytest.mark.parametrize(("document", "grid", "message"), BAD)
def test_bad_request(document: dict[str, Any], grid: dict[str, Any], message: str) -> None:
    content = {"name": "test", "grid": {"data": "moons", **grid}, **document}
    with pytest.raises(StudyError, match=message) as caught:
        make_study(content, VOCABULARY)
    assert "\n" not in str(caught.value)


def test_a_network_without_hidden_layers_may_be_excluded() -> None:
    exclude = [{"depth": 0, "why": "nothing to look at"}]
    document = {"probes": LAYERS, "design": {"exclude": exclude}}
    assert len(make_cells(document=document, depth=[0, 2])) == 1


@pytest.mark.parametrize("metric", PROBED)
def test_a_metric_of_probes_may_be_asked_for_where_they_run(metric: str) -> None:
    document = {"probes": SHARP, "report": {"metric": metric}, "claim": [claim(metric)]}
    assert make_cells(document=document, depth=[1, 2])
