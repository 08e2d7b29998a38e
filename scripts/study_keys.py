"""Write docs/study-keys.md: every key of a study file, with its default and what it takes.

    python scripts/study_keys.py          # writes docs/study-keys.md
    python scripts/study_keys.py --check  # fails where the file is not what would be written

The rows come from the fields that the reader of study files checks by, so that none can be missing
or out of date.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nnbench.catalog import VOCABULARY
from nnbench.study.baselines import BASELINES
from nnbench.study.document import SECTIONS, Document
from nnbench.study.fields import Field
from nnbench.study.leads import LEADS
from nnbench.study.metrics import METRICS, Metric, metrics_of, scores_of
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING, grid_keys
from nnbench.study.vocabulary import Parameter

PAGE = Path(__file__).resolve().parent.parent / "docs" / "study-keys.md"
INTRODUCTION = """\
# Every key of a study file

<!-- Written by scripts/study_keys.py from what study files are checked by: change that. -->

Only `name` and one key of `[grid]` are required. [Writing a study](writing-a-study.md) explains how
the sections work together.

## The head

| key | default | meaning |
|---|---|---|
"""
OF_THE_HEAD = {
    "name": "name of the study and of its results folder: lower-case letters, digits, - and _ "
    "(required)",
    "kind": "training, landscape or numerics: see [the other kinds](other-kinds.md)",
    "title": "title of the report",
    "question": "what the study asks; opens the report",
    "prediction": "what its author expects; shown in the report",
    "paper": "the publication whose finding is tested",
    "seed": "seed of all random draws",
    "baselines": f"scikit-learn models to compare the networks with, on the same splits: any of "
    f"{', '.join(f'`{name}`' for name in BASELINES)}",
}
OF_THE_GRID = """
## `[grid]`

A list is a factor; anything else is held fixed. An entry is a name, or a table with its parameters:
`optimizer = { name = "adam", lr = 0.01 }`. `nnbench show optimizer adam` lists an entry's
parameters, [the course](course.md) all entries. `[0, 1)` includes 0 but not 1.

"""
OF_A_TABLE = """
### For your own table

The keys of `data = { csv = "FILE", target = "COLUMN" }`, where `csv` or `parquet` names the file. A
list of files, targets or tasks is a factor; in other keys a list holds columns or words.

| key | default | meaning |
|---|---|---|
"""
SEEDS = "number of seeds, or a list of them"
OF_THE_SECTIONS = {
    ("design", "kind"): "`full`: all cells; `one_factor`: one change at a time from the baseline; "
    "`sample`: `n` configurations drawn at random",
    ("design", "baseline"): "one level of each factor named, which the others are compared with",
    ("design", "exclude"): "tables of levels to leave out, each with `why`",
    ("design", "n"): "number of configurations in a sample",
    ("probes", "layers"): "statistics of every hidden layer: see [probes](probes.md)",
    ("probes", "every"): "epochs between two probes",
    ("probes", "sharpness"): "also the largest curvature of the loss",
    ("probes", "correlation"): "correlation of two inputs, layer by layer",
    ("report", "metric"): "what configurations are ranked by: see below",
    ("report", "tune"): "parameters chosen for each configuration by validation loss",
    (
        "report",
        "target",
    ): "validation score to reach; `epochs_to_target` is the first epoch that does",
    (
        "report",
        "lead",
    ): "what the report shows first: see below; default: decided by what the study asks",
    ("claim", "text"): "the claim in words (required)",
    ("claim", "better"): "levels that the claim says are better",
    ("claim", "than"): "levels that they are better than; with `matters_more`, the other factor",
    ("claim", "same"): "levels that the claim says behave alike",
    ("claim", "as"): "levels that they behave like",
    ("claim", "factor"): "factor whose share of the variance within data sets is claimed",
    ("claim", "share"): "`{ at_most = 0.05 }` or `{ at_least = 0.05 }`: how much `factor` explains",
    ("claim", "matters_more"): "factor that explains more of that variance than the one in `than`",
    (
        "claim",
        "where",
    ): "levels that both sides share, or that select the networks whose variance is explained",
    ("claim", "metric"): "metric that decides; which direction is better is known",
    ("claim", "by"): "smallest difference that counts as better",
    ("claim", "margin"): "largest difference that counts as none",
    ("claim", "course"): "number of the claim in the course's list; the ledger sorts by it",
    ("claim", "published"): "what the paper reports, shown beside what is measured",
}


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION + "\n".join(_head()) + "\n" + OF_THE_GRID.rstrip("\n") + "\n"]
    for kind in STUDY_KINDS:
        title = f'### With `kind = "{kind}"`\n'
        if kind == TRAINING:
            title = "### In a study of training\n"
        parts.append("\n".join([title, *_grid(kind)]) + "\n")
        if kind == TRAINING:
            parts.append(OF_A_TABLE.lstrip("\n") + "\n".join(_table()) + "\n")
    for section in SECTIONS:
        heading = f"[[{section}]]" if section == "claim" else f"[{section}]"
        parts.append("\n".join([f"## `{heading}`\n", *_section(section)]) + "\n")
        parts += ["\n".join(_leads()) + "\n"] if section == "report" else []
    parts.append("\n".join(["## Metrics\n", *_metrics()]) + "\n")
    return "\n".join(parts)


def _head() -> Iterator[str]:
    for key, meaning in OF_THE_HEAD.items():
        yield _row([f"`{key}`", _code(Document.model_fields[key].get_default()), meaning])


def _grid(kind: str) -> Iterator[str]:
    yield "| key | default | takes | meaning |"
    yield "|---|---|---|---|"
    for key in grid_keys(kind):
        field = STUDY_KINDS[kind].fields[key]
        yield _row([f"`{key}`", _default(field), takes(key, field), _meaning(field)])
    if STUDY_KINDS[kind].has_chance:
        yield _row(["`seeds`", "`3`", "a whole number from 1, or a list of them", SEEDS])


def _table() -> Iterator[str]:
    written = VOCABULARY.registries["data"]["csv"].written or {}
    for key, parameter in written.items():
        yield _row([f"`{key}`", _code(parameter.default), parameter.doc])


def _meaning(field: Field) -> str:
    return field.value.doc if field.value else field.doc


def _default(field: Field) -> str:
    default: Any = field.value.default if field.value else field.default
    return _code("none" if default is None else default)


def takes(key: str, field: Field) -> str:
    """Return which values a key of the grid takes."""
    if field.value is not None:
        return values(field.value)
    names = [
        name
        for name, entry in VOCABULARY.registries[field.registry].items()
        if entry.reader is None
    ]
    shown = ", ".join(f"`{name}`" for name in names)
    files = [name for name, entry in VOCABULARY.registries[field.registry].items() if entry.reader]
    shown += "".join(f', `{{ {name} = "FILE", target = "COLUMN" }}`' for name in files)
    return f"{shown}, `auto`" if field.default == "auto" else shown


def values(parameter: Parameter) -> str:
    """Return which values a plain parameter takes, in words."""
    if parameter.choices:
        text = ", ".join(f"`{choice}`" for choice in parameter.choices)
    elif parameter.flag or isinstance(parameter.default, bool):
        text = "`true`, `false`"
    else:
        noun = "whole number" if parameter.is_whole else "number"
        text = f"{noun} in {_interval(parameter)}"
    return f"{text}, `none`" if parameter.optional else text


def _interval(parameter: Parameter) -> str:
    left = "(" if parameter.open_low else "["
    right = ")" if parameter.open_high else "]"
    return f"{left}{_bound(parameter.low)}, {_bound(parameter.high)}{right}"


def _bound(value: float) -> str:
    if math.isfinite(value) and abs(value) < 1e6:
        return f"{value:,}".removesuffix(".0")
    return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")


def _section(section: str) -> Iterator[str]:
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in SECTIONS[section].model_fields.items():
        key = field.alias or name
        default = "the kind's own" if key == "metric" else _code(field.get_default())
        yield _row([f"`{key}`", default, OF_THE_SECTIONS[section, key]])


def _leads() -> Iterator[str]:
    yield "Values of `lead`, for a study that has what they need:\n"
    yield "| lead | the report opens with | of |"
    yield "|---|---|---|"
    for name, lead in LEADS.items():
        yield _row([f"`{name}`", lead.meaning, lead.study_kind])


def _metrics() -> Iterator[str]:
    defaults = ", ".join(f"{kind} `{next(iter(metrics_of(kind)))}`" for kind in STUDY_KINDS)
    yield "What `metric` may be in `[report]` and in a claim. Unless named, it is by the kind of"
    yield f"study: {defaults};"
    yield f"where all data sets are regressions it is `{scores_of('regression')[0]}`.\n"
    yield "| metric | what it is | better | range | unit | of | needs |"
    yield "|---|---|---|---|---|---|---|"
    for name, metric in METRICS.items():
        needs = " and ".join(f"`{key} = true`" for key in metric.probes)
        better = "higher" if metric.higher_is_better else "lower"
        told = f"{metric.label}: {metric.meaning}" if metric.meaning else metric.label
        needs = f"{needs} in `[probes]`" if needs else ""
        span, owner = _range(metric), _owner(metric)
        yield _row([f"`{name}`", told, better, span, metric.unit, owner, needs])


def _range(metric: Metric) -> str:
    if metric.values is bool:
        return "true or false"
    if math.isinf(metric.low):
        return "" if math.isinf(metric.high) else f"{metric.high:g} or less"
    return f"{metric.low:g} " + ("or more" if math.isinf(metric.high) else f"to {metric.high:g}")


def _owner(metric: Metric) -> str:
    """Say in which studies a metric is."""
    if set(metric.studies) == set(STUDY_KINDS):
        return "all"
    return metric.task or " ".join(metric.studies)


def _code(value: Any) -> str:
    """Return a default as TOML has it; nothing for what has none or an empty one."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`"
    return f"`{value}`" if isinstance(value, str) and value else ""


def _row(entries: Iterable[str]) -> str:
    return "| " + " | ".join(entry.replace("|", "\\|") for entry in entries) + " |"


def main() -> int:
    """Write the page, or with --check say whether it is up to date."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is out of date: run python scripts/study_keys.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
