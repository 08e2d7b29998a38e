"""The stage: a large landscape on which a reader chooses walks and has them played step by step.

A page keeps the walks as whole pixels, each as the way from the point before. Without its script
the stage is a still of two walks with numbered steps.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from nnbench.plots.stage import Scene, scene_of, stage_still
from nnbench.report.other_kinds import walk_frames as wf
from nnbench.report.page import table_cells
from nnbench.report.page.parts import (
    Column,
    Picture,
    Stage,
    Table,
    TableCell,
    picture,
    table_of,
)
from nnbench.report.page.svg import figure_svg
from nnbench.report.page.words import typeset
from nnbench.results.read import Results

NAME = "stage"
MOST_STARTS = 3  # of each optimizer on a landscape
MOST_KEPT = 160_000  # points of all walks: a page stays under 3 MB
MOST_DRAWN = 70  # points of a walk: the first of them all, later ones evenly
STILL = 0.75  # pixels: a walk that moves no further from here on has come to rest


def about(landscape: Mapping[str, Any]) -> str:
    """Its formula, and what it is like."""
    return f"{typeset(landscape['formula'])}. {landscape['summary']}"


def stage_picture(
    walks: pd.DataFrame,
    results: Results,
    landscapes: Mapping[str, Mapping[str, Any]],
    panel: str,
    title: str,
) -> Picture:
    """The stage of all walks, set to two of a landscape: one that arrives and one that does not.

    walks: labelled, as of `walk_frames.labelled_walks`. panel: the landscape that tells most, and
    title: what is found there.
    """
    panels = list(dict.fromkeys(walks["panel"]))
    scenes = {name: scene_of(landscapes[name], name) for name in panels}
    chosen, seeds = _chosen(walks, results.curves)
    shown = _shown(walks, panel, seeds)
    still = stage_still(landscapes[panel], panel, _points_of(shown, results.curves))
    starts = "the first start" if len(seeds) == 1 else f"one of the first {len(seeds)} starts"
    ends = " and ".join(_end_said(row) for _, row in shown.iterrows())
    rest = (
        f"Hollow circle: the start; diamond: an end at a global minimum; cross: an end elsewhere. "
        f"With scripts enabled, choose landscape, optimizers and {starts}, and play."
    )
    told = f"From one start, {ends}. {rest} Numbers count steps."
    table = walk_table(shown)
    drawn = picture(still, NAME, title, f"{about(landscapes[panel])} {told}", table)
    document = _document(chosen, results.curves, scenes, shown, seeds)
    document["about"] = [f"{about(landscapes[name])} {rest}" for name in panels]
    drawings = [
        Markup(figure_svg(scene.figure, f"{NAME}{place}", f"The landscape {name}"))
        for place, (name, scene) in enumerate(scenes.items())
    ]
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return replace(drawn, stage=Stage(text, drawings))


def _chosen(walks: pd.DataFrame, curves: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """The walks that are kept, one for each arm, mark and start, and the starts.

    Fewer starts, at last one, and then the first marks only, where there are too many points.
    """
    keys = ["panel", "arm", "mark", "seed"]
    every = walks.drop_duplicates(keys)
    counts = curves.groupby("cell_id").size().clip(upper=MOST_DRAWN)
    size = every["cell_id"].map(counts).fillna(0)
    seeds = sorted(every["seed"].unique())[:MOST_STARTS]
    while len(seeds) > 1 and size[every["seed"].isin(seeds)].sum() > MOST_KEPT:
        seeds = seeds[:-1]
    kept = every[every["seed"].isin(seeds) & (size > 0)]
    if size[kept.index].sum() > MOST_KEPT:
        kept = kept[kept["mark"] == kept["mark"].iloc[0]]
    return kept, [int(seed) for seed in seeds]


def _shown(walks: pd.DataFrame, panel: str, seeds: list[int]) -> pd.DataFrame:
    """Two walks on a landscape: of the arm that arrives most often, and of the one that does least.

    From the first start at which only the one arrives, if there is any.
    """
    here = walks[(walks["panel"] == panel) & (walks["mark"] == walks["mark"].iloc[0])]
    arms = wf.shares(here, ["arm"])
    order = arms.sort_values("share", ascending=False, kind="stable")["arm"].tolist()
    pair = list(dict.fromkeys([order[0], order[-1]]))
    found = here[here["arm"].isin(pair) & here["seed"].isin(seeds)]
    arrived = found[found["reached"]]
    ends = [set(arrived.loc[arrived["arm"] == arm, "seed"]) for arm in pair]
    seed = min(ends[0] - ends[-1], default=seeds[0])
    rows = [found[(found["arm"] == arm) & (found["seed"] == seed)].head(1) for arm in pair]
    return pd.concat(rows)


def _end_said(row: Any) -> str:
    name = _said(row)
    if row["reached"]:
        return f"{name} arrives after {row['steps_to_minimum']:.0f} steps"
    return f"{name} {'diverges' if row['status'] == 'diverged' else 'ends elsewhere'}"


def _level_of(row: Any) -> str:
    """`lr 0.03`: what an arm has besides its optimizer."""
    level = str(row["arm"]).removeprefix(str(row["optimizer"])).strip()
    return level.replace("=", " ") or "defaults"


def _said(row: Any) -> str:
    is_bare = row["arm"] == row["optimizer"]
    return str(row["optimizer"]) if is_bare else f"{row['optimizer']} ({_level_of(row)})"


def walk_table(walks: pd.DataFrame) -> Table:
    """How each of some walks ends."""
    columns = [
        Column("walk", of=_said),
        Column("id", of=lambda row: TableCell(str(row["cell_id"]), is_code=True)),
        Column("at a global minimum", of=lambda row: "yes" if row["reached"] else "no"),
        Column(
            "distance from one", True, lambda row: table_cells.place(row["distance_to_minimum"])
        ),
    ]
    return table_of(walks, columns)


def _points_of(walks: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The points of walks, one walk after the other, as `stage_still` takes them."""
    parts = [
        curves[curves["cell_id"] == row["cell_id"]]
        .sort_values("step")
        .assign(walk=_said(row), reached=row["reached"])
        for _, row in walks.iterrows()
    ]
    return pd.concat(parts).rename(columns={"train_loss": "height"})


def _document(
    chosen: pd.DataFrame,
    curves: pd.DataFrame,
    scenes: Mapping[str, Scene],
    shown: pd.DataFrame,
    seeds: list[int],
) -> dict[str, Any]:
    """What the page's script needs: scenes with the walks on each, and how to begin."""
    here = curves[curves["cell_id"].isin(chosen["cell_id"])].sort_values(["cell_id", "step"])
    of_cell = {cell_id: rows for cell_id, rows in here.groupby("cell_id")}
    steps: dict[tuple[int, ...], int] = {}
    told = []
    for panel, scene in scenes.items():
        arms: dict[str, dict[str, dict[str, list[Any]]]] = {}
        for _, walk in chosen[chosen["panel"] == panel].iterrows():
            levels = arms.setdefault(str(walk["optimizer"]), {})
            ways = levels.setdefault(_level_of(walk), {}).setdefault(walk["mark"], [])
            ways.append(_way(walk, of_cell[walk["cell_id"]], scene, steps, seeds))
        told.append({"name": panel, "box": scene.box, "arms": arms})
    first = {
        "scene": list(scenes).index(shown["panel"].iloc[0]),
        "mark": str(shown["mark"].iloc[0]),
        "start": seeds.index(int(shown["seed"].iloc[0])),
        "arms": [[str(row["optimizer"]), _level_of(row)] for _, row in shown.iterrows()],
    }
    return {"scenes": told, "steps": [list(key) for key in steps], "first": first}


def _way(
    walk: Any, rows: pd.DataFrame, scene: Scene, steps: dict[tuple[int, ...], int], seeds: list[int]
) -> list[Any]:
    """`start, end, steps, points`: how it ends is 1 at a minimum, 0 elsewhere, -1 diverged.

    steps: the place of its steps among those seen before. points: x and y in turn, from the one
    before.
    """
    numbers = rows[["step", "x", "y", "train_loss"]].to_numpy(float)[_kept(len(rows))]
    height = numbers[:, 2] if np.isfinite(numbers[:, 2]).any() else numbers[:, 3]
    x, y = scene.pixels(numbers[:, 1], height)
    gap = np.maximum(np.abs(x - x[-1]), np.abs(y - y[-1]))
    moving = np.flatnonzero(gap > STILL)
    rest = int(moving[-1]) + 2 if len(moving) else 1  # the first place at rest is still needed
    places = np.column_stack([x, y])[:rest].round().astype(int)
    key = tuple(int(step) for step in numbers[:rest, 0])
    deltas = np.diff(places, axis=0, prepend=np.zeros((1, 2), int))
    end = -1 if walk["status"] == "diverged" else int(walk["reached"])
    at = steps.setdefault(key, len(steps))
    return [seeds.index(int(walk["seed"])), end, at, deltas.ravel().tolist()]


def _kept(count: int) -> list[int]:
    """The places that are kept of so many points: half of them the first ones, the rest evenly."""
    if count <= MOST_DRAWN:
        return list(range(count))
    half = MOST_DRAWN // 2
    later = np.linspace(half, count - 1, MOST_DRAWN - half).round().astype(int)
    return [*range(half), *dict.fromkeys(later.tolist())]
