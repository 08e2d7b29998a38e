"""The lecture in a real browser: one finding a screen, by keys and by address, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from nnbench.report.build import build_report
from nnbench.report.lecture import write_lecture
from tests.browser.conftest import Browser
from tests.synthetic import make_cells, write_results

pytestmark = [pytest.mark.browser, pytest.mark.whole]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lecture of one study, beside that study's report."""
    out = tmp_path_factory.mktemp("lecture")
    write_results(out / "activations", make_cells(), name="activations")
    build_report(out / "activations")
    return write_lecture(out)


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.driver).send_keys(key).perform()


def seen_figures(browser: Browser) -> list[str]:
    return list(
        browser.run(
            "return [...document.querySelectorAll('figure')]"
            ".filter((one) => one.getBoundingClientRect().height > 0).map((one) => one.id)"
        )
    )


def test_keys_go_through_the_findings_one_a_screen(browser: Browser, page: Path) -> None:
    report = page.parent / "activations/report.html"
    browser.open(report)
    every = seen_figures(browser)
    press(browser, "l")
    assert seen_figures(browser) == []  # the title
    for figure in every:
        press(browser, Keys.ARROW_RIGHT)
        assert seen_figures(browser) == [figure]
    press(browser, Keys.ARROW_RIGHT)
    assert seen_figures(browser) == [every[-1]]
    press(browser, Keys.ARROW_LEFT)
    assert seen_figures(browser) == [every[-2]]
    assert browser.driver.current_url.endswith(f"#lecture-{len(every)}")
    press(browser, Keys.ESCAPE)
    assert seen_figures(browser) == every
    assert browser.complaints() == [] and browser.requests() == [report.resolve().as_uri()]


def test_an_address_opens_a_screen_with_its_sentence_and_numbers(
    browser: Browser, page: Path
) -> None:
    browser.open(page)
    browser.run("location.hash = '#lecture-2'")
    browser.driver.refresh()
    (figure,) = seen_figures(browser)
    assert figure == "figure-activations-lead"
    wide, high, top, text = browser.run(
        "const svg = document.querySelector('figure.now svg').getBoundingClientRect();"
        "return [svg.width, svg.height, svg.top, document.querySelector('main').innerText]"
    )
    assert wide > 900 and top + high <= 900  # as large as the window lets it be
    assert "Activation matters most" in text and "The numbers behind this figure" in text
    assert browser.run("return document.querySelector('figure.now details').open")


@pytest.mark.whole
def test_a_projector_may_be_in_a_light_or_a_dark_room(browser: Browser, page: Path) -> None:
    browser.open(page)
    press(browser, "l", Keys.ARROW_RIGHT)
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    assert browser.run(paper) == "rgb(255, 255, 254)"
    press(browser, "d")
    assert browser.run(paper) == "rgb(19, 21, 24)"
    assert browser.violations() == []
    press(browser, "d")
    assert browser.run(paper) == "rgb(255, 255, 254)"
    assert browser.violations() == []


def test_letters_typed_into_the_filter_begin_no_lecture(browser: Browser, page: Path) -> None:
    browser.open(page)
    press(browser, "/", "l")
    assert browser.run("return document.body.classList.contains('lecture')") is False
    assert browser.run("return document.querySelector('.filter input').value") == "l"
