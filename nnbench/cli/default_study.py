"""The study that `nnbench run --data FILE --target COLUMN` makes of a table, without a study file.

160 networks: the factors that most often matter for a table, two learning rates (the better one
is chosen on validation), five repeats; beside them the models of scikit-learn that a network has
to beat. The models and 40 networks more, of the larger width, ReLU and no dropout, are trained on
a half and a quarter of the training rows: would more rows help? How many rows and epochs is decided
by what the training is expected to cost.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nnbench.catalog import VOCABULARY
from nnbench.catalog.data.tables.files import form_of
from nnbench.catalog.data.tables.table import SPLITTERS, Choices, Table, kept_table
from nnbench.report.page.table_notes import table_title
from nnbench.study.baselines import BASELINES
from nnbench.study.metrics import scores_of
from nnbench.study.reading import make_study
from nnbench.training.draws import DataError, split_for
from nnbench.training.plan import Cost, DataShape, program_key

GRID: dict[str, Any] = {
    "depth": 2,
    "width": [16, 64],
    "activation": ["relu", "tanh"],
    "optimizer": {"name": "adam", "lr": [1e-3, 1e-2]},
    "norm": ["none", "batchnorm"],
    "dropout": [0.0, 0.2],
    "seeds": 5,
}
SHARES = [1.0, 0.5, 0.25]  # of the training rows
LEAST = 20  # training rows, of a share that tells anything
# what fewer rows are not trained with
FEWER = {"width": 16, "activation": "tanh", "dropout": 0.2}
WHY = "to save time, only four networks are trained on fewer rows"
LEFT_OUT = (
    "Left out, to finish in minutes: other depths than two hidden layers, more widths, other "
    "activations, optimizers and schedules, weight decay, early stopping"
)
EVEN, COMMON = 0.25, 0.75  # of an even share at least, of the rows at most, to go by accuracy
STAND_IN = "iris"  # a data set for a grid whose cost is wanted for another
TRAINED = 0.6  # share of the rows that are trained on
# Of processor time that the training of a default study may take, as the plan expects it of
# compiled programs: on every machine a table gives the same study.
SECONDS = 240.0


class Size(NamedTuple):
    """How much each network trains."""

    rows: int  # 0: all
    epochs: int
    batch_size: int


SIZES = (  # the most thorough first; the first affordable one is taken
    Size(0, 100, 32),
    Size(0, 40, 32),
    Size(0, 20, 32),
    Size(0, 20, 64),
    Size(0, 20, 128),
    Size(0, 10, 128),
    Size(20_000, 10, 256),
    Size(10_000, 10, 128),
    Size(5_000, 10, 128),
    Size(2_000, 10, 128),
    Size(1_000, 10, 128),
)


def table_study(path: Path, target: str, **choices: Any) -> dict[str, Any]:
    """A study of a table, in the form that `make_study` takes.

    choices: what more is said of the table, as the keys of its entry. Raises ValueError, in a
    sentence, for a table that cannot be learned from.
    """
    table = _table(path, target, choices)
    size = size_for(table)
    rows = {"rows": size.rows} if 0 < size.rows < len(table.x) else {}
    data = {form_of(path): str(path), "target": target, **rows, **choices}
    trained = TRAINED * min(len(table.x), size.rows or len(table.x))
    shares = [share for share in SHARES if share * trained >= LEAST]
    if table.task == "classification" and any(choices.get(key) for key in SPLITTERS):
        shares = [1.0, *(share for share in shares if share < 1 and _has_classes(data, share))]
    fewer = len(shares) > 1
    few = f", and all but {size.rows:,} rows" if rows else ""
    metric = "test_roc_auc" if (why := _why_metric(table)) else scores_of(table.task)[0]
    return {
        "name": slug(path.stem),
        "title": table_title(path.name, target),
        "question": "Which of width, activation, BatchNorm and dropout make a "
        f"difference to a small network that predicts {target}, and is a network worth it? "
        f"{LEFT_OUT}{few}.{why and ' '}{why}",
        "grid": {
            **{"data": data, "epochs": size.epochs, "batch_size": size.batch_size, **GRID},
            **({"train_share": shares} if fewer else {}),
        },
        **({"design": {"exclude": left_out(shares)}} if fewer else {}),
        "baselines": [*BASELINES],
        "report": {"metric": metric, "tune": ["optimizer.lr"]},
    }


def _has_classes(data: Mapping[str, Any], share: float) -> bool:
    """Whether in each repeat a share of the training part has more than one class.

    Of rows in the order of time, or of whole groups, it may not.
    """
    grid = {"data": data, "train_share": share, "seeds": GRID["seeds"]}
    try:
        for cell in make_study({"name": "default", "grid": grid}, VOCABULARY).cells():
            split_for(cell.recipe)
    except DataError:
        return False
    return True


def why_metric(path: Path, target: str, **choices: Any) -> str:
    """Why the study of a table is judged by another score than its task's own; else nothing."""
    return _why_metric(_table(path, target, choices))


def _why_metric(table: Table) -> str:
    rare = rare_class(table) if table.task == "classification" else ""
    return rare and f"{rare}, so accuracy says little: judged by ROC AUC."


def _table(path: Path, target: str, choices: Mapping[str, Any]) -> Table:
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in choices.items()
    }
    return kept_table(path.expanduser().resolve(), Choices(target, **said))


def left_out(shares: list[float]) -> list[dict[str, Any]]:
    """What of the grid is not trained on fewer rows than all."""
    return [{"train_share": shares[1:], key: level, "why": WHY} for key, level in FEWER.items()]


def size_for(table: Table) -> Size:
    """The most rows that are affordable, and of those rows the most thorough training that is.

    So that who names as many rows himself trains the same.
    """
    size = next((size for size in SIZES if seconds(table, size) <= SECONDS), SIZES[-1])
    if not size.rows:
        return size
    drawn = [one._replace(rows=size.rows) for one in SIZES if not one.rows]
    return next((one for one in drawn if seconds(table, one) <= SECONDS), size)


def rare_class(table: Table) -> str:
    """What to say of a class so rare, or one so common, that whoever ignores the rest scores well.

    Nothing where all classes have a quarter of an even share at least, and none has three quarters
    of the rows.
    """
    counts = table.report["classes"]
    rows = sum(counts.values())
    rare, common = min(counts, key=counts.get), max(counts, key=counts.get)
    if counts[rare] >= rows * EVEN / len(counts) and counts[common] < rows * COMMON:
        return ""
    return (
        f'{100 * counts[common] / rows:.0f} % of the rows are "{common}" and '
        f'{100 * counts[rare] / rows:.1f} % are "{rare}"'
    )


def seconds(table: Table, size: Size) -> float:
    """The processor time that the default grid is expected to take on a table."""
    rows = min(len(table.x), size.rows or len(table.x))
    features, classes = table.x.shape[1], len(table.classes)
    shape = DataShape(features, classes, int(TRAINED * rows), rows, 8 * rows * (features + 1))
    training = {"epochs": size.epochs, "batch_size": size.batch_size, "train_share": SHARES}
    grid = {"data": STAND_IN, **GRID, **training}
    content = {"name": "default", "grid": grid, "design": {"exclude": left_out(SHARES)}}
    groups = defaultdict(list)
    for cell in make_study(content, VOCABULARY).cells():
        groups[program_key(cell)].append(cell.recipe)
    return sum(
        replace(Cost.on(group[0], of_share(shape, group[0]["train_share"])), native=True).seconds(
            len(group)
        )
        for group in groups.values()
    )


def of_share(shape: DataShape, share: float) -> DataShape:
    """A table's shape where a share of the training part is trained on."""
    return shape._replace(n_train=max(1, int(share * shape.n_train)))


def slug(text: str) -> str:
    """A study's name made of any text: lower-case letters, digits, - and _, 64 at most."""
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64].rstrip("-_")
    return name or "table"
