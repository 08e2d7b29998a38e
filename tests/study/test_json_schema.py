"""The schema accepts what the reader accepts, and refuses the plain mistakes that it can see."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.grid import GRID_KEYS
from nnbench.study.json_schema import study_schema
from nnbench.study.reading import make_study
from tests.helpers import variants
from tests.places import STUDIES
from tests.results import test_identity
from tests.study import test_study

SCHEMA = study_schema(VOCABULARY)
STUDY_KINDS = {"landscape": "landscape", "expression": "numerics"}  # whose grid has such a key
ANNOTATIONS = {"$schema", "$defs", "title", "description", "default"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": (int, float),
}


def accepts(schema: Any, value: Any) -> bool:
    """Tell whether a value satisfies a schema: the few words of the standard that ours uses."""
    if isinstance(schema, bool):
        return schema
    return all(
        RULES[word](wanted, value, schema)
        for word, wanted in schema.items()
        if word not in ANNOTATIONS
    )


def of_type(name: str, value: Any) -> bool:
    if name in ("number", "integer") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name]) and (name != "integer" or float(value).is_integer())


def same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def resolved(reference: str) -> Any:
    return SCHEMA["$defs"][reference.removeprefix("#/$defs/")]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def properties_hold(wanted: dict[str, Any], value: Any) -> bool:
    return not isinstance(value, dict) or all(
        accepts(inner, value[key]) for key, inner in wanted.items() if key in value
    )


def no_others(wanted: bool, value: Any, schema: dict[str, Any]) -> bool:
    return wanted or not isinstance(value, dict) or set(value) <= set(schema.get("properties", {}))


RULES: dict[str, Any] = {
    "$ref": lambda w, v, s: accepts(resolved(w), v),
    "type": lambda w, v, s: of_type(w, v),
    "enum": lambda w, v, s: any(same(one, v) for one in w),
    "const": lambda w, v, s: same(w, v),
    "anyOf": lambda w, v, s: any(accepts(one, v) for one in w),
    "oneOf": lambda w, v, s: sum(accepts(one, v) for one in w) == 1,
    "not": lambda w, v, s: not accepts(w, v),
    "properties": lambda w, v, s: properties_hold(w, v),
    "additionalProperties": no_others,
    "required": lambda w, v, s: not isinstance(v, dict) or set(w) <= set(v),
    "propertyNames": lambda w, v, s: not isinstance(v, dict) or all(accepts(w, k) for k in v),
    "items": lambda w, v, s: not isinstance(v, list) or all(accepts(w, one) for one in v),
    "minItems": lambda w, v, s: not isinstance(v, list) or len(v) >= w,
    "uniqueItems": lambda w, v, s: not isinstance(v, list) or len(set(map(repr, v))) == len(v),
    "minLength": lambda w, v, s: not isinstance(v, str) or len(v) >= w,
    "pattern": lambda w, v, s: not isinstance(v, str) or re.search(w, v) is not None,
    "minimum": lambda w, v, s: not is_number(v) or v >= w,
    "maximum": lambda w, v, s: not is_number(v) or v <= w,
    "exclusiveMinimum": lambda w, v, s: not is_number(v) or v > w,
    "exclusiveMaximum": lambda w, v, s: not is_number(v) or v < w,
}


def as_written(value: Any) -> Any:
    """Return Python data as a file would have it: no tuples."""
    if isinstance(value, dict):
        return {key: as_written(one) for key, one in value.items()}
    return [as_written(one) for one in value] if isinstance(value, list | tuple) else value


def document(grid: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return as_written({"name": "test", "grid": {"data": "moons", "seeds": 1} | grid, **sections})


def test_it_is_json_of_the_right_dialect() -> None:
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == as_written(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_every_reference_leads_somewhere_and_every_word_is_known() -> None:
    seen: set[str] = set()

    def walk(schema: Any, is_schema: bool = True) -> None:
        if isinstance(schema, list):
            for one in schema:
                walk(one)
        if not isinstance(schema, dict):
            return
        for word, inner in schema.items():
            if is_schema:
                assert word in RULES or word in ANNOTATIONS, word
                seen.add(word)
                if word == "$ref":
                    resolved(inner)
                if word in ("properties", "$defs"):
                    for one in inner.values():
                        walk(one)
                elif word not in ANNOTATIONS | {"enum", "const", "required"}:
                    walk(inner)

    walk(SCHEMA)
    assert set(RULES) <= seen | {"uniqueItems"}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_satisfy_it(path: Path) -> None:
    assert accepts(SCHEMA, tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("change", test_identity.SAME.values(), ids=test_identity.SAME)
def test_every_way_of_writing_satisfies_it(change: tuple[str, str]) -> None:
    text = test_identity.WRITTEN
    written = tomllib.loads(text.replace(*change) if change[0] else text)
    assert accepts(SCHEMA, written)


@pytest.mark.parametrize("kind", VOCABULARY.registries)
def test_every_entry_alias_and_parameter_satisfies_it(kind: str) -> None:
    for name, entry in VOCABULARY.registries[kind].items():
        if entry.reader is not None:
            assert accepts(SCHEMA, document({kind: {name: "my.csv", "target": "y", "rows": 5}}))
            continue
        for level in [name, *entry.aliases, *as_written(variants(name, entry))]:
            for written in (level, [level]):
                content = document({kind: written})
                if kind in STUDY_KINDS:
                    content = {"name": "test", "kind": STUDY_KINDS[kind], "grid": {kind: written}}
                assert accepts(SCHEMA, content), level


@pytest.mark.parametrize(
    "sections",
    [
        {"design": {"kind": "one_factor", "baseline": {"depth": 2, "optimizer.lr": 0.1}}},
        {"design": {"exclude": [{"activation": ["relu"], "why": "x"}]}},
        {"probes": {"layers": True, "every": 3}, "report": {"metric": "test_r2", "target": 0.5}},
        {"claim": [{"text": "t", **test_study.BETTER, "by": 0.1, "where": {"seed": 0}}]},
        {"claim": [{"text": "t", **test_study.SAME, "margin": 0.1}]},
        {"claim": [{"text": "t", **test_study.SHARE, "where": {"depth": 2}}]},
        {"claim": [{"text": "t", **test_study.MORE}]},
    ],
)
def test_sections_satisfy_it(sections: dict[str, Any]) -> None:
    assert accepts(SCHEMA, document({"depth": 2}, **sections))


def test_default_values_satisfy_it() -> None:
    properties = SCHEMA["$defs"]["grid_of_training"]["properties"]
    assert set(properties) == {*GRID_KEYS, "seeds"}
    for key, schema in properties.items():
        if "default" in schema:
            assert accepts(schema, schema["default"]), key


@pytest.mark.parametrize(
    "grid",
    [
        {"depht": 2},
        {"activation": "tahn"},
        {"activation": []},
        {"optimizer": {"name": "sgd", "lr": []}},
        {"optimizer": {"lr": 0.1}},
        {"optimizer": {"name": "sgd", "rate": 1}},
        {"optimizer": 3},
        {"optimizer": {"name": "sgd", "lr": -1}},
        {"depth": 2.5},
        {"depth": "2"},
        {"depth": True},
        {"depth": -1},
        {"dropout": 1.0},
        {"residual": 1},
        {"dtype": "float16"},
        {"weight_decay": "nothing"},
        {"seeds": 0},
        {"seeds": [1, 1]},
        {"schedule": {"name": "chained", "first": {"name": "exponential", "gamma": -1}}},
        {"schedule": {"name": "multistep", "milestones": [2, 4]}},
        {"data": {"csv": ""}},
    ],
)
def test_mistakes_in_the_grid_are_seen_by_both(grid: dict[str, Any]) -> None:
    assert not accepts(SCHEMA, document(grid))
    with pytest.raises(ValueError):
        make_study(document(grid), VOCABULARY)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../x"},
        {"name": "A"},
        {"titel": "x"},
        {"seed": -1},
        {"report": {"metric": "accuracy"}},
        {"design": {"kind": "half"}},
        {"design": {"exclude": [{"depth": 2}]}},
        {"design": {"exclude": [{"depht": 2, "why": "x"}]}},
        {"design": {"baseline": {"depht": 2}}},
        {"claim": [{"text": "t"}]},
        {"claim": [{"text": "t", **test_study.SAME}]},
        {"claim": [{"text": "t", **test_study.SHARE, "share": {"at_most": 2}}]},
        {"claim": [{"text": "t", **test_study.MORE, "than": {"depth": 2}}]},
        {"claim": [{"text": "t", **test_study.MORE, **test_study.BETTER}]},
        {"claim": [{"text": "t", **test_study.BETTER, **test_study.SAME, "margin": 1}]},
        {"claim": [{"text": "t", **test_study.BETTER, "where": {"x": 1}}]},
    ],
)
def test_mistakes_elsewhere_are_seen_by_both(change: dict[str, Any]) -> None:
    written = document({}) | change
    assert not accepts(SCHEMA, written)
    with pytest.raises(ValueError):
        make_study(written, VOCABULARY)


def test_names_say_what_they_are() -> None:
    """An editor shows the summary beside each name."""
    for kind, entries in VOCABULARY.registries.items():
        offered = SCHEMA["$defs"][f"name_of_{kind}"]["anyOf"]
        said = {one["const"]: one["description"] for one in offered}
        for name, entry in entries.items():
            if entry.reader is None:
                assert said[name] == entry.summary
                assert set(entry.aliases) <= set(said)


def test_ranges_are_those_of_the_reader() -> None:
    for kind, entries in VOCABULARY.registries.items():
        tables = SCHEMA["$defs"][kind]["anyOf"][1:]
        for (name, entry), table in zip(entries.items(), tables, strict=True):
            if entry.reader is not None:
                continue
            for key, parameter in entry.parameters.items():
                default = parameter.default
                if isinstance(default, bool) or not isinstance(default, int | float):
                    continue
                schema = table["properties"][key]
                for value in (parameter.low, parameter.high, default):
                    if not math.isfinite(value):
                        continue
                    inside = True
                    try:
                        parameter.accept(value)
                    except ValueError:
                        inside = False
                    assert accepts(schema, value) == inside, (kind, name, key, value)
