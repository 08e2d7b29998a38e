"""The network that a study trains, drawn from its recipe: sizes, and where each part stands."""

from collections.abc import Mapping
from typing import Any

from nnbench.catalog.data.registry import DATA
from nnbench.catalog.losses import LOSSES
from nnbench.plots.blueprint import Block, blueprint
from nnbench.report.analysis import Analysis
from nnbench.report.page.parts import Picture, picture
from nnbench.report.page.words import amount
from nnbench.results.read import Results
from nnbench.stats import format_level
from nnbench.study.recipe import Recipe, has_own_table
from nnbench.training.draws import outputs_for, split_for

NAME = "network"
PARTS = ("depth", "width", "activation", "norm", "dropout", "residual", "init", "loss")
OFF = ("none", "0", "0.0", "false")


def network_picture(results: Results, analysis: Analysis) -> Picture | None:
    """Draw the network of the baseline's first cell; None where its sizes cannot be known."""
    cells = analysis.labelled
    for factor, level in analysis.baselines.items():
        here = cells[cells[factor] == level] if factor in cells else cells
        cells = here if len(here) else cells
    rows = results.cells[results.cells["cell_id"] == cells["cell_id"].iloc[0]]
    row = {str(key): value for key, value in rows.iloc[0].dropna().items()}
    if int(row.get("depth", 0)) < 1 or (sizes := sizes_of(results, row)) is None:
        return None
    varied = {name.partition(".")[0] for name in (results.study.get("factors") or {})}
    depth, params = int(row["depth"]), int(row["n_params"])
    layers = amount(depth, "hidden layer")
    skips = bool(row.get("residual")) and depth > 1
    figure = blueprint(blocks_of(row, *sizes, varied), layers, skips)
    where = f" for {row['data']}" if results.cells["data"].nunique() > 1 else ""
    title = f"The network{where}: {depth} × {row['width']} hidden units, {params:,} parameters"
    caption = "The baseline's network, from its inputs (top) to its loss."
    if varied & set(PARTS):
        caption += " Blue: what the study varies here."
    return picture(figure, NAME, title, caption)


def sizes_of(results: Results, row: Mapping[str, Any]) -> tuple[int, int] | None:
    """The network's inputs and outputs; None for data or a loss of one's own that is not here."""
    if row["data"] not in DATA or row.get("loss") not in LOSSES:
        return None
    if has_own_table(row):  # whose file may be elsewhere by now
        told = results.provenance.get("tables") or []
        keys = ("sha256", "target", "task")  # a file may be read for several targets
        of_row = [one for one in told if all(one.get(key) == row[f"data.{key}"] for key in keys)]
        if len({one.get("features") for one in of_row}) != 1:
            return None
        inputs, classes, task = (of_row[0].get(key) for key in ("features", "classes", "task"))
    else:
        split = split_for(Recipe(row))
        inputs, classes, task = split.n_features, range(split.n_classes), split.task
    return inputs, outputs_for(len(classes or ()), LOSSES[row["loss"]].targets[task])


def blocks_of(row: Mapping[str, Any], inputs: int, outputs: int, varied: set[str]) -> list[Block]:
    """The blocks in the order in which numbers go through them."""
    width, depth = int(row["width"]), int(row["depth"])
    sizes = f"{inputs} → {width}" + (f", then {width} → {width}" if depth > 1 else "")
    linear = Block("linear", sizes, bool({"depth", "width"} & varied), True)
    activation = Block(str(row["activation"]), f"activation of {width} units",
                       "activation" in varied, True)  # fmt: skip
    hidden = [linear, activation]
    if row["norm"] not in OFF or "norm" in varied:
        place = 1 if row.get("norm.position", "before") == "before" else 2
        name, under = str(row["norm"]), "normalisation"
        if name in OFF:
            name, under = under, "not in the baseline"
        hidden.insert(place, Block(name, under, "norm" in varied, True))
    rate = format_level(row["dropout"])
    if rate not in OFF or "dropout" in varied:
        under = "not in the baseline" if rate in OFF else f"each unit with chance {rate}"
        hidden.append(Block("dropout", under, "dropout" in varied, True))
    batch = amount(int(row["batch_size"]), "example") if row["batch_size"] else "all examples"
    start = f"initialised by {row['init']}"
    last = f"{width} → {outputs}, {start}"
    return [
        Block(f"{amount(inputs, 'input')}", str(row["data"]), "data" in varied),
        *hidden,
        Block("linear, the output", last, "init" in varied),
        Block(str(row["loss"]), f"loss over {batch}",
              "loss" in varied),
    ]  # fmt: skip
