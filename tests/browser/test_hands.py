"""What one does on a page by hand: point, show and hide, filter, save, follow links."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from nnbench.report.build import build_report
from nnbench.report.index import write_index
from tests.browser.conftest import Browser
from tests.synthetic import FACTORS, make_cells, make_curves, write_results
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.whole]

LEVELS = [f"act_{place}" for place in range(10)]  # more than a figure draws
CURVES = "#figure-curvesactivation"
STYLES = "getComputedStyle(document.querySelector(arguments[0]))"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of ten activations, of which seven are drawn."""
    base = make_cells(seeds=range(2))
    base = base[(base["activation"] == "relu") & (base["status"] == "ok")]
    parts = []
    for place, level in enumerate(LEVELS):
        part = base.assign(activation=level, test_accuracy=base["test_accuracy"] - 0.01 * place)
        parts.append(part)
    cells = pd.concat(parts, ignore_index=True)
    cells["cell_id"] = [f"{place:016x}" for place in range(len(cells))]
    folder = tmp_path_factory.mktemp("hands") / "ten"
    write_results(folder, cells, make_curves(cells), factors=FACTORS | {"activation": LEVELS})
    return build_report(folder).path


@pytest.fixture(scope="module")
def downloads(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser saves files."""
    folder = tmp_path_factory.mktemp("downloads")
    saving = {"behavior": "allow", "downloadPath": str(folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", saving)
    return folder


def saved(browser: Browser, folder: Path, holder: str, label: str, name: str) -> bytes:
    """Click a button of a figure or a section, and return the file that it saves."""
    browser.run(
        "document.querySelector(`${arguments[0]} button[aria-label='${arguments[1]}']`).click()",
        holder,
        label,
    )
    until(lambda: (folder / name).exists() and (folder / name).stat().st_size, name)
    return (folder / name).read_bytes()


def seen(browser: Browser, name: str) -> set[str]:
    """Return how the lines of a series of the curves are displayed."""
    return set(
        browser.run(
            f"return [...document.querySelectorAll('{CURVES} [data-series]')]"
            ".filter((part) => part.dataset.series === arguments[0])"
            ".map((part) => getComputedStyle(part).display)",
            name,
        )
    )


def button(browser: Browser, name: str) -> str:
    """Click the button of a series of the curves, and return whether it is pressed now."""
    return str(
        browser.run(
            f"const one = [...document.querySelectorAll('{CURVES} .series button')]"
            ".find((b) => b.textContent === arguments[0]); one.click();"
            "return one.getAttribute('aria-pressed')",
            name,
        )
    )


def point_at(browser: Browser, series: str, place: int) -> str:
    """Move the pointer to a mark of a series of the curves, and return what is told."""
    return str(
        browser.run(
            f"const svg = document.querySelector('{CURVES} svg');"
            "svg.scrollIntoView({block: 'center'});"
            "const group = JSON.parse(svg.querySelector('metadata').textContent)"
            ".find(({series}) => series === arguments[0]);"
            "const [x, y] = group.marks[arguments[1]];"
            "const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());"
            "svg.dispatchEvent(new PointerEvent('pointermove', {clientX: at.x, clientY: at.y}));"
            "const tip = document.querySelector('.tip');"
            "return tip.hidden ? '' : tip.innerText",
            series,
            place,
        )
    )


def test_the_value_under_the_pointer_is_that_of_the_table(browser: Browser, report: Path) -> None:
    browser.open(report)
    lines = point_at(browser, "act_0", 20).splitlines()
    assert lines[0] == "act_0" and lines[1].startswith("epoch 20: ")
    assert lines[2] == "validation accuracy (%)"
    value = float(lines[1].split(": ")[1].split()[0])
    cells = make_cells(seeds=range(2))
    cells = cells[(cells["activation"] == "relu") & (cells["status"] == "ok")]
    curves = make_curves(cells[cells["data"] == "digits"])
    median = np.median(100 * curves.loc[curves["epoch"] == 20, "val_metric"])
    assert value == pytest.approx(median, abs=0.01)
    assert browser.run("return document.querySelectorAll('.ring').length") == 1
    browser.run(f"document.querySelector('{CURVES} svg').dispatchEvent(new Event('pointerleave'))")
    assert browser.run("return document.querySelector('.tip').hidden")


def test_arrow_keys_go_through_the_values(browser: Browser, report: Path) -> None:
    browser.open(report)
    box = browser.driver.find_element(By.CSS_SELECTOR, f"{CURVES} .scroll")
    box.send_keys(Keys.ARROW_RIGHT)
    first = browser.driver.find_element(By.CSS_SELECTOR, ".tip").text
    box.send_keys(Keys.ARROW_RIGHT)
    second = browser.driver.find_element(By.CSS_SELECTOR, ".tip").text
    assert "epoch 0: " in first and "epoch 1: " in second
    box.send_keys(Keys.ESCAPE)
    assert not browser.driver.find_element(By.CSS_SELECTOR, ".tip").is_displayed()


def test_a_series_that_was_left_out_can_be_had_back(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert seen(browser, "act_0") == {"inline"} and seen(browser, "act_1") == {"none"}
    assert point_at(browser, "act_1", 20) != "act_1"
    assert button(browser, "act_1") == "true"
    assert seen(browser, "act_1") == {"inline"}
    assert point_at(browser, "act_1", 20).startswith("act_1")
    assert button(browser, "act_1") == "false" and seen(browser, "act_1") == {"none"}


def test_a_click_on_a_label_hides_its_series(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.run(
        f"document.querySelector('{CURVES} [data-label=act_9] text')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert seen(browser, "act_9") == {"none"} and seen(browser, "act_8") == {"inline"}
    assert button(browser, "act_9") == "true" and seen(browser, "act_9") == {"inline"}


def test_labels_that_are_had_back_do_not_cover_each_other(browser: Browser, report: Path) -> None:
    browser.open(report)
    for name in ("act_1", "act_2", "act_3"):
        button(browser, name)
    overlaps, count = browser.run(
        f"const all = [...document.querySelectorAll('{CURVES} .scroll [data-label]')]"
        ".filter((part) => part.dataset.panel === '0' && part.querySelector('text')"
        " && !part.hasAttribute('data-off')).map((part) => part.getBoundingClientRect());"
        "let found = 0;"
        "for (const a of all) for (const b of all)"
        " if (a !== b && a.top < b.bottom - 3 && b.top < a.bottom - 3) found += 1;"
        "return [found, all.length]"
    )
    assert (overlaps, count) == (0, 10)


def test_one_filter_acts_on_tables_and_figures(browser: Browser, report: Path) -> None:
    browser.open(report)
    box = browser.driver.find_element(By.CSS_SELECTOR, ".filter input")
    box.send_keys("act_1")
    assert seen(browser, "act_1") == {"inline"} and seen(browser, "act_0") == {"none"}
    rows = browser.run(
        "return [...document.querySelector('#won table.tools').tBodies[0].rows]"
        ".filter((row) => !row.hidden).map((row) => row.textContent)"
    )
    assert rows and all("act_1" in row for row in rows)
    box.send_keys(Keys.ESCAPE)
    assert seen(browser, "act_0") == {"inline"} and seen(browser, "act_1") == {"none"}
    hidden = browser.run("return document.querySelectorAll('tr[hidden]').length")
    assert hidden == 0


def test_a_figure_is_saved_as_it_is_seen(browser: Browser, report: Path, downloads: Path) -> None:
    browser.open(report, dark=True)
    button(browser, "act_9")
    name = CURVES.removeprefix("#")
    svg = saved(browser, downloads, CURVES, "Save figure as SVG", f"{name}.svg").decode()
    assert svg.startswith("<svg") and "var(--" not in svg and "<metadata" not in svg
    assert 'data-series="act_0"' in svg and 'data-series="act_9"' not in svg
    assert "#1a1a1b" in svg  # ink on paper, though the page was dark
    saved(browser, downloads, CURVES, "Save figure as PNG", f"{name}.png")
    with Image.open(downloads / f"{name}.png") as image:
        pixels = np.asarray(image.convert("L"), dtype=float)
    assert pixels[0, 0] == 255 and 0.5 < (pixels > 250).mean() < 0.99
    page = report.resolve().as_uri()
    assert {url for url in browser.requests() if not url.startswith(("data:", "blob:"))} == {page}
    assert browser.complaints() == []


def test_a_table_is_saved_for_a_paper(browser: Browser, report: Path, downloads: Path) -> None:
    browser.open(report)
    text = saved(browser, downloads, "#won", "Save table as LaTeX", "won.tex").decode()
    assert "\\toprule" in text and "\\bottomrule" in text and "& interval &" in text
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len({line.count(" & ") for line in rows}) == 1
    csv = saved(browser, downloads, "#won", "Save table as CSV", "won.csv").decode()
    assert len(csv.splitlines()) == len(rows)
    assert saved(browser, downloads, "#won", "Save table as Markdown", "won.md").startswith(b"| ")


def test_every_figure_and_section_has_a_number_and_a_link_of_its_own(
    scriptless: Browser, report: Path
) -> None:
    scriptless.open(report)
    figures = scriptless.driver.find_elements(By.CSS_SELECTOR, "figure")
    for number, figure in enumerate(figures, start=1):
        link = figure.find_element(By.CSS_SELECTOR, "figcaption a")
        assert link.text == f"Figure {number}"
        assert link.get_attribute("href").endswith(f"#{figure.get_attribute('id')}")
    sections = scriptless.driver.find_elements(By.CSS_SELECTOR, "main > section:not(#answer)")
    for number, section in enumerate(sections, start=1):
        link = section.find_element(By.CSS_SELECTOR, "h2 a")
        assert link.text == str(number)
        assert link.get_attribute("href").endswith(f"#{section.get_attribute('id')}")
    assert len(figures) > 3 and len(sections) > 3


def test_what_is_left_out_is_not_seen_without_the_script(scriptless: Browser, report: Path) -> None:
    scriptless.open(report)
    off = scriptless.driver.find_elements(By.CSS_SELECTOR, f"{CURVES} [data-off]")
    assert off and not any(part.is_displayed() for part in off)


@pytest.mark.parametrize("width", [320, 768, 1024])
def test_the_answers_figure_hides_no_number(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width=width)
    texts = browser.run(
        "return [...document.querySelectorAll('#answer figure text')]"
        ".map((text) => [text.textContent, text.getBoundingClientRect()])"
        ".filter(([, box]) => box.width > 0)"
        ".map(([text, box]) => [text, box.left, box.right])"
    )
    numbers = [text for text, _, _ in texts if "[" in text or "interval" in text]
    assert len(numbers) >= 9 and all(left >= 0 and right <= width for _, left, right in texts)
    wide = browser.run("return document.documentElement.scrollWidth")
    assert wide <= width


@pytest.mark.parametrize(("width", "shown"), [(1023, "none"), (1024, "block")])
def test_contents_stand_beside_the_text_where_there_is_room(
    browser: Browser, report: Path, width: int, shown: str
) -> None:
    browser.open(report, width=width)
    assert browser.run(f"return {STYLES}.display", "nav.contents") == shown
    if shown == "block":
        right, left = browser.run(
            "return ['nav.contents', 'main'].map((name, place) => {"
            "const box = document.querySelector(name).getBoundingClientRect();"
            "return place ? box.left : box.right })"
        )
        assert right <= left


@pytest.mark.whole
def test_a_study_leads_home_and_home_leads_back(browser: Browser, report: Path) -> None:
    home = write_index(report.parent.parent)
    assert home is not None
    browser.open(report)
    browser.driver.find_element(By.LINK_TEXT, "All results").click()
    assert browser.driver.current_url == home.resolve().as_uri()
    browser.open(report)
    browser.driver.find_element(By.LINK_TEXT, "Other studies").click()
    topic = browser.driver.find_element(By.CSS_SELECTOR, ":target")
    assert "synthetic" in topic.get_attribute("innerHTML") or "Which activation" in topic.text
    browser.driver.find_element(By.CSS_SELECTOR, "#other tbody a").click()
    assert browser.driver.current_url == report.resolve().as_uri()
    assert browser.complaints() == []
