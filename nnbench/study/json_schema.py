"""The JSON Schema of a study file, for editors: built from what the reader itself checks by.

It says less than the reader: which recipes cannot be, which levels a claim may name and how many
cells are too many only the reader knows. What the reader accepts, the schema accepts.
"""

import math
from collections.abc import Mapping
from typing import Any

from nnbench.study.document import FORMS, Document
from nnbench.study.grid import MAX_CELLS
from nnbench.study.metrics import METRICS
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING, grid_keys
from nnbench.study.vocabulary import Entry, Parameter, Vocabulary

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def study_schema(vocabulary: Vocabulary) -> Schema:
    """The JSON Schema (draft 2020-12) of a study file written in this vocabulary."""
    schema = Document.model_json_schema()
    definitions = schema["$defs"]
    for registry, entries in vocabulary.registries.items():
        definitions[f"name_of_{registry}"] = _names(entries)
        definitions[registry] = _variant(registry, entries)
    definitions["cells"] = _partial()
    for study_kind in STUDY_KINDS:
        definitions[f"grid_of_{study_kind}"] = _grid(study_kind)
    schema["properties"]["grid"] = {
        "description": "a list is a factor, anything else is held fixed"
    }
    schema["anyOf"] = [_of_kind(study_kind) for study_kind in STUDY_KINDS]
    for section, key in _partials():
        properties = definitions[section]["properties"]
        about = {
            name: properties[key][name] for name in ("description",) if name in properties[key]
        }
        properties[key] = {"$ref": "#/$defs/cells"} | about
    definitions["Exclusion"]["additionalProperties"] = True
    definitions["Exclusion"]["propertyNames"] = {"pattern": f"^why$|{_places()}"}
    definitions["Claim"]["oneOf"] = [_form(keys) for keys in FORMS]
    for section in ("Report", "Claim"):
        definitions[section]["properties"]["metric"] |= {"enum": list(METRICS)}
    return {"$schema": DIALECT} | schema


def _of_kind(study_kind: str) -> Schema:
    """What a study of one kind is: its own keys in the grid. Unsaid, it is of training."""
    properties = {"kind": {"const": study_kind}, "grid": {"$ref": f"#/$defs/grid_of_{study_kind}"}}
    return {"properties": properties} | ({} if study_kind == TRAINING else {"required": ["kind"]})


def _form(keys: tuple[str, str]) -> Schema:
    """What a claim of one form has: `than` is of levels, or the name of a factor."""
    others = sorted({key for form in FORMS for key in form} - set(keys))
    form: Schema = {
        "required": [*keys, "margin"] if "same" in keys else [*keys],
        "not": {"anyOf": [{"required": [key]} for key in others]},
    }
    if keys[1] == "than":
        is_of_levels = keys[0] == "better"
        than = {"$ref": "#/$defs/cells"} if is_of_levels else {"type": "string"}
        form["properties"] = {"than": than}
    return form


def _partials() -> list[tuple[str, str]]:
    sides = ("better", "same", "as", "where")  # `than` may be the name of a factor, too
    return [("Design", "baseline"), *(("Claim", side) for side in sides)]


def _places() -> str:
    keys = dict.fromkeys(key for study_kind in STUDY_KINDS for key in grid_keys(study_kind))
    return rf"^({'|'.join([*keys, 'seed'])})(\.|$)"


def _partial() -> Schema:
    return {
        "type": "object",
        "description": "levels by key; together they name a set of cells",
        "propertyNames": {"pattern": _places()},
    }


def _grid(study_kind: str) -> Schema:
    properties: Schema = {}
    for key in grid_keys(study_kind):
        field = STUDY_KINDS[study_kind].fields[key]
        level: Schema = (
            {"$ref": f"#/$defs/{field.registry}"} if field.registry else _value(field.value)
        )
        if field.default == "auto":
            level = {"anyOf": [{"const": "auto"}, level]}
        properties[key] = _one_or_list(level) | {"description": field.doc} | _default(field.usual)
    if STUDY_KINDS[study_kind].has_chance:
        properties["seeds"] = _seeds()
    return {
        "type": "object",
        "properties": properties,
        "required": [STUDY_KINDS[study_kind].required],
        "additionalProperties": False,
    }


def _seeds() -> Schema:
    whole = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
    return {
        "description": "number of seeds, or a list of them",
        "default": 3,
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": MAX_CELLS},
            {"type": "array", "items": whole, "minItems": 1, "uniqueItems": True},
        ],
    }


def _default(value: Any) -> Schema:
    if value is None:
        return {"default": "none"}
    return {} if value == "" else {"default": [list(value)] if isinstance(value, tuple) else value}


def _one_or_list(level: Schema) -> Schema:
    return {"anyOf": [level, {"type": "array", "items": level, "minItems": 1}]}


def _names(entries: Mapping[str, Entry]) -> Schema:
    """The names of a factor's levels, with what each is."""
    forms = []
    for name, entry in entries.items():
        if entry.reader is None:
            forms.append({"const": name, "description": entry.summary})
            forms += [
                {"const": alias, "description": f"another name of {name}"}
                for alias in entry.aliases
            ]
    return {"anyOf": forms}


def _variant(registry: str, entries: Mapping[str, Entry]) -> Schema:
    """One level of a factor: a name, or a table with a name and parameters."""
    tables = [
        _file_table(name, entry) if entry.reader else _table(name, entry)
        for name, entry in entries.items()
    ]
    return {"anyOf": [{"$ref": f"#/$defs/name_of_{registry}"}, *tables]}


def _table(name: str, entry: Entry) -> Schema:
    parameters = {key: _parameter(parameter) for key, parameter in entry.parameters.items()}
    return {
        "type": "object",
        "description": entry.summary,
        "properties": {"name": {"enum": [name, *entry.aliases]}} | parameters,
        "required": ["name"],
        "additionalProperties": False,
    }


def _parameter(parameter: Parameter) -> Schema:
    """What stands behind a parameter's name: one value, or a list of them."""
    level = _value(parameter)
    either = _one_or_list(level)
    if isinstance(parameter.default, tuple):  # a list of values is one level of a list
        either = either["anyOf"][1]
    return either | {"description": parameter.doc} | _default(parameter.default)


def _file_table(name: str, entry: Entry) -> Schema:
    """A table that the entry reads by itself: `{ csv = "my.csv", target = "label" }`."""
    return {
        "type": "object",
        "description": entry.summary,
        "properties": {name: _one_or_list({"type": "string", "minLength": 1})},
        "required": [name],
        "not": {"required": ["name"]},
    }


def _value(parameter: Parameter | None) -> Schema:
    """A single value of a parameter."""
    assert parameter is not None
    if parameter.registry:
        schema: Schema = {"$ref": f"#/$defs/{parameter.registry}"}
    elif parameter.choices:
        schema = {"enum": list(parameter.choices)}
    elif parameter.flag or isinstance(parameter.default, bool):
        schema = {"type": "boolean"}
    elif isinstance(parameter.default, str):
        schema = {"type": "string"}
    elif isinstance(parameter.default, tuple):
        schema = {"type": "array", "items": _number(parameter), "minItems": 1}
    else:
        schema = _number(parameter)
    return {"anyOf": [schema, {"const": "none"}]} if parameter.optional else schema


def _number(parameter: Parameter) -> Schema:
    schema: Schema = {"type": "integer" if parameter.is_whole else "number"}
    if parameter.low != -math.inf:
        schema["exclusiveMinimum" if parameter.open_low else "minimum"] = parameter.low
    if parameter.high != math.inf:
        schema["exclusiveMaximum" if parameter.open_high else "maximum"] = parameter.high
    return schema
