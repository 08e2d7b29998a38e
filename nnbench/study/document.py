"""A study file as it is written: its sections, and the first checks of what they hold."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nnbench.study.baselines import BASELINES
from nnbench.study.metrics import USUAL, metrics_of, scores_of
from nnbench.study.mistakes import StudyError, as_written, nearest, printable
from nnbench.study.selection import Partial, matches
from nnbench.study.study_kinds import StudyName

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
MAX_DEPTH = 20  # of tables and lists within each other
MAX_TEXT = 10_000  # characters
MAX_KEY = 200
UNION = ("dict[str,any]", "str")  # which of its forms pydantic tried: no key of a file
MAX_ITEMS = 1000  # of a list or table; seeds, which may be listed, are checked on their own
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Exclusion(_Section):
    """Cells left out, and why."""

    model_config = ConfigDict(extra="allow")
    why: str = Field(min_length=1, description="the reason, shown in the report")

    @model_validator(mode="after")
    def _names_cells(self) -> Exclusion:
        if not self.where:
            raise ValueError("names no cells: add a key of [grid], or all would be left out")
        return self

    @property
    def where(self) -> Partial:
        """The levels that name the cells."""
        return dict(self.__pydantic_extra__ or {})


class Design(_Section):
    """Which cells of the grid are run."""

    kind: Literal["full", "one_factor", "sample"] = Field(
        default="full",
        description="all cells, one change at a time, or n configurations drawn at random",
    )
    baseline: Partial = Field(default={}, description="one level per factor; default: the first")
    exclude: list[Exclusion] = []
    n: int | None = Field(default=None, ge=1, description="number of configurations to draw")

    @model_validator(mode="after")
    def _n_goes_with_sample(self) -> Design:
        if (self.kind == "sample") != (self.n is not None):
            raise ValueError('kind = "sample" and n, the number of configurations, need each other')
        return self


class Probes(_Section):
    """Per-layer statistics: at initialisation, and each `every` epochs."""

    layers: bool = False
    every: int = Field(default=1, ge=1)
    sharpness: bool = Field(default=False, description="also the largest curvature of the loss")
    correlation: bool = Field(
        default=False, description="correlation of two inputs' pre-activations, layer by layer"
    )

    @model_validator(mode="after")
    def _options_go_with_layers(self) -> Probes:
        for name in ("sharpness", "correlation"):
            if getattr(self, name) and not self.layers:
                raise ValueError(f"{name} needs layers = true: add it")
        return self


class Report(_Section):
    """What the report ranks on, declared before the run."""

    metric: str = Field(
        default=USUAL,
        description="metric to rank by; default: the kind's own, test_r2 if all data is regression",
    )
    tune: list[str] = Field(
        default=[], description="parameters chosen for each configuration on validation data"
    )
    target: float | None = Field(default=None, description="validation score to reach")
    lead: str = Field(
        default="",
        description="what the report shows first; default: decided by what the study asks",
    )


class Share(_Section):
    """How much of the variance within data sets a factor is claimed to explain."""

    at_most: float | None = Field(default=None, gt=0, lt=1, description="at most this share")
    at_least: float | None = Field(default=None, gt=0, lt=1, description="at least this share")

    @model_validator(mode="after")
    def _one_bound(self) -> Share:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least, as in share = { at_most = 0.05 }")
        return self


class Claim(_Section):
    """A prediction to be judged on the cells of `where`.

    Either `better` beats `than`, by `by` or more; or, with `margin`, it is worse by less than that
    if it is worse at all; or `same` and `as` lie within `margin` of each other, in the metric's
    own unit; or `factor` explains a `share` of the variance within data sets; or the factor
    `matters_more` explains more of it than the factor `than`.
    """

    text: str = Field(min_length=1)
    better: Partial | None = None
    than: Partial | str | None = None
    same: Partial | None = None
    as_: Partial | None = Field(default=None, alias="as")
    factor: str | None = Field(default=None, description="the factor that share is about")
    share: Share | None = Field(default=None, description="share of the variance that it explains")
    matters_more: str | None = Field(
        default=None, description="the factor that explains more than the factor in than"
    )
    where: Partial = {}
    metric: str = Field(default=USUAL, description="default: the report's metric")
    by: float = Field(default=0.0, ge=0, description="smallest difference that counts")
    margin: float | None = Field(
        default=None, gt=0, description="largest difference that counts as none"
    )
    course: int | None = Field(default=None, ge=1, description="number in the course's list")
    published: str | None = Field(default=None, description="what the paper reports")

    @model_validator(mode="after")
    def _one_form(self) -> Claim:
        _check_form(self)
        return self

    @property
    def shared_out(self) -> tuple[str, ...]:
        """The factors whose shares of the variance are claimed about: none, one or two."""
        if self.factor is not None:
            return (self.factor,)
        if self.matters_more is not None:
            return self.matters_more, str(self.than)
        return ()

    @property
    def sides(self) -> tuple[Partial, Partial]:
        """What is compared with what: better and than, or same and as."""
        if self.better is not None and isinstance(self.than, dict):
            return self.better, self.than
        return self.same or {}, self.as_ or {}

    @property
    def named(self) -> dict[str, Partial]:
        """Every naming of cells by the key that it stands under."""
        if self.shared_out:
            return {"where": self.where}
        sides = ("better", "than") if self.better is not None else ("same", "as")
        return dict(zip(sides, self.sides, strict=True)) | {"where": self.where}

    def compares(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a network is among those that the claim, in normal form, is about."""
        sides = ({},) if self.shared_out else self.sides
        return matches(recipe, self.where) and any(matches(recipe, side) for side in sides)


# The keys that make each form of a claim.
FORMS = (("better", "than"), ("same", "as"), ("factor", "share"), ("matters_more", "than"))


def _check_form(claim: Claim) -> None:
    """Refuse a claim that is of no form, or of more than one."""
    every = {key for form in FORMS for key in form}
    given = {key for key in every if getattr(claim, "as_" if key == "as" else key)}
    if given not in [set(form) for form in FORMS]:
        raise ValueError(
            "needs either better and than, or same and as, each naming levels; or factor and "
            "share; or matters_more and than, each naming a factor"
        )
    if "better" in given and not isinstance(claim.than, dict):
        raise ValueError('with better, than names levels, as in { activation = "relu" }')
    if "matters_more" in given and not isinstance(claim.than, str):
        raise ValueError('with matters_more, than names a factor, as in than = "init"')
    if claim.shared_out and (claim.by or claim.margin is not None):
        raise ValueError("by and margin go with better and than; leave them out")
    if "same" in given and claim.margin is None:
        raise ValueError("same and as need margin, the largest difference that counts as none")
    if "same" in given and claim.by:
        raise ValueError("by goes with better and than; same and as take margin")
    if claim.by and claim.margin is not None:
        raise ValueError("give by, a smallest difference, or margin, a largest one, not both")


class Document(_Section):
    """A study file as it is written."""

    name: str = Field(pattern=NAME_PATTERN, description="also the name of the results folder")
    kind: StudyName = Field(
        default="training", description="what is studied: networks, walks or rounding"
    )
    title: str = ""
    question: str = ""
    prediction: str = ""
    paper: str = Field(default="", description="the publication whose finding is tested")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="seed of all random draws")
    baselines: list[str] = Field(
        default=[],
        description="scikit-learn models to compare the networks with",
        json_schema_extra={"items": {"enum": [*BASELINES]}, "uniqueItems": True},
    )
    grid: dict[str, Any] = Field(description="a list is a factor, anything else is held fixed")
    design: Design = Design()
    probes: Probes = Probes()
    report: Report = Report()
    claim: list[Claim] = []

    @field_validator("baselines")
    @classmethod
    def _are_baselines(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in BASELINES:
                raise ValueError(f"unknown {as_written(name)}{nearest(name, BASELINES)}")
        if len(set(names)) < len(names):
            raise ValueError("one is listed twice: remove it")
        return names


SECTIONS: Mapping[str, type[_Section]] = {
    "design": Design,
    "probes": Probes,
    "report": Report,
    "claim": Claim,
}


def read_document(content: Mapping[str, Any]) -> Document:
    """The study file that `content` is. Raises StudyError for the first mistake found."""
    _check_plain(content)
    try:
        return Document.model_validate(content)
    except ValidationError as problem:
        raise StudyError(_sentence(problem)) from None


def with_metrics(document: Document, tasks: Collection[str]) -> Document:
    """Fill in the metrics that the file does not name; `tasks` are those of its data sets.

    The report takes the one that goes with the kind of study and its tasks, a claim the report's.
    """
    usual = next(iter(metrics_of(document.kind)))
    if set(tasks) == {"regression"}:
        usual = scores_of("regression")[0]
    report = _filled(document.report, usual)
    claims = [_filled(claim, report.metric) for claim in document.claim]
    return document.model_copy(update={"report": report, "claim": claims})


def _filled(section: Any, metric: str) -> Any:
    named = "metric" in section.model_fields_set
    return section if named else section.model_copy(update={"metric": metric})


def _check_plain(content: Any) -> None:
    """Refuse what no study has, before anything walks it by recursion or counts its products."""
    if not isinstance(content, Mapping):
        raise StudyError("a study is a table of keys, such as name and grid")
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), content)]
    while waiting:
        place, value = waiting.pop()
        if len(place) == MAX_DEPTH:
            raise StudyError(
                f"{_place(place[:1])} is nested too deeply: at most {MAX_DEPTH} levels"
            )
        if len(value) > MAX_ITEMS and place != ("grid", "seeds"):
            raise StudyError(
                f"{_place(place)} has {len(value):,} entries, over the limit of {MAX_ITEMS:,}"
            )
        inner: Iterable[tuple[str | int, Any]] = enumerate(value)
        if isinstance(value, Mapping):
            inner = value.items()
            for key in value:
                _check_key(place, key)
        for key, one in inner:
            if isinstance(one, Mapping | list | tuple):
                waiting.append(((*place, key), one))
            elif reason := _unfit(one):
                raise StudyError(f"{_place((*place, key))}: {reason}")


def _check_key(place: tuple[str | int, ...], key: Any) -> None:
    if not isinstance(key, str) or len(key) > MAX_KEY or CONTROL.search(key):
        where = f" in {_place(place)}" if place else ""
        raise StudyError(f"unknown key {as_written(key)}{where}: remove it")


def _unfit(value: Any) -> str:
    """Say what is wrong with a single value; nothing where it is a value that a study may have."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            return f"has {len(value):,} characters, over the limit of {MAX_TEXT:,}"
        return "contains a control character: remove it" if CONTROL.search(value) else ""
    if isinstance(value, int):
        return "" if abs(value) < 2**63 else "is too large a number"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"is {value}: give a finite number"
    return f"is {as_written(value)}: give text in quotes, a number, true, false, a list or a table"


def _place(parts: tuple[str | int, ...]) -> str:
    """A place in the file as a reader looks for it: ``[design] exclude 1 why``."""
    words = [str(part + 1) if isinstance(part, int) else printable(part) for part in parts]
    if not words:
        return "the study"
    if len(words) == 1:
        return f'key "{words[0]}"'
    head = f"[[{words[0]}]]" if isinstance(parts[1], int) else f"[{words[0]}]"
    return " ".join([head, *words[1:]])


def _sentence(problem: ValidationError) -> str:
    """Turn pydantic's first complaint into one sentence with the key and the way out."""
    error = problem.errors()[0]
    parts = tuple(part for part in error["loc"] if part not in UNION)
    place = _place(parts)
    if error["type"] == "extra_forbidden":
        model = SECTIONS.get(str(parts[0]), Document) if len(parts) > 1 else Document
        known = [field.alias or name for name, field in model.model_fields.items()]
        where = f" in {_place(parts[:-1])}" if len(parts) > 1 else ""
        return f"unknown key {as_written(parts[-1])}{where}{nearest(str(parts[-1]), known)}"
    if error["type"] == "missing":
        return f"{place} is missing: add it"
    if error["type"] == "string_pattern_mismatch":
        return (
            f"name {as_written(error['input'])} is not allowed: use 1 to 64 lower-case letters, "
            f"digits, - and _, beginning with a letter or digit"
        )
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message[0].lower()}{message[1:]}"
