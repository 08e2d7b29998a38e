"""docs/study-keys.md: equal to what the script writes, every key in it, and every default true."""

from __future__ import annotations

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.document import SECTIONS, Document
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study_kinds import STUDY_KINDS, grid_keys
from nnbench.study.vocabulary import Parameter
from scripts.study_keys import PAGE, page, takes, values

FIRST = {"training": "data", "landscape": "landscape", "numerics": "expression"}
LEVEL = {"training": "iris", "landscape": "bowl", "numerics": "cross_entropy"}


def test_the_page_is_what_the_script_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python scripts/study_keys.py"


def test_every_key_has_a_row() -> None:
    text = page()
    for kind in STUDY_KINDS:
        for key in grid_keys(kind):
            assert f"| `{key}` |" in text
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            assert f"| `{field.alias or name}` |" in text
    head = set(Document.model_fields) - {"grid", *SECTIONS}
    assert all(f"| `{key}` |" in text for key in head)


@pytest.mark.parametrize("kind", STUDY_KINDS)
def test_a_default_that_is_written_out_changes_no_cell(kind: str) -> None:
    short = {FIRST[kind]: LEVEL[kind]}
    fields = {key: STUDY_KINDS[kind].fields[key] for key in grid_keys(kind) if key not in short}
    defaults = {
        key: field.value.default if field.value else field.default for key, field in fields.items()
    }
    spelled = {key: "none" if value is None else value for key, value in defaults.items()}
    cells = [
        [cell.cell_id for cell in make_study(content, VOCABULARY).cells()]
        for content in (
            {"name": "s", "kind": kind, "grid": short},
            {"name": "s", "kind": kind, "grid": short | spelled},
        )
    ]
    assert cells[0] == cells[1]


def test_what_a_value_may_be_is_told_in_words() -> None:
    assert values(Parameter(0.5, "", low=0, high=1, open_high=True)) == "number in [0, 1)"
    assert values(Parameter(2, "", low=1, high=100_000)) == "whole number in [1, 100,000]"
    assert values(Parameter(None, "", 0, 1e6, optional=True)) == "number in [0, 1e6], `none`"
    assert values(Parameter(None, "", optional=True, flag=True)) == "`true`, `false`, `none`"
    assert "`auto`" in takes("loss", STUDY_KINDS["training"].fields["loss"])
    assert "`{ csv = " in takes("data", STUDY_KINDS["training"].fields["data"])


def test_a_bound_of_the_page_is_where_the_reader_draws_the_line() -> None:
    grid = {"data": "iris", "width": 100_000, "depth": 0, "epochs": 0, "seeds": 1}
    assert make_study({"name": "s", "grid": grid}, VOCABULARY).cells()
    with pytest.raises(StudyError, match="100000"):
        make_study({"name": "s", "grid": grid | {"width": 100_001}}, VOCABULARY)
