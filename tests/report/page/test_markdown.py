"""The report as Markdown: the same sentences, its figures beside it, nothing that is markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nnbench.report.build import build_report
from nnbench.report.page.markdown import code, escaped, markdown, write_markdown
from nnbench.report.page.parts import (
    Code,
    Column,
    Commands,
    Page,
    Section,
    Table,
    TableCell,
    frame_table,
    paragraph,
)
from tests.synthetic import make_cells, write_results

SIGNS = set("\\`*_{}[]<>()#|~$&!@")


def page(*parts: object, title: str = "Title", answer: str = "Answer.") -> Page:
    section = Section("one", "One", parts)  # type: ignore[arg-type]
    return Page("kicker", title, [answer], [("seeds", "3")], [section])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_results(tmp_path_factory.mktemp("it") / "results" / "synthetic", make_cells())
    build_report(folder, with_markdown=True)
    return folder


@pytest.mark.whole
def test_it_says_what_the_page_says_in_the_same_order(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    page = (folder / "report.html").read_text(encoding="utf-8")
    numbered = re.findall(r"<h2>(?:<a [^>]*>\d+</a> )?(.*)</h2>", page)
    assert headings == numbered
    plain = re.sub(r"\\(.)", r"\1", text)
    assert "Activation matters most: tanh gains " in plain
    assert "69 of 72 networks finished; 3 diverged" in plain
    assert "`nnbench export 000000000000003f --from results/synthetic`" in text


@pytest.mark.whole
def test_every_figure_lies_beside_it_and_no_other(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\((report_files/[^)]+\.png)\)", text)
    assert len(named) == 8
    assert {folder / name for name in named} == set((folder / "report_files").iterdir())
    for name in named:
        with Image.open(folder / name) as picture:
            assert picture.width > 500
            assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.whole
def test_the_same_results_give_the_same_files_and_old_figures_go(folder: Path) -> None:
    files = [folder / "report.md", *sorted((folder / "report_files").iterdir())]
    before = [path.read_bytes() for path in files]
    (folder / "report_files" / "old.png").write_bytes(b"of an earlier report")
    build_report(folder, with_markdown=True)
    assert [path.read_bytes() for path in files] == before
    assert not (folder / "report_files" / "old.png").exists()


@pytest.mark.whole
def test_every_table_has_as_many_cells_in_each_row(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    blocks = [b for b in text.split("\n\n") if b.startswith("|")]
    assert len(blocks) > 10
    for block in blocks:
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(bars) == 1


@given(st.text(max_size=40))
def test_no_sign_is_left_that_means_something(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    bare = re.sub(r"\\[^a-zA-Z0-9\s]", "", shown)
    assert not set(bare) & SIGNS
    assert not re.match(r"\d*[-+=.](\s|$)", shown)


@given(st.text(alphabet="a`b ", max_size=12))
def test_code_holds_whatever_backticks_are_in_it(text: str) -> None:
    shown = code(text)
    fence = re.match("`+", shown)
    assert fence and shown.endswith(fence[0])
    inside = shown[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)


def test_code_in_a_table_keeps_its_bar_from_ending_the_cell() -> None:
    table = Table([Column("cell")], [[TableCell("a|b", is_code=True)], [TableCell("c|d")]])
    assert "| `a\\|b` |" in markdown(page(table)) and "| c\\|d |" in markdown(page(table))


def test_hostile_text_is_no_markup() -> None:
    hostile = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) @team http://a.b\n# heading"
    table = Table([Column(hostile)], [[hostile]])
    text = markdown(page(table, paragraph(hostile, Code("`x`")), title=hostile, answer=hostile))
    bare = re.sub(r"\\[^a-zA-Z0-9\s]", "", text)
    assert "<img" not in bare and "](" not in bare and "@team" not in bare
    assert "http://" not in bare
    assert bare.count("\n# ") == 1, "the title's own"


def test_a_shell_line_stays_one_line() -> None:
    text = markdown(page(Commands(["nnbench run a\n\n# not a heading"])))
    assert "    nnbench run a # not a heading\n" in text


def test_a_page_without_figures_has_no_folder_for_them(tmp_path: Path) -> None:
    path = write_markdown(tmp_path, page(paragraph("Nothing drawn.")))
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_long_table_says_what_it_leaves_out() -> None:
    table = Table([Column("n", True)], [[str(i)] for i in range(99)], note="A note.")
    text = markdown(page(table))
    assert "The first 30 of 99 rows" in text and "A note." in text and "| 30 |" not in text


def test_a_frame_becomes_a_table_of_rounded_numbers() -> None:
    frame = make_cells()[["activation", "test_accuracy", "depth"]]
    table = frame_table(frame, most=5)
    assert [column.is_number for column in table.columns] == [False, True, True]
    assert table.note == "The first 5 of 72 rows; the tables of the study have them all."
    first = table.table_cells[0]
    assert first[0].text == "relu" and first[2].text == "2"
    assert first[1].value == frame["test_accuracy"].iloc[0] and len(first[1].text) == 5
