"""Every data set: synthetic ones made from a seed, real ones that scikit-learn carries, and files.

What an entry's function returns stands in `nnbench.catalog.data.samples`.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data import mnist1d, plane, synthetic
from nnbench.catalog.data.samples import Data, Sample, amount, examples, noisy_parts, share
from nnbench.catalog.data.tables.entry import PARAMETERS, WRITTEN, load, table_levels
from nnbench.catalog.data.tables.targets import TASKS
from nnbench.catalog.works import DUCHI, HUBER, POOLE, TIBSHIRANI
from nnbench.lazy import datasets
from nnbench.study.vocabulary import Parameter, Term, need


def task_of(recipe: Mapping[str, Any]) -> str:
    """A recipe's task: what its parameter says, where its data set has one, or the set's."""
    return str(recipe.get("data.task") or DATA[recipe["data"]].task)


@cache  # the same for every seed, and slow to parse
def _read(loader: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
    x, y = getattr(datasets, loader)(return_X_y=True)
    read = np.asarray(x, dtype=np.float64), np.asarray(y)
    for values in read:
        values.flags.writeable = False
    return read


def bundled(loader: str) -> dict[str, Any]:
    """The fields of a set that scikit-learn carries, by the function that returns its x and y."""

    def load_bundled(generator: np.random.Generator) -> Sample:
        return Sample(*_read(loader))

    return {"function": load_bundled, "loader": loader, "real": True}


def check_data(recipe: Mapping[str, Any]) -> None:
    """Raise ValueError where a recipe's data set has parameters that cannot be."""
    base = recipe.get("data.base")
    if base is None:
        return
    task = task_of({"data": base, "data.task": recipe.get("data.base.task")})
    if task != "classification" or base == "label_noise" or DATA[base].reader is not None:
        raise ValueError(
            f'data "label_noise" cannot flip the labels of "{base}": its base must be one of the '
            f"classification sets that `nnbench list data` shows, label_noise and files excepted"
        )


def label_noise(
    generator: np.random.Generator, base: str, p: float, parts: str, **parameters: Any
) -> Sample:
    """Another classification set with a share p of its labels flipped.

    parameters: the base's own, as "base.n" and so on.
    """
    inner = {name.removeprefix("base."): value for name, value in parameters.items()}
    clean = DATA[base].function(generator, **inner)
    return clean._replace(observed=synthetic.flip(generator, clean.y, p), noisy=parts)


DATA: dict[str, Data] = {
    "moons": Data(
        summary="Two interleaving half moons in the plane.",
        formula="2 features, 2 classes",
        reference="scikit-learn, sklearn.datasets.make_moons",
        parameters={"n": examples(1000), "noise": amount(0.2, "deviation of the noise", 0)},
        function=plane.moons,
    ),
    "circles": Data(
        summary="One circle inside another: no line separates them.",
        formula="2 features, 2 classes",
        reference="scikit-learn, sklearn.datasets.make_circles",
        parameters={
            "n": examples(1000),
            "noise": amount(0.1, "deviation of the noise", 0),
            "factor": Parameter(0.5, "inner radius", 0, 1, open_high=True, program=True),
        },
        function=plane.circles,
    ),
    "blobs": Data(
        summary="Normal clouds around random centres: the easy case.",
        formula="features, centers as given",
        reference="scikit-learn, sklearn.datasets.make_blobs",
        parameters={
            "n": examples(1000),
            "centers": amount(4, "classes", 2, 1000),
            "features": amount(2, "features", 1, 10_000),
            "spread": amount(1.5, "deviation of a cloud", 0),
        },
        function=plane.blobs,
    ),
    "spirals": Data(
        summary="Arms of a spiral: needs a curved boundary, so a hidden layer.",
        formula="x = t (cos a, sin a) + noise, a = 2 pi (turns t + arm / arms)",
        reference="Lang & Witbrock (1988), Learning to Tell Two Spirals Apart; Fahlman & Lebiere "
        "(1990), The Cascade-Correlation Learning Architecture, "
        "https://proceedings.neurips.cc/paper/1989/hash/69adc1e107f7f7d035d7baf04342e1ca-Abstract.html",
        parameters={
            "n": examples(1000),
            "arms": amount(3, "classes", 2, 100),
            "turns": amount(1.0, "turns of an arm", 0, 20),
            "noise": amount(0.03, "deviation of the noise", 0),
        },
        function=plane.spirals,
    ),
    "xor": Data(
        summary="Clouds on the corners of a cube, labelled by the parity of the corner: no single "
        "feature says anything.",
        formula="y = (b1 + ... + bk) mod 2, x = 2 b - 1 + noise",
        reference="Minsky & Papert (1969), Perceptrons, doi:10.7551/mitpress/11301.001.0001",
        parameters={
            "n": examples(1000),
            "bits": amount(2, "features; 2 is exclusive or", 2, 16),
            "noise": amount(0.4, "deviation of the noise", 0),
        },
        function=plane.xor,
    ),
    "checkerboard": Data(
        summary="Squares of two colours in the plane: as hard as it has squares.",
        formula="y = (floor(x1) + floor(x2)) mod 2",
        reference="Ho & Kleinberg (1996), Building Projectable Classifiers of Arbitrary Complexity",
        parameters={
            "n": examples(2000),
            "squares": amount(4, "squares along an edge", 2, 100),
            "noise": amount(0.02, "deviation of the noise, in widths of a square", 0),
        },
        function=plane.checkerboard,
    ),
    "teacher": Data(
        summary="A random network labels random inputs; a student network has to recover it.",
        formula="y = argmax f(x) or f(x), f a random tanh network, x ~ N(0, 1)",
        reference="Gardner & Derrida (1989), Three Unfinished Works on the Optimal Storage "
        "Capacity of Networks, doi:10.1088/0305-4470/22/12/004",
        parameters={
            "n": examples(2000),
            "features": amount(10, "features", 1, 10_000),
            "classes": replace(
                amount(4, "classes, in classification", 2, 100),
                needs=(need(Term(".task", value="classification")),),
            ),
            "depth": amount(1, "hidden layers of the teacher", 0, 100),
            "width": amount(16, "units of a hidden layer of the teacher", 1, 10_000),
            "noise": amount(0.0, "deviation of the noise on the teacher's outputs", 0),
            "task": Parameter(TASKS[0], "what the teacher teaches", choices=TASKS, program=True),
        },
        function=synthetic.teacher,
    ),
    "linear_sparse": Data(
        summary="A few useful features among many useless ones: what an L1 penalty is for.",
        formula="y = x w + noise, most of w is 0",
        reference=TIBSHIRANI,
        parameters={
            "n": examples(500),
            "features": amount(100, "features", 1, 10_000),
            "useful": share(0.05, "share of the features that count (one at least)"),
            "noise": amount(0.5, "deviation of the noise; the signal's is 1", 0),
        },
        function=synthetic.linear_sparse,
        task="regression",
    ),
    "rare_features": Data(
        summary="Zeros and ones in which only words that seldom occur tell the class: what "
        "AdaGrad is for.",
        formula="x = (coins, one word of class y), P(word k) ~ k^-exponent",
        reference=DUCHI,
        parameters={
            "n": examples(2000),
            "common": amount(
                20, "features that are 1 half of the time and mean nothing", 0, 10_000
            ),
            "rare": amount(50, "words of each class", 1, 10_000),
            "exponent": amount(1.0, "how fast words get rarer; 0: all alike", 0, 10),
        },
        function=synthetic.rare_features,
        scaled=False,  # to scale a rare feature up is to cure what this set is about
    ),
    "outliers": Data(
        summary="A linear law, and training targets of which some are grossly wrong; the test is "
        "clean.",
        formula="y = x w + noise, and size * U(0.5, 1.5) more with chance p",
        reference=HUBER,
        parameters={
            "n": examples(1000),
            "features": amount(5, "features", 1, 10_000),
            "p": share(0.1, "share of wrong targets"),
            "size": replace(
                amount(10.0, "size of a gross error; the signal's deviation is 1", 0),
                needs=(need(Term(".p")),),
            ),
            "noise": amount(0.1, "deviation of the noise", 0),
            "parts": noisy_parts(),
        },
        function=synthetic.outliers,
        task="regression",
    ),
    "label_noise": Data(
        summary="Another classification set with a share of its labels flipped.",
        formula="y -> another class, with chance p",
        reference="Angluin & Laird (1988), Learning from Noisy Examples, doi:10.1007/BF00116829",
        parameters={
            "base": Parameter(
                "digits", "the set: a name, or a table with a name", registry="data", program=True
            ),
            "p": share(0.2, "share of flipped labels"),
            "parts": noisy_parts(),
        },
        function=label_noise,
    ),
    "friedman1": Data(
        summary="A smooth function of five features, among irrelevant features.",
        formula="y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise",
        reference="Friedman (1991), Multivariate Adaptive Regression Splines, "
        "doi:10.1214/aos/1176347963",
        parameters={
            "n": examples(1000),
            "features": amount(10, "features", 5, 10_000),
            "noise": amount(1.0, "deviation of the noise", 0),
        },
        function=synthetic.friedman1,
        task="regression",
    ),
    "sine_wave": Data(
        summary="One feature, a sine of several waves: high frequencies are learned last.",
        formula="y = sin(2 pi waves x) + noise",
        reference="Rahaman et al. (2019), On the Spectral Bias of Neural Networks, "
        "arXiv:1806.08734",
        parameters={
            "n": examples(500),
            "waves": amount(2.0, "waves in [0, 1)", 0, 1000),
            "noise": amount(0.1, "deviation of the noise", 0),
        },
        function=synthetic.sine_wave,
        task="regression",
    ),
    "mnist1d": Data(
        summary="Digits as curves of 40 points, moved and noisy: small, and yet linear models "
        "fail where deep ones do not.",
        formula="40 features, 10 classes",
        reference="Greydanus & Kobak (2024), Scaling Down Deep Learning with MNIST-1D, "
        "arXiv:2011.14439",
        parameters={"n": examples(5000)},
        function=mnist1d.mnist1d,
    ),
    "gaussian_signal": Data(
        summary="Pure noise in, for watching signals pass through a network; nothing to learn.",
        formula="x ~ N(0, 1), y without meaning",
        reference=POOLE,
        parameters={
            "n": examples(1000),
            "features": amount(100, "features", 1, 100_000),
            "classes": amount(2, "classes", 2, 100),
        },
        function=synthetic.gaussian_signal,
        scaled=False,  # it has mean 0 and deviation 1 as it is
    ),
    "digits": Data(
        summary="1,797 handwritten digits of 8 x 8 pixels.",
        formula="64 features, 10 classes",
        reference="Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits (UCI), "
        "doi:10.24432/C50P49",
        **bundled("load_digits"),
    ),
    "iris": Data(
        summary="150 irises of three species by the size of their petals and sepals.",
        formula="4 features, 3 classes",
        reference="Fisher (1936), The Use of Multiple Measurements in Taxonomic Problems, "
        "doi:10.1111/j.1469-1809.1936.tb02137.x",
        **bundled("load_iris"),
    ),
    "wine": Data(
        summary="178 wines of three growers by chemical analysis.",
        formula="13 features, 3 classes",
        reference="Aeberhard & Forina (1992), Wine (UCI), doi:10.24432/C5PC7J",
        **bundled("load_wine"),
    ),
    "breast_cancer": Data(
        summary="569 tumours, malignant or benign, by measures of cell nuclei.",
        formula="30 features, 2 classes",
        reference="Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (UCI), "
        "doi:10.24432/C5DW2B",
        **bundled("load_breast_cancer"),
    ),
    "diabetes": Data(
        summary="442 patients' disease progression after a year, by ten measures.",
        formula="10 features, regression",
        reference="Efron, Hastie, Johnstone & Tibshirani (2004), Least Angle Regression, "
        "doi:10.1214/009053604000000067",
        task="regression",
        **bundled("load_diabetes"),
    ),
    **{
        form: Data(
            summary=f'Your own table: {{ {form} = "my.{form}", target = "column" }}{where}.',
            formula="numbers as they are, categories one-hot, missing values by the training "
            "median",
            reference=f"(the user's file, read by {reader})",
            parameters=PARAMETERS,
            function=partial(load, form),
            real=True,
            reader=table_levels,
            written=WRITTEN,
        )
        for form, reader, where in (
            ("csv", "pandas.read_csv", " in a study file"),
            ("parquet", "pyarrow.parquet.read_table", ""),
        )
    },
}
