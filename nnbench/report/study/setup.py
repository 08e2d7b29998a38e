"""What was run: every level with its parameters, and all that was held fixed."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from nnbench.report.claims.sentences import described
from nnbench.report.page.parts import Bullets, Column, Part, Picture, Section, paragraph, table_of
from nnbench.report.page.words import capital, in_words, listed
from nnbench.results.read import Results
from nnbench.stats import format_level
from nnbench.study.selection import flattened
from nnbench.study.study_kinds import (
    LANDSCAPE,
    NUMERICS,
    STUDY_KINDS,
    TRAINING,
    grid_keys,
    study_kind_of,
)

MOST_LEVELS = 40
LONGEST_NUMBER = 10  # characters of a number that a person wrote
# what acts on nothing without
NEEDS = {"optimizer": "epochs", "decoupled": "weight_decay", "dropout_kind": "dropout"}
DULL = (("data.decimal", "auto"), ("data.rows", 0))  # what nobody asked for
SAID = {
    ("evaluation", "eval"): "dropout off, running statistics",
    ("evaluation", "train"): "as in training",
    ("bias", "0"): "starts at 0",
    ("epochs", "0"): "0: nothing is trained",
}
OFF = (None, "none", "false", "0", "–")  # what a key that is not used stands at
HIDDEN = ("data.sha256", "data.csv", "data.parquet")  # a page tells nothing of a machine's folders
UNITS = {
    "depth": "hidden layers",
    "width": "units per layer",
    "val_fraction": "of all examples",
    "test_fraction": "of all examples",
}
MEANT = {
    LANDSCAPE: "A walk is one optimizer from one start. A configuration is one choice of settings, "
    f"over all starts. A block is {STUDY_KINDS[LANDSCAPE].block}.",
    NUMERICS: "A sweep is one way of writing the loss, in one number type, along all logits.",
}
OF_NETWORKS = (
    "A network is trained once, from one seed. A configuration is one choice of settings, over all "
    f"seeds. A block is {STUDY_KINDS[TRAINING].block}: networks in it share split and batches."
)


def setup_section(results: Results, drawing: Picture | None = None) -> Section:
    """The settings that vary first, then those held fixed; what is off, and what was left out.

    drawing: of what is trained, under the table.
    """
    kind = study_kind_of(results.study)
    keys = [key for key in grid_keys(kind) if key in results.cells]
    rows, off = settings(results.cells, keys, results.study.get("factors") or {})
    has_counts = kind == TRAINING and "n_params" in results.cells
    if has_counts and results.cells["n_params"].notna().any():
        counts = results.cells["n_params"].dropna().astype(int)
        ends = dict.fromkeys(f"{count:,}" for count in (counts.min(), counts.max()))
        rows.append({"setting": "Parameters per network", "value": " to ".join(ends)})
    columns = [Column("setting"), Column("value")]
    note = f"Not used: {listed(off)}." if off else ""
    table = table_of(rows, columns, note=note, is_prose=True)
    noun = STUDY_KINDS[kind].noun
    said = paragraph(
        MEANT.get(kind, OF_NETWORKS), f" This study has {len(results.cells):,} {noun}."
    )
    drawn = [drawing] if drawing else []
    return Section("setup", "Setup", [said, table, *drawn, *excluded(results.study)])


def settings(
    cells: pd.DataFrame, keys: Sequence[str], factors: Mapping[str, Sequence[str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """A row for each key that is used, those that vary first, and the words of those that are not.

    Every level stands with all of its parameters, in the order of the file's `factors`.
    """
    varied: list[dict[str, str]] = []
    fixed: list[dict[str, str]] = []
    off: list[str] = []
    for key in keys:
        own = [c for c in cells if c == key or str(c).startswith(f"{key}.")]
        own = [str(c) for c in own if c not in HIDDEN]
        if key in NEEDS and is_off(cells, NEEDS[key]):
            off.append(in_words(key))
            continue
        found = {_level(row, key) for row in cells[own].drop_duplicates().to_dict("records")}
        levels = _in_order(found, factors.get(key, []))
        if levels == [SAID["evaluation", "eval"]]:  # as everybody expects
            continue
        if levels == [levels[0]] and levels[0] in OFF:
            off.append(in_words(key))
            continue
        shown = levels[:MOST_LEVELS]
        value = "; ".join(shown)
        if len(levels) > len(shown):
            value += f"; and {len(levels) - len(shown)} more"
        unit = f" {UNITS[key]}" if key in UNITS else ""
        rows = varied if len(levels) > 1 else fixed
        rows.append({"setting": capital(in_words(key)), "value": f"{value}{unit}"})
    return [*varied, *fixed], off


def _in_order(levels: Collection[str], labels: Sequence[str]) -> list[str]:
    names = [label.split(" ")[0] for label in labels]

    def place(level: str) -> tuple[int, str]:
        name = level.split(" ")[0]
        return (names.index(name) if name in names else len(names)), level

    return sorted(levels, key=place)


def is_off(cells: pd.DataFrame, key: str) -> bool:
    """Whether a key is off in every cell; one that is not in the table tells nothing."""
    if key not in cells:
        return False
    found = cells[key].drop_duplicates().astype(object)
    return all(value != value or format_level(value) in OFF for value in found)


def excluded(study: Mapping[str, Any]) -> list[Part]:
    """Say which combinations the study left out before the run, and why."""
    said = []
    for rule in (study.get("design") or {}).get("exclude") or []:
        parts = ({k: v} if not isinstance(v, Mapping) else flattened(k, v) for k, v in rule.items())
        named = {key: value for part in parts for key, value in part.items() if key != "why"}
        arm = described(named)
        said.append(f"{arm}: {rule['why']}" if rule.get("why") else arm)
    return [paragraph("Excluded from the grid before the run:"), Bullets(said)] if said else []


def _short(value: Any) -> str:
    """A level; `1e-8` without the padding of its power, and what no file holds to four digits."""
    text = format_level(value)
    if not isinstance(value, float):
        return text
    if len(text) > LONGEST_NUMBER:  # such as a third
        text = f"{value:.4g}"
    return re.sub(r"e([+-])0", r"e\1", text)


def _level(row: Mapping[Any, Any], key: str) -> str:
    """`adam (learning rate 0.01, beta1 0.9)`: a level with the parameters that it has."""
    known = {str(k): v for k, v in row.items() if k != key and v is not None and v == v}
    told = {name: v for name, v in known.items() if v != "" and (name, v) not in DULL}
    own = [f"{in_words(name)} {_short(value)}" for name, value in told.items()]
    value = row[key]
    name = "–" if value is None or value != value else _short(value)
    name = SAID.get((key, name), name)
    return f"{name} ({', '.join(own)})" if own else name
