"""What every network is held against: models of scikit-learn, on the same splits.

A leaf: a study names them, training fits them, pages tell of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nnbench.study.fields import FIELDS, Field, Role
from nnbench.study.vocabulary import Parameter

BASELINE = "baseline"  # the kind of such a cell's recipe
ENGINE = "scikit-learn"


Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """One model of scikit-learn: `path` after `sklearn.`, and what it is called with.

    words: what it is called in sentences. fixed: always given; tried: the settings of which the
    best on validation is kept. draws: whether it takes a random state. weighs: whether it is a
    classifier that takes a `class_weight`.
    """

    words: str
    path: str
    fixed: Setting = field(default_factory=dict)
    tried: Sequence[Setting] = ({},)
    draws: bool = False
    weighs: bool = False

    @property
    def module(self) -> str:
        """The module that it lies in, by its full name."""
        return f"sklearn.{self.path.rpartition('.')[0]}"

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.path.rpartition(".")[2]

    def arguments(self, setting: Setting, state: int) -> dict[str, Any]:
        """What it is made with, given a setting and a random state."""
        return {**self.fixed, **({"random_state": state} if self.draws else {}), **setting}


@dataclass(frozen=True)
class Baseline:
    """One kind of model, by the task."""

    classification: Model
    regression: Model

    def of(self, task: str) -> Model:
        """The model for a task."""
        return self.classification if task == "classification" else self.regression


def setting_text(setting: Setting) -> str:
    """A setting as tables of results have it; nothing where nothing is set."""
    return ", ".join(f"{name} = {value}" for name, value in setting.items())


def _each(name: str, *values: float) -> tuple[Setting, ...]:
    return tuple({name: value} for value in values)


def _both(
    words: str, classifier: str, regressor: str, weighs: bool = False, **about: Any
) -> Baseline:
    return Baseline(
        Model(words, classifier, weighs=weighs, **about), Model(words, regressor, **about)
    )


BASELINES: Mapping[str, Baseline] = {  # the simplest first
    "constant": Baseline(
        Model("the commonest class", "dummy.DummyClassifier"),
        Model("the mean", "dummy.DummyRegressor"),
    ),
    "linear": Baseline(
        Model(
            "logistic regression",
            "linear_model.LogisticRegression",
            {"max_iter": 1000},
            _each("C", 0.01, 0.1, 1.0, 10.0),
            weighs=True,
        ),
        Model(
            "ridge regression", "linear_model.Ridge", tried=_each("alpha", 0.1, 1.0, 10.0, 100.0)
        ),
    ),
    "neighbours": _both(
        "nearest neighbours",
        "neighbors.KNeighborsClassifier",
        "neighbors.KNeighborsRegressor",
        tried=_each("n_neighbors", 1, 5, 15, 50),
    ),
    "forest": _both(
        "a random forest",
        "ensemble.RandomForestClassifier",
        "ensemble.RandomForestRegressor",
        tried=_each("min_samples_leaf", 1, 5),
        draws=True,
        weighs=True,
    ),
    "boosting": _both(
        "gradient boosting",
        "ensemble.HistGradientBoostingClassifier",
        "ensemble.HistGradientBoostingRegressor",
        fixed={"early_stopping": False},
        tried=_each("learning_rate", 0.03, 0.1),
        draws=True,
        weighs=True,
    ),
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
    "target_transform": Field(
        Role.PROGRAM,
        "what is learned of a target: either is another setting to choose from",
        value=Parameter("none", "of the target", choices=("none", "log", "either")),
    ),
    **{name: FIELDS[name] for name in ("data", "val_fraction", "test_fraction", "folds")},
    **{name: FIELDS[name] for name in ("train_share", "study_seed", "seed")},
}
SHARE = "train_share"
SETTINGS = ("class_weight", "target_transform")  # what networks vary and a baseline chooses from
SPLIT_BY = ("folds", "data.group", "data.time")  # what rows are split by, next to a shuffle
# with the networks beside it
SHARED = [name for name in BASELINE_FIELDS if name in FIELDS and name not in SETTINGS]


def is_baseline(recipe: Mapping[str, Any]) -> bool:
    """Whether a cell is a model of scikit-learn and no network."""
    return "baseline" in recipe


def fewer_are_beside(study: Mapping[str, Any]) -> bool:
    """Whether networks of fewer rows are no factor of a study but a curve beside the rest.

    They are where `exclude` names the factor and no claim does, if there are baselines with them.
    """
    named = [side for claim in study.get("claims") or [] for side in claim.values()]
    is_claimed = any(SHARE in side if isinstance(side, dict) else side == SHARE for side in named)
    is_excluded = any(SHARE in one for one in (study.get("design") or {}).get("exclude") or [])
    return is_excluded and not is_claimed


def splits_by_more(recipe: Mapping[str, Any]) -> bool:
    """Whether rows are split by folds, a group or time, and not by a shuffle alone."""
    return any(recipe.get(key) for key in SPLIT_BY)


def baseline_recipes(
    recipes: Iterable[Mapping[str, Any]], names: Iterable[str], chosen_by: str
) -> Iterator[dict[str, Any]]:
    """Yield the recipes of these baselines on every split that networks' recipes have, each once.

    chosen_by: the column by which the best of a few settings is chosen.
    """
    splits: dict[tuple[Any, ...], dict[str, Any]] = {}
    levels: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    for recipe in recipes:
        split = {
            place: value for place, value in recipe.items() if place.partition(".")[0] in SHARED
        }
        key = tuple(sorted(split.items()))
        splits[key] = split
        for setting in SETTINGS:
            levels[key, setting].add(recipe.get(setting, "none"))
    for key, split in splits.items():
        used = {name: levels[key, name] for name in SETTINGS if levels[key, name] != {"none"}}
        said = {name: "either" if len(of) > 1 else min(of) for name, of in used.items()}
        for name in dict.fromkeys(names):
            yield {"kind": BASELINE, "baseline": name, "chosen_by": chosen_by, **said, **split}
