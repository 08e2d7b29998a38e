"""Frames of what layers do: statistics joined with arms and predictions, growth, death, depth.

Frame in, frame out; nothing is drawn and torch is not needed. A *prediction* belongs to an arm,
the cells that theory cannot tell apart: it is stored once, under the id of one of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nnbench.results.predicted import arm_columns
from nnbench.stats import wilson_ends
from nnbench.training.protocol import PROBE_ROWS

KEEPS = (0.9, 1.1)  # factors of the gradient's norm, a layer, strictly between which it is kept


def arm_ids(cells: pd.DataFrame) -> pd.Series:
    """A number for each cell, alike for cells that theory cannot tell apart."""
    sharp = bool(cells["probe_sharpness"].any()) if "probe_sharpness" in cells else False
    columns = arm_columns(cells.columns, sharp)
    return cells.groupby(columns, dropna=False, sort=False).ngroup()


def predicted_by_cell(
    cells: pd.DataFrame, predictions: pd.DataFrame | None, quantity: str
) -> pd.DataFrame:
    """Return `cell_id, layer, predicted, law, reason` of every cell, for one quantity.

    `cells` are those of the results, with the recipe's own values. A layer of 0 is the network.
    """
    kinds: dict[str, Any] = {"cell_id": object, "layer": "int64", "predicted": float}
    names = ["cell_id", "layer", "predicted", "law", "reason"]
    if predictions is None:
        return pd.DataFrame(columns=names).astype(kinds)
    arms = pd.DataFrame({"cell_id": cells["cell_id"], "arm": arm_ids(cells)})
    known = predictions[predictions["quantity"] == quantity].merge(arms, on="cell_id")
    known = known.drop(columns="cell_id").drop_duplicates(["arm", "layer"])
    return arms.merge(known, on="arm")[names].astype(kinds)


def probed_rows(n: pd.Series, cells: pd.DataFrame) -> pd.Series:
    """How many examples a probe of each cell sees, of data with n examples.

    Those of the training part, which is what the validation and test parts, rounded up, leave; at
    most `PROBE_ROWS`.
    """
    rest = n - np.ceil(n * cells["test_fraction"])
    share = cells["val_fraction"] / (1 - cells["test_fraction"])
    return (rest - np.ceil(rest * share)).clip(upper=PROBE_ROWS)


def at_epoch(layers: pd.DataFrame, last: bool) -> pd.DataFrame:
    """Each cell's rows at initialisation, or at its last probe."""
    if not last:
        return layers[layers["epoch"] == 0]
    return layers[layers["epoch"] == layers.groupby("cell_id")["epoch"].transform("max")]


def relative_gradient(layers: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return `cell_id, layer, value`: each layer's gradient norm over that of the last layer.

    Cells whose last layer has no gradient, or one that is not finite, are left out: they have no
    ratio. A layer without gradient below one with has the value 0.
    """
    rows = layers.sort_values(["cell_id", "layer"])
    top = rows.groupby("cell_id")[column].transform("last").astype(float)
    value = rows[column].astype(float) / top.where((top > 0) & np.isfinite(top))
    found = rows.assign(value=value)[["cell_id", "layer", "value"]]
    return found[np.isfinite(found["value"])].reset_index(drop=True)


def predicted_gradient(growth: pd.DataFrame) -> pd.DataFrame:
    """Return `cell_id, layer, value`: the norm over the last layer's that the growths predict.

    growth: `cell_id, layer, predicted`, the factor of squared gradients from the layer above to
    this one. The last layer's is 1; a layer below one without a prediction has none.
    """
    rows = growth.sort_values(["cell_id", "layer"], ascending=[True, False]).copy()
    factor = rows["predicted"].astype(float).to_numpy(copy=True)
    factor[~rows["cell_id"].duplicated().to_numpy()] = 1.0
    rows["factor"] = np.sqrt(factor)
    rows["value"] = rows.groupby("cell_id")["factor"].cumprod()
    # A cumulative product skips a null: below the first one nothing is known.
    lost = rows["factor"].isna().groupby(rows["cell_id"]).cummax()
    rows["value"] = rows["value"].where(~lost)
    return rows.sort_values(["cell_id", "layer"])[["cell_id", "layer", "value"]]


def growth_by_cell(relative: pd.DataFrame) -> pd.DataFrame:
    """Return `cell_id, log_growth, reached`: log10 of the norm's growth a layer, towards the input.

    It is the mean over the layers from the last down to `reached`, the lowest that has a gradient:
    1, unless the numbers underflow on the way. Cells with fewer than two such layers have none.
    """
    alive = relative[relative["value"] > 0].sort_values(["cell_id", "layer"])
    ends = alive.groupby("cell_id").agg(
        reached=("layer", "first"), top=("layer", "last"), value=("value", "first")
    )
    steps = ends["top"] - ends["reached"]
    ends["log_growth"] = np.log10(ends["value"]) / steps.where(steps > 0)
    return ends.dropna(subset=["log_growth"]).reset_index()[["cell_id", "log_growth", "reached"]]


def verdict(log_growth: float) -> str:
    """Vanish, keep or explode, by the factor a layer and the bounds of `KEEPS`.

    A factor counts as it is printed, with two decimals: 0.9 a layer vanishes, and so does 0.904.
    """
    if np.isnan(log_growth):
        return "no gradient"
    factor = round(10**log_growth, 2)
    return "vanish" if factor <= KEEPS[0] else "explode" if factor >= KEEPS[1] else "keep"


def dead_networks(layers: pd.DataFrame) -> pd.DataFrame:
    """Return `cell_id, dead, epoch`: whether a layer was ever wholly dead, and when first.

    The epoch is null for networks that never had such a layer. Not born so: epoch above 0.
    """
    whole = layers[layers["dead_fraction"] >= 1.0]
    first = whole.groupby("cell_id")["epoch"].min()
    cells = pd.DataFrame({"cell_id": layers["cell_id"].unique()})
    epoch = cells["cell_id"].map(first).astype(float)
    return cells.assign(dead=epoch.notna(), epoch=epoch)


def dead_shares(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per group: `k, n, share, low, high`, of the networks that are `dead`."""
    table = frame.groupby(list(by), sort=False)["dead"].agg(["sum", "size"]).reset_index()
    table = table.rename(columns={"sum": "k", "size": "n"}).astype({"k": int, "n": int})
    share, low, high = wilson_ends(table["k"], table["n"])
    return table.assign(share=share, low=low, high=high)
