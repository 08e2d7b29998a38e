"""docs/course.md: equal to what the script writes, its names known, its studies there."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from nnbench.atlas.listing import registries, toml
from nnbench.catalog import VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.study.reading import make_study
from nnbench.study.study import Study
from scripts.course_table import PAGE, Item, names, page, sections, studies, study_of, wanted_fields
from tests.places import ROOT, STUDIES

ITEMS = [item for found in sections().values() for _, items in found for item in items]


def table_rows() -> Iterator[list[str]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| item "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.whole
def test_the_page_is_what_the_script_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python scripts/course_table.py"


def test_every_entry_has_a_row() -> None:
    snippets = " ".join(row[1] for row in table_rows())
    for kind, entries in registries().items():
        for name, entry in entries.items():
            wanted = [f'{kind} = "{name}"']
            if isinstance(entry, Key):
                wanted = [f"`{key} = {toml(level)}`" for key, level in entry.levels.items()]
            elif entry.reader is not None:
                wanted = [f"{kind} = {{ {name} = "]
            assert all(one in snippets for one in wanted), name


@pytest.mark.whole
def test_every_row_has_a_study_and_every_table_of_many_a_heading() -> None:
    known = studies()
    assert [item.name for item in ITEMS if study_of(item, known) not in known] == []
    assert all(row[3].startswith("[") for row in table_rows())
    for title, found in sections().items():
        assert len(found) == 1 or all(heading for heading, _ in found), title


@pytest.mark.parametrize(
    "item", ITEMS, ids=lambda item: f"{item.snippet.partition(' ')[0]}-{item.name}"
)
def test_every_name_resolves(item: Item) -> None:
    for key, wanted in wanted_fields(item.snippet):
        if key in VOCABULARY.registries:
            assert VOCABULARY.find(key, str(wanted[key])) == wanted[key]
        if key in VOCABULARY.registries and registries()[key][str(wanted[key])].reader is not None:
            continue  # needs the user's file
        if key in ("landscape", "expression"):
            continue  # tried by the listing's snippets
        document = {"name": "test", "grid": {"data": "iris"} | tomllib.loads(item.snippet)}
        if key == "loss" and "classification" not in registries()["loss"][wanted[key]].targets:
            document["grid"] |= {"data": "diabetes"}
        assert key in make_study(document, VOCABULARY).levels


def test_every_study_that_the_table_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(\.\./(studies/[^)]+)\)", text))
    missing = sorted(path for path in named if not (ROOT / path).is_file())
    assert len(named) > 10
    assert not missing, f"named in docs/course.md, but not there: {', '.join(missing)}"


def small_study(**grid: object) -> Study:
    content = {"name": "small", "grid": {"data": "iris", "seeds": 1, **grid}}
    return make_study(content, VOCABULARY)


def test_a_study_names_an_item_only_by_a_level_that_says_all_of_it() -> None:
    study = small_study(norm=["none", {"name": "batchnorm", "position": "after"}], dropout=[0, 0.2])
    assert names(study, Item("", 'norm = { name = "batchnorm", position = "after" }', ""))
    assert not names(study, Item("", 'norm = { name = "batchnorm", position = "before" }', ""))
    assert names(study, Item("", "dropout = 0.2", ""))
    assert not names(study, Item("", "dropout = 0.2\nl1 = 0.001", ""))
    assert not names(study, Item("", 'activation = "tanh"', ""))


def test_an_item_goes_to_its_home_if_that_names_it_and_else_to_the_first_that_does() -> None:
    known = {
        "quickstart": small_study(activation=["relu", "tanh"]),
        "b": small_study(activation=["tanh", "elu"]),
        "home": small_study(activation="relu"),
    }
    for name, study in {"relu": "home", "elu": "b", "tanh": "b", "selu": ""}.items():
        assert study_of(Item(name, f'activation = "{name}"', "", "home"), known) == study
    assert study_of(Item("selu", 'activation = "selu"', "", "planned"), known) == "planned"


@pytest.mark.whole
def test_the_committed_studies_are_those_that_are_read() -> None:
    assert set(studies()) == {path.stem for path in STUDIES}
