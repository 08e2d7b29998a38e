"""A cell's random inputs by purpose: its split, batches, initial noise and dropout noise.

Both engines are given exactly these, so that what they are compared on is training alone.
Shapes use one vocabulary: batch, feature, unit. Everything here depends on the recipe's data,
study seed and repeat, never on its other factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.registry import DATA, task_of
from nnbench.catalog.data.samples import Sample
from nnbench.lazy import Tensor, torch
from nnbench.seeds import numpy_generator, seed_for, torch_generator
from nnbench.study.recipe import Recipe, has_own_table
from nnbench.training.splits import PARTS, Rows, parts_of, share_of

# Rows evaluated at once. A constant, since a matrix product's rounding may depend on its shape: a
# cell's result must not depend on how much memory its stack was given.
BLOCK_ROWS = 512
EVALUATION = "evaluation/{}"  # purposes of the noise of an evaluation as in training


class DataError(ValueError):
    """A cell's data cannot be had: one sentence that names the data set and the way out."""


def blocks_of(n: int) -> list[NDArray[np.int64]]:
    """Cut n examples into the fewest even runs of `BLOCK_ROWS` at most."""
    return np.array_split(np.arange(n), -(-n // BLOCK_ROWS))


@dataclass(frozen=True)
class Split:
    """One data set, split and scaled.

    `x` and `y` map each part to (examples, features) float64 and to (examples,): class indices,
    or real values in units of the training part's standard deviation.
    """

    x: Mapping[str, NDArray[np.float64]]
    y: Mapping[str, NDArray[Any]]
    task: str
    n_classes: int  # 0 for regression
    unit: float = 1.0  # of y: the training part's standard deviation of the targets as they were
    is_log: bool = False  # y is of the targets' logarithms
    centre: float = 0.0  # the training part's mean of those
    size: float = 1.0  # the training part's standard deviation of the targets themselves

    def own(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of y as the targets themselves, over the training part's deviation of them."""
        if not self.is_log:
            return values
        with np.errstate(over="ignore"):  # of a network that is far off
            return np.exp(values * self.unit + self.shift)

    @property
    def shift(self) -> float:
        """What a target's logarithm, in deviations of all, is moved by before it is undone."""
        return self.centre - float(np.log(self.size))

    @property
    def own_unit(self) -> float:
        """The unit of `own`: the training part's standard deviation of the targets themselves."""
        return self.size if self.is_log else self.unit

    @property
    def one_valued(self) -> tuple[str, ...]:
        """The parts whose targets are all one value, of which R^2 is undefined."""
        return tuple(part for part in PARTS if self.spread(part) == 0)

    def spread(self, part: str) -> float:
        """Return the sum of squares of a part's `own` values about their mean; 0 if all are one.

        Over it R^2 is undefined, and not what the rounding of a mean would make of it.
        """
        y = self.own(self.y[part])
        return 0.0 if y.min() == y.max() else float(((y - y.mean()) ** 2).sum())

    @property
    def class_weights(self) -> NDArray[np.float64]:
        """The weight of each class (classes,) by which all weigh alike in the training part.

        As scikit-learn's "balanced": examples over classes times the class's examples. A class that
        is not trained on has the weight of one with a single example.
        """
        counts = np.bincount(self.y["train"], minlength=self.n_classes)
        return self.n_train / (self.n_classes * np.maximum(counts, 1))

    @property
    def nbytes(self) -> int:
        """Return the memory that the arrays take."""
        return sum(array.nbytes for arrays in (self.x, self.y) for array in arrays.values())

    @property
    def n_features(self) -> int:
        """Return the number of features."""
        return int(self.x["train"].shape[1])

    @property
    def n_train(self) -> int:
        """Return the number of training examples."""
        return int(self.x["train"].shape[0])

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the batches of an epoch."""
        return steps_per_epoch(self.n_train, batch_size)

    def targets(self, part: str, form: str) -> NDArray[Any]:
        """Return a part's targets as a loss wants them: (n,) classes, or (n, outputs) numbers."""
        y = self.y[part]
        if form == "class":
            return y
        if form == "value":
            return y[:, None]
        if self.n_classes == 2:
            return y[:, None].astype(np.float64)
        return np.eye(self.n_classes)[y]

    def n_outputs(self, form: str) -> int:
        """Return the outputs that a network needs for targets of this form."""
        return outputs_for(self.n_classes, form)


def outputs_for(n_classes: int, form: str) -> int:
    """The outputs that a network needs for targets of a form: one tells two classes one-hot."""
    return {"class": n_classes, "one_hot": 1 if n_classes == 2 else n_classes, "value": 1}[form]


def steps_per_epoch(n_train: int, batch_size: int) -> int:
    """The batches of an epoch; a batch size of 0 means all examples at once.

    The last one may be smaller, as with torch's DataLoader; a lone example is left over, since
    BatchNorm cannot normalise it and arms with and without must see the same batches.
    """
    full, rest = divmod(n_train, batch_size or n_train)
    return full + (rest > (1 if full else 0))


def draw_key(recipe: Recipe) -> tuple[Any, ...]:
    """Return what a cell's draws depend on; cells with equal keys share all their draws."""
    data = tuple(sorted(item for item in recipe.items() if item[0].split(".")[0] == "data"))
    share = recipe.get("train_share", 1.0)
    fractions = (recipe["val_fraction"], recipe["test_fraction"], share)
    kind = (recipe.get("folds", 0), recipe.get("target_transform", "none"))
    return (recipe["study_seed"], recipe["data"], recipe["seed"], data, *kind, *fractions)


class _Splits:
    """The splits used last, as many as fit in so many bytes; the newest is kept in any case."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._found: dict[tuple[Any, ...], Split] = {}

    def __call__(self, key: tuple[Any, ...]) -> Split:
        split = self._found.pop(key, None) or _split(key)
        self._found[key] = split
        while len(self._found) > 1 and sum(s.nbytes for s in self._found.values()) > self.most:
            del self._found[next(iter(self._found))]
        return split


_splits = _Splits(most=500_000_000)


def split_for(recipe: Recipe) -> Split:
    """Return the cell's data, generated or read, split (stratified by class) and scaled.

    Raises DataError for data that cannot be had, or not be split into these parts.
    """
    return _splits(draw_key(recipe))


def sizes_for(recipe: Recipe) -> tuple[int, ...] | None:
    """How many rows each part has, where repeats may differ in it; else None."""
    has_folds = bool(recipe.get("folds"))
    return _sizes(draw_key(recipe), has_folds) if has_folds or has_own_table(recipe) else None


@lru_cache(maxsize=1000)  # a plan asks for each cell, and a split's cells agree
def _sizes(key: tuple[Any, ...], has_folds: bool) -> tuple[int, ...] | None:
    _, sample, parts = _drawn(key)
    is_tied = sample.ties is not None and sample.ties.alike is not None
    return tuple(map(len, parts.values())) if is_tied or has_folds else None


def _drawn(key: tuple[Any, ...]) -> tuple[bool, Sample, Rows]:
    """Whether a data set has classes, its examples, and which part each is in.

    With folds, repeats are the folds of one shuffle, of the same examples; then those of the next.
    """
    study_seed, name, repeat, items, folds, _, val, test, share = key
    parameters = {place.partition(".")[2]: value for place, value in items if "." in place}
    shuffle, fold = divmod(repeat, folds) if folds else (repeat, 0)
    try:
        sample = DATA[name].function(
            numpy_generator(study_seed, "data", name, shuffle), **parameters
        )
        classes = task_of(dict(items)) == "classification"
        if classes:
            sample = _numbered(sample)
        labels = sample.y if classes else None
        state = seed_for(study_seed, "split", name, shuffle)
        among = (fold, folds) if folds else None
        parts = parts_of(len(sample.x), labels, state, val, test, sample.ties, among)
        if share < 1:
            parts["train"] = share_of(parts["train"], labels, share, sample.ties)
    except ValueError as problem:
        raise DataError(f"{_title(key)}: {problem}") from None
    return classes, sample, parts


def _title(key: tuple[Any, ...]) -> str:
    """What a message calls the data of a draw key: a table by its file."""
    name, fields = key[1], dict(key[3])
    return f'[grid] data "{Path(fields["data.path"]).name if has_own_table(fields) else name}"'


def _split(key: tuple[Any, ...]) -> Split:
    classes, sample, parts = _drawn(key)
    name = key[1]
    if key[5] == "log":
        _check_positive(_title(key), sample)
    y = {part: sample.targets(part)[rows] for part, rows in parts.items()}
    about: dict[str, Any] = {}
    if not classes:
        about = {"is_log": key[5] == "log"}
        if about["is_log"]:
            about["size"] = float(_scaler(y["train"])[1])
            y = {part: np.log(values) for part, values in y.items()}
        centre, unit = _scaler(y["train"])
        y = {part: (values - centre) / unit for part, values in y.items()}
        about |= {"unit": float(unit), "centre": float(centre)}
    return Split(
        x=_prepared({part: sample.x[rows] for part, rows in parts.items()}, DATA[name].scaled),
        y=y,
        task="classification" if classes else "regression",
        n_classes=int(sample.y.max()) + 1 if classes else 0,
        **about,
    )


def _check_positive(title: str, sample: Sample) -> None:
    every = [sample.y] if sample.observed is None else [sample.y, sample.observed]
    count = sum(int((values <= 0).sum()) for values in every)
    if count:
        raise DataError(
            f'{title}: target_transform = "log" needs targets above 0, and {count:,} of '
            f"{sum(map(len, every)):,} {'is' if count == 1 else 'are'} not: leave it out"
        )


def _numbered(sample: Sample) -> Sample:
    """Number the classes that occur from 0 up."""
    values = np.unique(sample.y)
    observed = sample.observed
    return sample._replace(
        y=np.searchsorted(values, sample.y),
        observed=None if observed is None else np.searchsorted(values, observed),
    )


def _prepared(x: Mapping[str, NDArray[np.float64]], scaled: bool) -> dict[str, NDArray[np.float64]]:
    """Fill in missing values and scale, by the training part's medians, means and deviations.

    x: each part's (examples, features), which are overwritten.
    """
    for feature in np.flatnonzero(np.any([np.isnan(part).any(0) for part in x.values()], 0)):
        known = x["train"][:, feature]
        known = known[~np.isnan(known)]
        median = np.median(known) if len(known) else 0.0
        for part in x.values():
            part[np.isnan(part[:, feature]), feature] = median
    if scaled:
        mean, scale = _scaler(x["train"])
        for part in x.values():
            part -= mean
            part /= scale
    return dict(x)


def _scaler(values: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return mean and standard deviation over the examples; a constant feature has scale 1.

    A deviation that is mere rounding of a constant counts as none: dividing by it would blow up.
    """
    scale = values.std(0)
    constant = scale <= 1e-13 * np.abs(values).max(0)
    return values.mean(0), np.where(constant, 1.0, scale)


class Draws:
    """The stream of one cell's draws during training; cells with one `draw_key` can share it."""

    def __init__(self, recipe: Recipe) -> None:
        self._place = (recipe["study_seed"], recipe["data"], recipe["seed"])
        self._generators: dict[str, torch.Generator] = {}

    def _generator(self, purpose: str) -> torch.Generator:
        if purpose not in self._generators:
            study_seed, data, repeat = self._place
            self._generators[purpose] = torch_generator(study_seed, purpose, data, repeat)
        return self._generators[purpose]

    def init_noise(self, layer: str, *shape: int) -> Tensor:
        """Return standard normal noise, float64, for a layer's weight or bias, by its name."""
        study_seed, data, repeat = self._place
        generator = torch_generator(study_seed, f"init/{layer}", data, repeat)
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def next_order(self, n_train: int) -> Tensor:
        """Return the order (n_train,) in which the next epoch visits the training examples."""
        return torch.randperm(n_train, generator=self._generator("batches"))

    def next_noise(self, purpose: str, layer: int, batch: int, units: int) -> Tensor:
        """Return uniform noise (batch, units), float32, for the next step of a hidden layer.

        `purpose` is ``dropout`` or ``activation``, or either within `EVALUATION`: each has a stream
        of its own in each layer.
        """
        return torch.rand(batch, units, generator=self._generator(f"{purpose}/{layer}"))
