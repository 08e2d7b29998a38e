"""The report in a real browser: nothing leaves, tables work, it holds when dark and when small."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from nnbench.report.build import build_report
from nnbench.report.index import write_index
from nnbench.results.files import write_files
from tests.browser.conftest import Browser
from tests.synthetic import FACTORS, make_cells, write_results

pytestmark = [pytest.mark.browser, pytest.mark.whole]

HOSTILE = ("<img src=x onerror=alert(1)>", '=HYPERLINK("http://example.org")', "a|b_c & $x$ 50%")
RANKING = "document.querySelector('#won table.tools')"
COPIED = """
const done = arguments[arguments.length - 1];
let copied = null;
Object.defineProperty(navigator, "clipboard",
  {configurable: true, value: {writeText: async (text) => { copied = text; }}});
const section = document.querySelector("#won .tabled");
const buttons = [...section.querySelectorAll(".toolbar button")];
buttons.find((button) => button.getAttribute("aria-label") === arguments[0]).click();
setTimeout(() => done([copied, section.querySelector(".status").textContent]), 50);
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with hostile levels, a failed arm and claims, beside an index."""
    cells = make_cells()
    names = dict(zip(("relu", "tanh", "sigmoid"), HOSTILE, strict=True))
    cells["activation"] = cells["activation"].map(names)
    claims = [{"text": f"{HOSTILE[0]} wins"}]
    folder = tmp_path_factory.mktemp("results") / "hostile"
    write_results(
        folder,
        cells,
        factors=FACTORS | {"activation": list(HOSTILE)},
        claims=claims,
        title=f"Which? {HOSTILE[0]}",
    )
    row = {
        "text": claims[0]["text"],
        "verdict": "undecided",
        "sentence": f"Undecided: {HOSTILE[0]}",
    }
    numbers = {"effect": 0.1, "low": -0.1, "high": 0.3, "n_ok": 9, "n": 9, "course": None}
    judged = pd.DataFrame([row | numbers]).to_csv(index=False)
    write_files(folder, {"claims.csv": judged.encode()})
    path = build_report(folder).path
    write_index(folder.parent)
    return path


def column(browser: Browser, name: str) -> list[str]:
    """Return what stands in a column of the ranking, from top to bottom."""
    return list(
        browser.run(
            f"const table = {RANKING}; const names = [...table.tHead.rows[0].cells]"
            ".map((c) => c.textContent.trim()); const place = names.indexOf(arguments[0]);"
            "return [...table.tBodies[0].rows].filter((row) => !row.hidden)"
            ".map((row) => row.cells[place].textContent.replace(/\\s+/g, ' ').trim());",
            name,
        )
    )


def click_heading(browser: Browser, name: str) -> None:
    browser.run(
        f"[...{RANKING}.tHead.querySelectorAll('button')]"
        ".find((b) => b.textContent === arguments[0]).click();",
        name,
    )


def filter_by(browser: Browser, text: str) -> None:
    browser.run(
        "const input = document.querySelector('.filter input[type=search]');"
        "input.value = arguments[0]; input.dispatchEvent(new Event('input'));",
        text,
    )


def copied(browser: Browser, form: str) -> tuple[str, str]:
    text, status = browser.driver.execute_async_script(COPIED, f"Copy table as {form}")
    return text, status


@pytest.mark.parametrize("page", ["report.html", "../index.html"])
def test_it_opens_from_a_file_and_nothing_leaves(browser: Browser, report: Path, page: str) -> None:
    path = report.parent / page
    browser.open(path)
    assert browser.run("return document.querySelectorAll('h1').length") == 1
    assert browser.run("return document.compatMode") == "CSS1Compat"
    assert browser.requests() == [path.resolve().as_uri()]
    assert browser.complaints() == []
    assert (
        browser.run("return document.querySelectorAll('img, iframe, [onerror], [onload]').length")
        == 0
    )


@pytest.mark.whole
@pytest.mark.parametrize("dark", [False, True])
def test_no_rule_of_accessibility_is_broken(browser: Browser, report: Path, dark: bool) -> None:
    browser.open(report, dark=dark)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.violations() == []


def test_a_request_and_a_console_error_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<!DOCTYPE html><img src='missing.png'><script>throw Error('x')</script>")
    browser.open(page)
    assert (tmp_path / "missing.png").as_uri() in browser.requests()
    assert any("Uncaught Error: x" in text for text in browser.complaints())


@pytest.mark.whole
def test_the_accessibility_check_can_fail(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.run("document.querySelector('svg').removeAttribute('aria-label')")
    assert any(found.startswith("svg-img-alt") for found in browser.violations())


def test_the_index_breaks_no_rule_and_links_the_report(browser: Browser, report: Path) -> None:
    browser.open(report.parent.parent / "index.html")
    assert browser.violations() == []
    browser.run("document.querySelector('td a, th a').click()")
    assert browser.driver.current_url == report.resolve().as_uri()


def test_tables_sort_by_number_and_by_word(browser: Browser, report: Path) -> None:
    browser.open(report)
    ranks = [str(place) for place in range(1, 12)]
    assert column(browser, "rank")[:11] == ranks
    click_heading(browser, "rank")
    falling = column(browser, "rank")
    assert falling[0] == "11" and falling[:11] == ranks[::-1] and falling[-1] == "–"
    click_heading(browser, "rank")
    assert column(browser, "rank")[:11] == ranks
    click_heading(browser, "optimizer")
    assert column(browser, "optimizer") == ["adam"] * 6 + ["sgd"] * 6
    sorted_by = browser.run(f"return {RANKING}.querySelector('[aria-sort]').textContent")
    assert sorted_by == "optimizer"


def test_tables_filter_by_every_word(browser: Browser, report: Path) -> None:
    browser.open(report)
    filter_by(browser, "SGD xavier")
    assert column(browser, "optimizer") == ["sgd"] * 3
    assert set(column(browser, "initialisation")) == {"xavier_normal"}
    said = browser.run("return document.querySelector('.filter .status').textContent")
    assert " rows in " in said and said.split()[0] == str(
        browser.run(
            "return [...document.querySelectorAll('.scroll > table')].map((table) => {"
            "const rows = [...table.tBodies[0].rows];"
            "const kept = rows.filter((row) => !row.hidden);"
            "return kept.length < rows.length ? kept.length : 0"
            "}).reduce((a, b) => a + b)"
        )
    )
    filter_by(browser, "")
    assert len(column(browser, "rank")) == 12


def test_a_copied_csv_has_its_numbers_apart_and_no_formula(browser: Browser, report: Path) -> None:
    browser.open(report)
    filter_by(browser, "adam")
    text, status = copied(browser, "CSV")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert status == "Copied 6 rows as CSV" and len(rows) == 6
    best = rows[0]
    low, mean, high = (float(best[f"test accuracy (%){end}"]) for end in (" low", "", " high"))
    assert low < mean < high and best["test accuracy (%) n"] == "n 6"
    levels = {row["activation"] for row in rows}
    assert levels == {HOSTILE[0], f"'{HOSTILE[1]}", HOSTILE[2]}


def test_a_copied_markdown_table_escapes_its_signs(browser: Browser, report: Path) -> None:
    browser.open(report)
    text, _ = copied(browser, "Markdown")
    lines = text.splitlines()
    assert len(lines) == 14 and set(lines[1]) <= set("|-: ")
    assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}
    assert "\\<img src=x onerror=alert(1)\\>" in text and "a\\|b\\_c \\& \\$x\\$ 50%" in text


def test_a_copied_latex_table_escapes_its_signs(browser: Browser, report: Path) -> None:
    browser.open(report)
    text, _ = copied(browser, "LaTeX")
    assert "a|b\\_c \\& \\$x\\$ 50\\%" in text and "\\textless{}img" in text
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len(rows) == 13
    columns = {line.replace("\\&", "").count("&") for line in rows}
    kinds = text.split("\\begin{tabular}{")[1].split("}")[0]
    assert columns == {len(kinds) - 1}
    assert "\\toprule" in text and "& interval &" in rows[0] and "& n &" in rows[0]
    assert all(len(field) < 60 for row in rows for field in row.split(" & "))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page", ["report.html", "../index.html"])
def test_a_small_screen_never_scrolls_the_page_sideways(
    browser: Browser, report: Path, page: str, dark: bool
) -> None:
    browser.open(report.parent / page, width=320, dark=dark)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    wide, seen = browser.run(
        "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
    )
    assert wide <= seen <= 320
    paper = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
    assert paper == ("rgb(19, 21, 24)" if dark else "rgb(255, 255, 254)")


def test_print_is_black_on_white_without_tools(browser: Browser, report: Path) -> None:
    browser.open(report, dark=True)
    assert (
        browser.run("return getComputedStyle(document.querySelector('.toolbar')).display") == "flex"
    )
    browser.print_media()
    style = (
        "const one = document.querySelector(arguments[0]);"
        "return getComputedStyle(one).getPropertyValue(arguments[1])"
    )
    assert browser.run(style, ".toolbar", "display") == "none"
    assert browser.run(style, "html", "background-color") == "rgb(255, 255, 255)"
    assert browser.run(style, "h1", "color") == "rgb(0, 0, 0)"
    assert browser.run(style, "#won .scroll", "max-height") == "none"
    assert browser.run(style, "#won td.extra", "display") == "none"
    assert browser.run(style, "#won td.number", "white-space") == "nowrap"
    assert float(browser.run(style, "#won table", "font-size")[:-2]) < 11


def test_lines_of_text_have_about_seventy_letters(browser: Browser, report: Path) -> None:
    browser.open(report)
    letters = browser.run(
        "return [...document.querySelectorAll('p')].filter((p) => p.textContent.length > 300)"
        ".map((p) => p.textContent.length * parseFloat(getComputedStyle(p).lineHeight)"
        " / p.clientHeight)"
    )
    assert letters and max(letters) < 76


@pytest.mark.parametrize("width", [320, 768])
def test_no_figure_scrolls_or_cuts_a_text_on_a_small_screen(
    browser: Browser, report: Path, width: int
) -> None:
    browser.open(report, width=width)
    assert browser.faults_of_figures() == []


def test_numbers_of_a_list_keep_their_names_on_a_small_screen(
    browser: Browser, report: Path
) -> None:
    browser.open(report.parent.parent / "index.html", width=320)
    names = browser.run(
        "return [...document.querySelectorAll('td.number')]"
        ".map((cell) => getComputedStyle(cell, '::before').content)"
    )
    assert "finished" in names[0] and "diverged" in names[1]


def test_it_is_whole_without_scripts(scriptless: Browser, report: Path) -> None:
    scriptless.open(report)
    text = scriptless.driver.find_element("tag name", "main").text
    assert "Which? <img src=x onerror=alert(1)>" in text and "69 of 72 networks finished" in text
    assert "Copy CSV" not in text and "Filter" not in text
    assert len(scriptless.driver.find_elements("css selector", "#won .tools tbody tr")) == 12
    scriptless.driver.find_element("css selector", "#mattered summary").click()
    assert (
        "p (noise alone)"
        in scriptless.driver.find_element("css selector", "#mattered details").text
    )
