"""What every network is held against: models of scikit-learn, on the same splits.

A leaf: a study names them, training fits them, pages tell of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.study.fields import FIELDS, Field, Role
from nnbench.study.vocabulary import Parameter

BASELINE = "baseline"  # the kind of such a cell's recipe
ENGINE = "scikit-learn"


@dataclass(frozen=True)
class Baseline:
    """One model in words, by the task."""

    classification: str
    regression: str

    def words(self, task: str) -> str:
        """What it is called where it has this task."""
        return str(getattr(self, task))


BASELINES: Mapping[str, Baseline] = {  # the simplest first
    "constant": Baseline("the commonest class", "the mean"),
    "linear": Baseline("logistic regression", "ridge regression"),
    "neighbours": Baseline("nearest neighbours", "nearest neighbours"),
    "forest": Baseline("a random forest", "a random forest"),
    "boosting": Baseline("gradient boosting", "gradient boosting"),
}

BASELINE_FIELDS: Mapping[str, Field] = {
    "kind": Field(Role.PROGRAM, "kind of cell"),
    "baseline": Field(
        Role.PROGRAM,
        "model of scikit-learn",
        value=Parameter("linear", "model of scikit-learn", choices=tuple(BASELINES)),
    ),
    "chosen_by": Field(Role.PROGRAM, "what its setting is chosen by, on the validation part"),
    "class_weight": Field(
        Role.PROGRAM,
        "how classes weigh where the model can have it: either is another setting to choose from",
        value=Parameter("none", "of classes", choices=("none", "balanced", "either")),
    ),
    **{name: FIELDS[name] for name in ("data", "val_fraction", "test_fraction", "folds")},
    **{name: FIELDS[name] for name in ("study_seed", "seed")},
}
# with the networks beside it
SHARED = [name for name in BASELINE_FIELDS if name in FIELDS and name != "class_weight"]


def is_baseline(recipe: Mapping[str, Any]) -> bool:
    """Whether a cell is a model of scikit-learn and no network."""
    return "baseline" in recipe


def baseline_recipes(
    recipes: Iterable[Mapping[str, Any]], names: Iterable[str], chosen_by: str
) -> Iterator[dict[str, Any]]:
    """Yield the recipes of these baselines on every split that networks' recipes have, each once.

    chosen_by: the column by which the best of a few settings is chosen.
    """
    splits: dict[tuple[Any, ...], dict[str, Any]] = {}
    weights: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    for recipe in recipes:
        split = {
            place: value for place, value in recipe.items() if place.partition(".")[0] in SHARED
        }
        key = tuple(sorted(split.items()))
        splits[key] = split
        weights[key].add(recipe.get("class_weight", "none"))
    for key, split in splits.items():
        weight = "either" if len(weights[key]) > 1 else weights[key].pop()
        said = {} if weight == "none" else {"class_weight": weight}
        for name in dict.fromkeys(names):
            yield {"kind": BASELINE, "baseline": name, "chosen_by": chosen_by, **said, **split}
