"""A cell's random inputs by purpose: its split, batches, initial noise and dropout noise.

Both engines are given exactly these, so that what they are compared on is training alone.
Shapes use one vocabulary: batch, feature, unit. Everything here depends on the recipe's data,
study seed and repeat, never on its other factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data import DATA
from nnbench.lazy import lazy_import
from nnbench.seeds import numpy_generator, seed_for, torch_generator

if TYPE_CHECKING:
    import torch
    from sklearn import model_selection
    from torch import Tensor
else:
    torch = lazy_import("torch", globals())
    model_selection = lazy_import("sklearn.model_selection", globals())

PARTS = ("train", "val", "test")


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

    @property
    def n_features(self) -> int:
        """Return the number of features."""
        return int(self.x["train"].shape[1])

    @property
    def n_train(self) -> int:
        """Return the number of training examples."""
        return int(self.x["train"].shape[0])

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the batches of an epoch.

        The last one may be smaller, as with torch's DataLoader; a lone example is left over, since
        BatchNorm cannot normalise it and arms with and without must see the same batches.
        """
        full, rest = divmod(self.n_train, batch_size)
        return full + (rest > (1 if full else 0))

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
        return self.n_classes if form == "class" else self.targets("train", form).shape[1]


def draw_key(recipe: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a cell's draws depend on; cells with equal keys share all their draws."""
    data = tuple(sorted(item for item in recipe.items() if item[0].split(".")[0] == "data"))
    fractions = (recipe["val_fraction"], recipe["test_fraction"])
    return (recipe["study_seed"], recipe["data"], recipe["seed"], data, *fractions)


def split_for(recipe: Mapping[str, Any]) -> Split:
    """Return the cell's data, generated, split (stratified by class) and scaled."""
    return _split(draw_key(recipe))


@lru_cache(maxsize=64)
def _split(key: tuple[Any, ...]) -> Split:
    study_seed, name, repeat, items, val_fraction, test_fraction = key
    entry = DATA[name]
    parameters = {place.partition(".")[2]: value for place, value in items if "." in place}
    x, y = entry.function(numpy_generator(study_seed, "data", name, repeat), **parameters)
    classes = entry.task == "classification"
    if classes:
        y = np.unique(y, return_inverse=True)[1].astype(np.int64)
    rows = np.arange(len(x))
    state = seed_for(study_seed, "split", name, repeat)
    rest, test = model_selection.train_test_split(
        rows, test_size=test_fraction, random_state=state, stratify=y if classes else None
    )
    train, val = model_selection.train_test_split(
        rest,
        test_size=val_fraction / (1 - test_fraction),
        random_state=state,
        stratify=y[rest] if classes else None,
    )
    mean, scale = _scaler(x[train])
    parts = dict(zip(PARTS, (train, val, test), strict=True))
    if not classes:
        centre, unit = _scaler(y[train].astype(np.float64))
        y = (y - centre) / unit
    return Split(
        x={part: (x[index] - mean) / scale for part, index in parts.items()},
        y={part: y[index] for part, index in parts.items()},
        task=entry.task,
        n_classes=int(y.max()) + 1 if classes else 0,
    )


def _scaler(values: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return mean and standard deviation over the examples; a constant feature has scale 1."""
    scale = values.std(0)
    return values.mean(0), np.where(scale > 0, scale, 1.0)


class Draws:
    """The stream of one cell's draws during training; cells with one `draw_key` can share it."""

    def __init__(self, recipe: Mapping[str, Any]) -> None:
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

    def next_dropout(self, layer: int, batch: int, units: int) -> Tensor:
        """Return uniform noise (batch, units), float32, for the next step of a hidden layer."""
        return torch.rand(batch, units, generator=self._generator(f"dropout/{layer}"))
