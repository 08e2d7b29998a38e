"""What to use: the networks against the models of scikit-learn that were fitted beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.report.analysis import Analysis
from nnbench.report.page.commands import is_of_table
from nnbench.report.page.numbers import decimals_for, measured_apart, number
from nnbench.report.page.parts import (
    Column,
    Part,
    Picture,
    Section,
    TableCell,
    paragraph,
    table_of,
)
from nnbench.report.page.table_cells import p_value
from nnbench.report.page.units import difference_unit, scale_of, unit_of
from nnbench.report.page.words import capital, listed, lowered
from nnbench.report.study.failures import export_command
from nnbench.report.study.further import further_parts
from nnbench.report.study.method import TIMED, is_split_by_time
from nnbench.report.study.rivals_picture import scores_picture
from nnbench.report.study.rows import more_rows
from nnbench.results.read import ReportError, Results
from nnbench.stats.labels import setting_names
from nnbench.stats.rivals import (
    ALIKE,
    CONSTANT,
    NETWORK,
    Rivals,
    chosen_networks,
    repeats_needed,
    rivals_of,
    usual_network,
)
from nnbench.study.baselines import BASELINES, SHARE
from nnbench.study.metrics import METRICS, scores_of

METHOD = (
    "In each repeat, the network is the one of the whole grid that does best on the validation "
    "part; each scikit-learn model has the best of a few settings by the same rule. The test part "
    "is used once. The scores are therefore those of training all of this and keeping what "
    "validates best; no choice has seen the data it is judged on. Repeats split the same rows, so "
    "they are not independent: intervals are Student's t with the variance that Nadeau and Bengio "
    "(2003) give for this case, and are about new rows of the same kind. A model is called behind "
    "only if its interval excludes zero and the test stays below 5 % after Holm's correction over "
    "the models. Whether there is anything to learn is a single comparison: the best on validation "
    "against the constant. If that is inconclusive, the choice is among those clearly ahead of the "
    "constant after the correction."
)


@dataclass(frozen=True)
class Advice:
    """What to use on each data set, in sentences, the most important first.

    picture: every contestant's score, of one data set.
    """

    said: list[str]
    section: Section
    picture: Picture | None = None
    more: Section | None = None  # what more rows would bring


def advice_of(results: Results, analysis: Analysis, command: str) -> Advice | None:
    """What the baselines of a study say; None where it has none, or none has its metric.

    command: runs the study, to which a number of seeds is added.
    """
    told = _told(results, analysis)
    if not told:
        return None
    more = more_rows(results, told[0].rivals, told[0].name) if len(told) == 1 else None
    if len(told) == 1:
        last = [more.said if more else "", told[0].script()]
        said = [told[0].use(), *told[0].next(command), *(one for one in last if one)]
    else:
        said = [f"On {one.data}: {lowered(one.use())}" for one in told]
    rows = [row for one in told for row in one.rows()]
    by_time = [paragraph(TIMED)] if is_split_by_time(results.cells) else []
    parts: list[Part] = [paragraph(METHOD), *by_time, _table(rows, told)]
    if len(told) == 1:
        parts += further_parts(told[0].chosen(), results.provenance)
    drawn = scores_picture(rows, told[0].metric, told[0].use()) if len(told) == 1 else None
    section = Section("use", "What to use", parts)
    return Advice(said, section, drawn, more.section if more else None)


def cell_to_use(results: Results, analysis: Analysis) -> str:
    """The id of a cell of what the page says to use. Raises ReportError where it names none."""
    told = _told(results, analysis)
    where = results.folder.name
    if len(told) != 1:
        why = "several data sets" if told else "no scikit-learn models to compare with"
        raise ReportError(f"{where} has {why}, so its report recommends no model: name a cell")
    if not told[0].has_constant:
        raise ReportError(
            f"{where} lacks the results of {told[0].name(CONSTANT)}, so its report recommends no "
            "model: name a cell to write it anyway"
        )
    if told[0].rivals.use == CONSTANT:
        raise ReportError(
            f"{where}: nothing clearly beats {told[0].name(CONSTANT)}, so there is nothing to "
            f"predict with: name a cell to write it anyway"
        )
    return told[0].cell()


def _told(results: Results, analysis: Analysis) -> list[_Told]:
    """What is to be said of each data set with baselines that have the metric."""
    if results.baselines.empty:
        return []
    cells = results.cells
    if SHARE in cells:  # of fewer training rows nobody is to be used
        cells = cells[cells[SHARE] == cells[SHARE].max()].reset_index(drop=True)
    both = pd.concat([cells, results.baselines], ignore_index=True)
    labels = stats.level_labels(both, "data")
    n = len(cells)
    cells = cells.assign(data=labels[:n].to_numpy())
    models = results.baselines.assign(data=labels[n:].to_numpy())
    every: dict[str, tuple[Rivals, str]] = {}
    for task in ("classification", "regression"):
        metric = _metric_of(analysis.metric, task)
        if metric in models:
            of_task = models[models[scores_of(task)[0]].notna()]
            every |= {
                data: (rivals, task)
                for data, rivals in rivals_of(cells, of_task, metric).items()
                if rivals.tests[NETWORK].notna().any()
            }
    return [_Told(data, *every[data], cells[cells["data"] == data], results) for data in every]


def _metric_of(metric: str, task: str) -> str:
    """The report's metric where models of a task have it, or else the task's own score."""
    has_it = METRICS[metric].task == task or metric.endswith("_loss")
    return metric if has_it else scores_of(task)[0]


@dataclass(frozen=True)
class _Told:
    """What is to be said of one data set."""

    data: str
    rivals: Rivals
    task: str
    cells: pd.DataFrame
    results: Results

    @property
    def metric(self) -> str:
        return self.rivals.metric

    @property
    def scale(self) -> float:
        return scale_of(self.metric)

    @property
    def unit(self) -> str:
        return f" {difference_unit(self.metric)}".rstrip()

    @property
    def has_constant(self) -> bool:
        """Whether the constant ran, without which nothing shows that there is anything to learn."""
        return CONSTANT in self.rivals.tests

    def name(self, contestant: str) -> str:
        """A contestant in words."""
        if contestant == NETWORK:
            return "the network"
        return BASELINES[contestant].of(self.task).words

    def score(self, contestant: str) -> str:
        """`0.83 [0.80, 0.86]` or `94 % [92, 96]`."""
        value, low, high = self.rivals.mean(contestant).scaled(self.scale)
        text, span = measured_apart(value, low, high)
        return " ".join(part for part in (text, unit_of(self.metric), span) if part)

    def apart(self, row: Any) -> str:
        """`by 2.1 points (95 % CI 0.4 to 3.8)`, of one who is ahead."""
        value, low, high = (self.scale * row[name] for name in ("mean", "low", "high"))
        places = decimals_for([value], [(high - low) / 2])
        ends = f"95 % CI {number(low, places)} to {number(high, places)}"
        if pd.isna(low):
            ends = f"no interval: {ALIKE}"
        return f"{number(value, places)}{self.unit} ({ends})"

    def use(self) -> str:
        """The first sentence: whom to use, and how far the others are."""
        rivals, use = self.rivals, self.rivals.use
        label = METRICS[self.metric].label
        if not self.has_constant:
            best = self.name(rivals.best)
            return (
                f"Not settled: {best} has a {label} of {self.score(rivals.best)}, but "
                f"{self.name(CONSTANT)} was not run, so there may be nothing to learn."
            )
        if use == NETWORK:
            table = rivals.against(NETWORK)
            second = str(table["mean"].idxmin())
            opening = f"{capital(self.network())}: {label} {self.score(NETWORK)}"
            if table["mean"].min() < 0:  # who is not surely ahead of the constant
                return f"{opening}, clearly ahead of {self.name(CONSTANT)}."
            gap = self.apart(table.loc[second])
            return f"{opening}; {self.name(second)} {self.score(second)}, behind by {gap}."
        if use == CONSTANT and rivals.against(rivals.best)["mean"].get(use, 0.0) > 0:
            best = self.name(rivals.best)
            return (
                f"Not settled: {best} has a {label} of {self.score(rivals.best)}, "
                f"{self.name(use)} of {self.score(use)}; the difference may be chance."
            )
        ahead = rivals.against(NETWORK).loc[use]
        opening = f"{capital(self.name(use))}: {label} {self.score(use)}"
        if ahead["high"] <= 0:
            behind = rivals.against(use).loc[NETWORK]
            return f"{opening}; every network is behind, the best by {self.apart(behind)}."
        if pd.isna(ahead["high"]):
            return f"{opening}; no network clearly beats it."
        most = self.scale * ahead["high"]
        bound = f"{number(most, decimals_for([most], [most / 5]))}{self.unit}"
        return f"{opening}; no network clearly beats it (by at most {bound}, 95 % CI)."

    def chosen(self) -> dict[str, pd.DataFrame]:
        """The rows of each contestant, one a repeat, by its name in words; first whom to use."""
        models = self.results.baselines
        rows = {self.name(NETWORK): chosen_networks(self.cells, METRICS[self.metric].chosen_by)}
        for name in self.rivals.tests.columns.drop(NETWORK):
            rows[self.name(str(name))] = models[models["baseline"] == name]
        first = self.name(self.rivals.use)
        return {first: rows[first]} | rows

    def network(self) -> str:
        """The network that validates best in the mean over the repeats, in words."""
        row = self.usual()
        width = f" of {int(row['width'])} units" if int(row["depth"]) else ""
        layers = f"{int(row['depth'])} hidden layer{'' if int(row['depth']) == 1 else 's'}{width}"
        words = [layers, str(row["activation"])] if int(row["depth"]) else [layers]
        rate = f"{float(row['optimizer.lr']):g}"
        words.append(f"{row['optimizer']} at {rate}")
        if row["norm"] != "none":
            words.append(str(row["norm"]))
        if float(row["dropout"]):
            words.append(f"dropout {float(row['dropout']):g}")
        return f"a network with {', '.join(words)}"

    def cell(self) -> str:
        """The id of a cell of whom to use, of the first repeat that has one."""
        return str(self._row()["cell_id"])

    def _row(self) -> pd.Series:
        if self.rivals.use == NETWORK:
            return self.usual()
        models = self.results.baselines
        return models[models["baseline"] == self.rivals.use].sort_values("seed").iloc[0]

    def usual(self) -> pd.Series:
        """A cell of that network."""
        arms = setting_names(self.cells, ("cell_id", "seed"))
        return usual_network(self.cells.assign(arm=arms), METRICS[self.metric].chosen_by)

    def next(self, command: str) -> list[str]:
        """How sure that is beside the base rate; and what to try next."""
        rivals, use = self.rivals, self.rivals.use
        if not self.has_constant:
            is_table = is_of_table(self.results)
            way = f"run all of it: {command}" if is_table else 'add "constant" to baselines'
            return [f"To settle it, {way}."]
        told = []
        if use != CONSTANT:
            told.append(f"{capital(self.name(CONSTANT))} alone scores {self.score(CONSTANT)}.")
        ahead = rivals.best
        if ahead != use:
            row = rivals.against(ahead).loc[use]
            told.append(self._unsettled(ahead, use, row, command))
        elif use == CONSTANT:
            told.append(
                "Nothing that was tried clearly beats it: check in the table of columns whether "
                "any informative one is missing."
            )
        if is_split_by_time(self.cells):
            told.append(
                "All repeats test on the same latest rows: intervals cover other seeds only."
            )
        return [part for part in (" ".join(told), self._logarithm(command)) if part]

    def _logarithm(self, command: str) -> str:
        """The offer to learn the logarithm of a target that it would suit, if none is learned."""
        tables, grid = self.results.provenance.get("tables") or [{}], self.results.study["grid"]
        is_learned = "target_transform" in grid
        if not is_of_table(self.results) or is_learned or not tables[0].get("heavy_tail"):
            return ""
        file = quote(f"{self.results.study['name']}-log.toml")
        return (
            'The target is heavy-tailed: target_transform = "log" may help. Add it under [grid] '
            f"in the study file that this writes: {command} --dry-run --write-study {file}."
        )

    def script(self) -> str:
        """How to have what to use: a script of it, or the name of its class."""
        tables, use = self.results.provenance.get("tables"), self.rivals.use
        if use == CONSTANT or not self.has_constant:
            return ""
        model = "" if use == NETWORK else f"scikit-learn's {BASELINES[use].of(self.task).name}"
        if tables:
            command = export_command(self.results, "best", "--predict", quote(tables[0]["file"]))
            made_by = f" with {model}" if model else ""
            return f"As a script that predicts new rows{made_by}: {command} > model.py"
        if model:
            return f"{capital(self.name(use))} is {model}."
        if self.rivals.best != use:
            return ""
        command = export_command(self.results, str(self.usual()["cell_id"]))
        return f"As a standalone script: {command}."

    def _unsettled(self, ahead: str, use: str, row: Any, command: str) -> str:
        if int(row["n"]) < 2:
            is_part = self.cells["seed"].nunique() > 1  # of what was planned
            more = f"Run all of it: {command}" if is_part else f"Run five: {command} --seeds 5"
            size = f"{number(self.scale * abs(row['mean']))}{self.unit}"
            return (
                f"One repeat cannot rule out chance: here {self.name(ahead)} and "
                f"{self.name(use)} are {size} apart. {more}."
            )
        lead = f"{capital(self.name(ahead))} is ahead by {self.apart(row)}"
        if not row["mean"] > 0:
            lead = f"{capital(self.name(ahead))} validates best, but is not ahead on the test part"
            return f"{lead}."
        repeats = f"{int(row['n'])} repeats cannot distinguish from chance"
        count = len(self.rivals.tests.columns) - 1
        if row["low"] > 0:
            repeats += f" after correction for all {count} comparisons"
        needed = repeats_needed(float(row["mean"]), float(row["sd"]), self.rivals.overlap, count)
        if needed is None or needed <= row["n"]:
            return f"{lead}, which {repeats}; more rows might settle it, more repeats would not."
        return f"{lead}, which {repeats}; about {needed} repeats might: {command} --seeds {needed}."

    def rows(self) -> list[dict[str, Any]]:
        """A row for each contestant, the best on test first."""
        rivals = self.rivals
        ahead = rivals.against(rivals.use)
        order = (rivals.sign * rivals.tests.mean()).sort_values(ascending=False).index
        return [
            {
                "data": self.data,
                "who": self.network() if name == NETWORK else self.name(name),
                "short": f"{self.name(name)}{f', best of {self._tried()}' * (name == NETWORK)}",
                "engine": "nnbench" if name == NETWORK else "scikit-learn",
                "mean": rivals.mean(name),
                "behind": None if name == rivals.use else ahead.loc[name],
                "is_to_use": name == rivals.use and self.has_constant,
                "scale": self.scale,
                "settings": self._settings(name),
            }
            for name in order
        ]

    def _settings(self, name: str) -> str:
        if name == NETWORK:
            return f"best of {self._tried()} on validation, chosen in each repeat"
        models = self.results.baselines
        if "setting" not in models:
            return ""
        counts = models.loc[models["baseline"] == name, "setting"].dropna().value_counts()
        if models["data"].nunique() > 1 or counts.empty:
            return ""
        return listed([f"{setting} in {count}" for setting, count in counts.items()])

    def _tried(self) -> str:
        return f"{len(self.cells) // max(1, self.cells['seed'].nunique()):,}"


def _table(rows: Sequence[dict[str, Any]], told: Sequence[_Told]) -> Any:
    """All contestants with their test scores, and how far each is behind what to use."""
    several, settled = len(told) > 1, all(one.has_constant for one in told)

    def score(row: Any) -> TableCell:
        mean = row["mean"]
        value, low, high = mean.scaled(row["scale"])
        text, ends = measured_apart(value, low, high)
        if mean.reason:
            return TableCell(text, reason=mean.reason, value=value)
        return TableCell(text, ends, f"n {mean.blocks}", value=value)

    def behind(row: Any) -> TableCell:
        found, scale = row["behind"], row["scale"]
        if found is None:
            return TableCell("what to use" if row["is_to_use"] else "compared with")
        value, low, high = (-scale * found[name] for name in ("mean", "high", "low"))
        text, ends = measured_apart(value, low, high, signed=True)
        fewer = f"n {int(found['n'])}" if found["n"] < row["mean"].blocks else ""
        return TableCell(text, ends, fewer, value=value)

    def p(row: Any) -> TableCell:
        found = row["behind"]
        return TableCell("") if found is None else p_value(float(found["p_holm"]))

    label = METRICS[told[0].metric].label
    columns = [
        *([Column("data", of="data")] if several else []),
        Column("who", of=lambda row: capital(row["who"])),
        Column("test" if several else label, True, score),
        Column(f"ahead of {'what to use' if settled else 'the one compared with'}", True, behind),
        Column("p", True, p),
        Column("setting", of="settings", is_extra=True),
        Column("engine", of="engine", is_extra=True),
    ]
    return table_of(rows, columns, title="Networks and scikit-learn models, best first")
