"""Data sets: shapes, balance, repeatability, and the property that each was made for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import HuberRegressor, Lasso, LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from nnbench.catalog import DATA
from nnbench.catalog.data import registry
from nnbench.catalog.data.mnist1d import _stretched, curves
from nnbench.catalog.data.registry import check_data, task_of
from nnbench.catalog.data.samples import Data, Sample
from nnbench.catalog.data.synthetic import flip
from nnbench.study.recipe import Recipe
from nnbench.training import draws
from nnbench.training.draws import DataError, Split, split_for

MADE = [name for name, entry in DATA.items() if entry.reader is None]


def recipe_of(
    name: str, *, seed: int = 0, val: float = 0.2, test: float = 0.2, **given: Any
) -> Recipe:
    """Return the part of a recipe that draws depend on; `base_n` stands for `base.n`."""
    defaults = {key: parameter.default for key, parameter in DATA[name].parameters.items()}
    if "base" in defaults:
        base = given.get("base", defaults["base"])
        defaults |= {f"base.{k}": p.default for k, p in DATA[base].parameters.items()}
    given = {key.replace("base_", "base."): value for key, value in given.items()}
    fields = {f"data.{key}": value for key, value in (defaults | given).items()}
    about = {"study_seed": 0, "seed": seed, "val_fraction": val, "test_fraction": test}
    return Recipe({"data": name, **fields, **about})


def split(name: str, **given: Any) -> Split:
    return split_for(recipe_of(name, **given))


def sample(name: str, number: int = 0, **given: Any) -> Sample:
    recipe = recipe_of(name, **given)
    parameters = {k.removeprefix("data."): v for k, v in recipe.items() if k.startswith("data.")}
    return DATA[name].function(np.random.default_rng(number), **parameters)


def whole(found: Split) -> tuple[NDArray[np.float64], NDArray[Any]]:
    return np.concatenate(list(found.x.values())), np.concatenate(list(found.y.values()))


# Every entry


@pytest.mark.parametrize("name", MADE)
def test_a_split_has_disjoint_scaled_finite_parts(name: str) -> None:
    found = split(name)
    n = sum(len(part) for part in found.x.values())
    assert {part: round(len(x) / n, 1) for part, x in found.x.items()} == {
        "train": 0.6,
        "val": 0.2,
        "test": 0.2,
    }
    for part, x in found.x.items():
        assert x.shape == (len(found.y[part]), found.n_features) and x.dtype == np.float64
        assert np.isfinite(x).all() and np.isfinite(found.y[part]).all()
    if DATA[name].scaled:
        assert np.abs(found.x["train"].mean(0)).max() < 1e-9
        spread = found.x["train"].std(0)
        assert ((np.abs(spread - 1) < 1e-9) | (spread == 0)).all()
    if found.task == "regression":
        assert found.n_classes == 0
        assert abs(found.y["train"].mean()) < 1e-9
        assert math.isclose(found.y["train"].std(), 1)


@pytest.mark.parametrize("name", MADE)
def test_classes_are_numbered_from_0_and_shared_out_evenly(name: str) -> None:
    found = split(name)
    if found.task == "regression":
        return
    shares = [np.bincount(y, minlength=found.n_classes) / len(y) for y in found.y.values()]
    assert all(len(share) == found.n_classes and share.min() > 0 for share in shares)
    flipped = 0.05 if name == "label_noise" else 0.0
    assert np.abs(shares[0] - shares[2]).max() < 0.03 + flipped
    if not DATA[name].real:
        assert shares[0].max() < 2 / found.n_classes


@pytest.mark.parametrize("name", MADE)
def test_the_same_recipe_gives_the_same_bits_and_another_seed_others(name: str) -> None:
    again = draws._split(draws.draw_key(recipe_of(name)))
    x, y = whole(split(name))
    assert np.array_equal(x, whole(again)[0]) and np.array_equal(y, whole(again)[1])
    other = whole(split(name, seed=1))[0]
    assert x.shape == other.shape and not np.array_equal(x, other)


@pytest.mark.parametrize("name", [name for name in MADE if "n" in DATA[name].parameters])
def test_n_is_the_number_of_examples(name: str) -> None:
    assert len(sample(name, n=237).x) == 237


@pytest.mark.parametrize("name", DATA)
def test_an_entry_documents_itself(name: str) -> None:
    entry: Data = DATA[name]
    assert entry.summary.endswith(".") and entry.formula and entry.reference
    assert all(parameter.program and parameter.doc for parameter in entry.parameters.values())
    function: Callable[..., Any] = entry.function
    taken = inspect.signature(function).parameters
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in taken.values()):
        assert list(taken)[1:] == list(entry.parameters)


@pytest.mark.parametrize("name", MADE)
def test_real_sets_say_so(name: str) -> None:
    same = np.array_equal(sample(name, 0).x, sample(name, 1).x)
    assert same == (DATA[name].real or name == "label_noise")  # digits, unless told otherwise


# What each is for


def line(found: Split) -> float:
    model = LogisticRegression(max_iter=300)
    return float(
        model.fit(found.x["train"], found.y["train"]).score(found.x["test"], found.y["test"])
    )


def neighbours(found: Split) -> float:
    model = KNeighborsClassifier(5)
    return float(
        model.fit(found.x["train"], found.y["train"]).score(found.x["test"], found.y["test"])
    )


@pytest.mark.parametrize(
    ("name", "given", "low"),
    [
        ("xor", {}, 0.95),
        ("xor", {"bits": 4, "noise": 0.2}, 0.95),
        ("checkerboard", {}, 0.85),
        ("checkerboard", {"squares": 5}, 0.8),
        ("circles", {}, 0.95),
        ("spirals", {}, 0.9),
    ],
)
def test_shapes_that_no_line_separates(name: str, given: dict[str, Any], low: float) -> None:
    found = split(name, **given)
    assert line(found) < 0.68
    assert neighbours(found) > low


def test_blobs_and_moons_are_nearly_linear() -> None:
    assert line(split("moons")) > 0.8
    assert line(split("blobs", spread=0.3)) > 0.95


def test_xor_without_noise_is_parity() -> None:
    found = sample("xor", n=64, bits=5, noise=0.0)
    assert set(np.unique(found.x)) == {-1.0, 1.0}
    assert np.array_equal(found.y, (found.x > 0).sum(1) % 2)


def test_checkerboard_without_noise_is_the_colour_of_the_square() -> None:
    found = sample("checkerboard", n=400, squares=4, noise=0.0)
    assert np.array_equal(found.y, np.floor(found.x).sum(1) % 2)
    assert found.x.min() >= 0 and found.x.max() < 4
    assert found.y.sum() == 200


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_teacher_is_learnable_and_not_linear(task: str) -> None:
    found = split("teacher", n=4000, features=4, task=task)
    assert found.task == task
    if task == "regression":
        model = LinearRegression().fit(found.x["train"], found.y["train"])
        assert model.score(found.x["test"], found.y["test"]) < 0.9
        return
    assert found.n_classes == 4
    assert neighbours(found) > 0.7


def test_a_teacher_without_hidden_layers_is_linear() -> None:
    assert line(split("teacher", depth=0, classes=2)) > 0.95
    assert line(split("teacher", depth=0, classes=2, noise=3.0)) < 0.8


def test_an_l1_penalty_finds_the_few_useful_features() -> None:
    found = split("linear_sparse", n=1000)
    lasso = Lasso(alpha=0.1).fit(found.x["train"], found.y["train"])
    assert np.count_nonzero(lasso.coef_) <= 8  # 5 are useful
    plain = LinearRegression().fit(found.x["train"], found.y["train"])
    scores = [m.score(found.x["test"], found.y["test"]) for m in (lasso, plain)]
    assert np.count_nonzero(plain.coef_) == 100 and scores[0] > 0.6


def test_one_feature_at_least_is_useful() -> None:
    found = sample("linear_sparse", n=200, features=3, useful=0.0, noise=0.0)
    model = LinearRegression().fit(found.x, found.y)
    assert np.count_nonzero(np.abs(model.coef_) > 1e-9) == 1


def test_rare_words_alone_tell_the_class() -> None:
    found = split("rare_features")
    assert line(found) > 0.95
    coins = {part: x[:, :20] for part, x in found.x.items()}
    words = found.x["train"][:, 20:]
    model = LogisticRegression().fit(coins["train"], found.y["train"])
    assert model.score(coins["test"], found.y["test"]) < 0.6
    assert set(np.unique(found.x["train"])) == {0.0, 1.0}  # not scaled up
    assert (words.sum(1) == 1).all()
    assert np.median(words.mean(0)) < 0.01 < words.mean(0).max()


def test_outliers_mislead_least_squares_and_not_huber() -> None:
    found = split("outliers")
    assert np.abs(found.y["train"]).max() > 2 * np.abs(found.y["test"]).max()
    scores = {}
    for model in (LinearRegression(), HuberRegressor()):
        model.fit(found.x["train"], found.y["train"])
        scores[type(model).__name__] = model.score(found.x["test"], found.y["test"])
    assert scores["LinearRegression"] < 0.5 and scores["HuberRegressor"] > 0.9


@pytest.mark.parametrize(
    ("parts", "clean"),
    [("train", {"val", "test"}), ("train and val", {"test"}), ("all", set())],
)
def test_errors_are_where_they_are_said_to_be(parts: str, clean: set[str]) -> None:
    found = sample("outliers", p=0.5, parts=parts)
    dirty = {p for p in draws.PARTS if not np.array_equal(found.targets(p), found.y)}
    assert dirty == set(draws.PARTS) - clean


def test_flipped_labels_are_wrong_at_the_rate_asked_for() -> None:
    found = sample("label_noise", base="blobs", p=0.3)
    assert found.observed is not None
    assert math.isclose(np.mean(found.observed != found.y), 0.3, abs_tol=0.05)
    assert set(np.unique(found.observed)) == set(np.unique(found.y))
    noisy, clean = (split("label_noise", base="blobs", p=p) for p in (0.3, 0.0))
    assert np.array_equal(noisy.x["train"], clean.x["train"])  # paired
    assert np.array_equal(noisy.y["test"], clean.y["test"])
    assert not np.array_equal(noisy.y["train"], clean.y["train"])


def test_more_label_noise_flips_the_same_examples_and_others() -> None:
    y = np.arange(1000) % 5
    some, more = (flip(np.random.default_rng(0), y, p) for p in (0.1, 0.4))
    flipped = some != y
    assert np.array_equal(some[flipped], more[flipped])
    assert (flip(np.random.default_rng(0), y, 1.0) != y).all()
    assert np.array_equal(flip(np.random.default_rng(0), y, 0.0), y)


def test_label_noise_takes_its_base_with_parameters() -> None:
    assert split("label_noise", base="spirals", base_n=100, base_arms=2).n_classes == 2


@pytest.mark.parametrize("base", ["diabetes", "label_noise", "csv", "friedman1"])
def test_label_noise_refuses_a_base_without_labels_to_flip(base: str) -> None:
    with pytest.raises(ValueError, match=f'cannot flip the labels of "{base}"'):
        check_data({"data": "label_noise", "data.base": base})


def test_a_teacher_as_base_must_teach_classes() -> None:
    fields = {"data": "label_noise", "data.base": "teacher"}
    check_data(fields | {"data.base.task": "classification"})
    with pytest.raises(ValueError, match="cannot flip"):
        check_data(fields | {"data.base.task": "regression"})


def test_the_task_of_a_recipe_is_its_parameter_or_its_sets() -> None:
    assert task_of({"data": "teacher", "data.task": "regression"}) == "regression"
    assert task_of({"data": "teacher", "data.task": "classification"}) == "classification"
    assert task_of({"data": "diabetes"}) == "regression"


def test_friedman_and_sine_are_functions_of_their_features() -> None:
    found = sample("friedman1", noise=0.0)
    a, b, c, d, e = found.x[:, :5].T
    wanted = 10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e
    assert np.allclose(found.y, wanted)
    found = sample("sine_wave", waves=3.0, noise=0.0)
    assert np.allclose(found.y, np.sin(6 * np.pi * found.x[:, 0]))


def test_gaussian_signal_is_noise() -> None:
    found = split("gaussian_signal", n=4000, features=10)
    x, _ = whole(found)
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert line(found) < 0.56


# MNIST-1D


def test_the_curves_of_mnist1d_begin_and_end_at_0_with_one_deviation() -> None:
    assert curves().shape == (10, 12)
    assert np.allclose(curves()[:, [0, -1]], 0) and np.allclose(curves().std(1), 1 / 6)


def test_a_curve_of_mnist1d_is_wide_where_its_silence_is_short() -> None:
    signal, silent = _stretched(np.array([7, 7]), np.array([60, 36]))
    assert np.allclose(signal[0, :12], curves()[7]) and (signal[silent] == 0).all()
    assert silent.sum(1).tolist() == [60, 53]  # 12 of 72 points, and 12 of 48 points on 72
    assert not silent[:, 0].any() and silent[:, -1].all()


def test_mnist1d_is_ten_even_classes_of_40_points() -> None:
    found = sample("mnist1d", n=500)
    assert found.x.shape == (500, 40)
    assert np.bincount(found.y).tolist() == [50] * 10
    assert abs(found.x.mean()) < 1e-12 and math.isclose(found.x.std(), 1)


def published(number: int, digit: int) -> NDArray[np.float64]:
    """One example by the paper's steps in their order, with numpy's interpolation."""
    from scipy.ndimage import gaussian_filter

    chance = np.random.default_rng(number)

    def resample(values: NDArray[np.float64], points: int) -> NDArray[np.float64]:
        return np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(values)), values)

    padded = np.concatenate([curves()[digit] + 1e-8, np.zeros(chance.integers(36, 61))])
    signal = resample(padded, 72) * (1 + 0.4 * (chance.uniform() - 0.5))
    signal = np.roll(signal, chance.integers(48))
    noise = gaussian_filter(0.25 * chance.standard_normal(72), 2)
    signal = np.where(signal != 0, signal, noise) + 0.02 * chance.standard_normal(72)
    return resample(signal - 0.75 * (chance.uniform() - 0.5) * np.linspace(-0.5, 0.5, 72), 40)


@pytest.mark.whole
def test_mnist1d_has_the_law_of_the_published_recipe() -> None:
    made = sample("mnist1d", n=4000)
    wanted = np.array([published(number, number % 10) for number in range(4000)])
    wanted = (wanted - wanted.mean()) / wanted.std()
    assert np.abs(made.x.mean(0) - wanted.mean(0)).max() < 0.12
    assert np.abs(made.x.std(0) - wanted.std(0)).max() < 0.1
    steps = [np.abs(np.diff(x, axis=1)).mean() for x in (made.x, wanted)]
    assert math.isclose(*steps, rel_tol=0.02)
    assert math.isclose((made.x**4).mean(), (wanted**4).mean(), rel_tol=0.05)


@pytest.fixture(scope="module")
def digits_of_mnist1d() -> tuple[NDArray[np.float64], ...]:
    """Return training and test examples and their labels, as many as the paper has."""
    found = sample("mnist1d", n=5000)
    order = np.random.default_rng(0).permutation(5000)
    train, test = order[:4000], order[4000:]
    return found.x[train], found.y[train], found.x[test], found.y[test]


def test_mnist1d_is_as_hard_for_a_linear_model_as_the_paper_says(
    digits_of_mnist1d: tuple[NDArray[np.float64], ...],
) -> None:
    x, y, x_test, y_test = digits_of_mnist1d
    linear = LogisticRegression(max_iter=300, tol=1e-3).fit(x, y)
    assert math.isclose(linear.score(x_test, y_test), 0.32, abs_tol=0.04)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mnist1d_is_as_hard_for_a_network_as_the_paper_says(
    digits_of_mnist1d: tuple[NDArray[np.float64], ...],
) -> None:
    x, y, x_test, y_test = digits_of_mnist1d
    network = MLPClassifier(
        (100, 100), learning_rate_init=0.01, alpha=0.3, max_iter=100, random_state=0
    ).fit(x, y)
    assert math.isclose(network.score(x_test, y_test), 0.68, abs_tol=0.05)


# Splitting


def test_scaling_uses_the_training_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 200
    x = np.random.default_rng(0).normal(size=(rows, 3))
    y = np.arange(rows) % 2
    recipe = recipe_of("moons")

    def split_of(changed: NDArray[np.float64]) -> Split:
        monkeypatch.setitem(
            DATA, "moons", Data(**fields, function=lambda *_, **__: Sample(changed, y))
        )
        return draws._split(draws.draw_key(recipe))

    fields: dict[str, Any] = {"summary": ".", "formula": ".", "reference": "."}
    before = split_of(x.copy())
    state = np.arange(rows, dtype=np.float64)[:, None].repeat(3, 1)
    places = split_of(state)  # tells which rows are where
    order = np.argsort(np.concatenate([places.x[part][:, 0] for part in draws.PARTS]))
    is_train = order < len(places.x["train"])
    changed = np.where(is_train[:, None], x, 100 * x + 7)
    after = split_of(changed)
    assert np.array_equal(before.x["train"], after.x["train"])
    assert not np.allclose(before.x["test"], after.x["test"])
    changed = np.where(is_train[:, None], 100 * x + np.arange(rows)[:, None], x)
    assert not np.allclose(split_of(changed).x["train"], before.x["train"])


def test_a_feature_that_is_constant_in_training_does_not_blow_up() -> None:
    train = np.full((1000, 1), 0.1)
    train[::2] += 1e-17
    prepared = draws._prepared({"train": train, "test": np.array([[0.3]])}, scaled=True)
    assert math.isclose(prepared["test"][0, 0], 0.2, abs_tol=1e-9)


def test_data_that_cannot_be_split_is_a_sentence() -> None:
    with pytest.raises(DataError, match=r'data "moons": .*leave nothing to train on'):
        split("moons", val=0.5, test=0.5)
    with pytest.raises(
        DataError, match=r'data "blobs": 20 examples, the smallest class 1: too few'
    ):
        split("blobs", n=20, centers=15)
    with pytest.raises(DataError, match=r'data "blobs": 20 examples'):
        split("blobs", n=20, centers=10)


def test_the_cache_holds_what_fits_and_the_newest() -> None:
    cache = draws._Splits(most=100_000)
    keys = [draws.draw_key(recipe_of("moons", n=1000, seed=seed)) for seed in range(6)]
    first = [cache(key) for key in keys]
    assert cache(keys[-1]) is first[-1]
    assert 1 <= len(cache._found) < 6
    small = draws._Splits(most=1)
    assert small(keys[0]) is small(keys[0])
    assert len(small._found) == 1


def test_a_regressions_loss_follows_the_task_of_the_recipe() -> None:
    from tests.helpers import make_cells

    for task, loss in (("regression", "mse"), ("classification", "cross_entropy")):
        (cell,) = make_cells(data={"name": "teacher", "n": 60, "task": task})
        assert cell.recipe["loss"] == loss


def test_a_bundled_set_is_read_once_and_cannot_be_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry._read.cache_clear()
    read: list[bool] = []
    given = registry.datasets.load_iris
    monkeypatch.setattr(
        registry.datasets, "load_iris", lambda **how: read.append(True) or given(**how)
    )
    samples = [DATA["iris"].function(np.random.default_rng(seed)) for seed in range(3)]
    assert len(read) == 1
    assert all((sample.x == given().data).all() for sample in samples)
    with pytest.raises(ValueError, match="read-only"):
        samples[0].x[0, 0] = 1.0
