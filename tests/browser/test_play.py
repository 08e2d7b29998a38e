"""Figures that play, in a real browser: walks chosen by name, and stills without scripts."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.cli.progress import Progress
from nnbench.pipeline import Options, run
from nnbench.plots.epochs import layer_epoch_lines
from nnbench.report.page.html import render_page
from nnbench.report.page.parts import Page, Section, picture
from nnbench.results.disk import write_whole
from nnbench.study.reading import make_study
from tests.browser.conftest import Browser
from tests.waiting import HANG

pytestmark = [pytest.mark.browser, pytest.mark.whole]
STAGE = "#figure-stage"


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small study of walks."""
    study = make_study(
        {
            "name": "small",
            "kind": "landscape",
            "grid": {
                "landscape": ["double_well", "bowl"],
                "optimizer": [{"name": "sgd", "lr": [0.001, 0.1]}, {"name": "adam", "lr": 0.1}],
                "steps": 60,
                "seeds": 2,
            },
        },
        VOCABULARY,
    )
    out = tmp_path_factory.mktemp("walks")
    run(study, Options(out, workers=1), Progress(kind="landscape"))
    return out / "small/report.html"


def choose(browser: Browser, label: str, name: str) -> None:
    """Choose in the list of a label, the first that is seen of several."""
    browser.run(
        f"const box = [...document.querySelectorAll('{STAGE} label')]"
        ".find((one) => !one.hidden && one.textContent.startsWith(arguments[0]));"
        "const select = box.querySelector('select'); select.value = arguments[1];"
        "select.dispatchEvent(new Event('change'))",
        label,
        name,
    )


def slide(browser: Browser, frame: int) -> str:
    """Move the slider, and return what it says."""
    return str(
        browser.run(
            f"const slider = document.querySelector('{STAGE} input[type=range]');"
            "slider.value = arguments[0]; slider.dispatchEvent(new Event('input'));"
            f"return document.querySelector('{STAGE} .said').textContent",
            frame,
        )
    )


def drawn(browser: Browser) -> list[int]:
    """How many points each walk's line has."""
    lines = f"[...document.querySelectorAll('{STAGE} svg polyline')]"
    return list(browser.run(f"return {lines}.map((line) => line.points.numberOfItems)"))


def text(browser: Browser) -> str:
    """What the figure says."""
    return str(browser.run(f"return document.querySelector('{STAGE} svg').textContent"))


def test_walks_are_chosen_and_played_step_by_step(browser: Browser, walks: Path) -> None:
    browser.open(walks)
    choose(browser, "Landscape", "bowl")
    choose(browser, "Optimizer", "adam")
    choose(browser, "beside", "nobody")
    choose(browser, "from start", "1")
    assert slide(browser, 3).startswith("step 3 of") and drawn(browser) == [4]
    assert "adam: at a global minimum" in text(browser)
    choose(browser, "Optimizer", "sgd")
    choose(browser, "with", "lr 0.001")
    assert "sgd (lr 0.001): elsewhere" in text(browser)
    choose(browser, "from start", "all")
    assert "2 elsewhere" in text(browser) and len(drawn(browser)) == 2
    slide(browser, 0)
    browser.run(f"document.querySelector('{STAGE} .play button').click()")
    until = time.monotonic() + HANG
    while drawn(browser)[0] < 4 and time.monotonic() < until:
        time.sleep(0.05)
    assert drawn(browser)[0] >= 4
    assert browser.violations() == [] and browser.complaints() == []
    assert browser.requests() == [walks.resolve().as_uri()]


def test_without_scripts_two_walks_have_their_steps_numbered(
    scriptless: Browser, walks: Path
) -> None:
    scriptless.driver.get(walks.resolve().as_uri())
    svg = scriptless.driver.find_element("css selector", f"{STAGE} svg")
    said = {one.text for one in svg.find_elements("tag name", "text")}
    assert {"1", "2", "5"} & said and len([one for one in said if "(lr" in one]) >= 1


def test_a_drawing_of_epochs_shows_one_after_the_other(browser: Browser, tmp_path: Path) -> None:
    rows = [("arm", layer, epoch, 10.0 ** -(layer + epoch)) for layer in (1, 2) for epoch in (0, 1)]
    values = pd.DataFrame(rows, columns=["panel", "layer", "epoch", "value"]).assign(lost=0, n=4)
    figure = layer_epoch_lines(values, ["arm"], "gradient norm")
    drawn = picture(figure, "epochs", "A finding", "A caption")
    sections = [Section("layers", "Layers", [drawn])]
    page = write_whole(
        tmp_path / "page.html",
        render_page(Page("kicker", "title", ["An answer."], [], sections)),
    )
    browser.open(page)
    hidden = (
        "const slider = document.querySelector('input[type=range]'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'));"
        "return [...document.querySelectorAll('.scroll [data-frame]')]"
        ".map((part) => getComputedStyle(part).display === 'none')"
    )
    assert browser.run(hidden, 0) == [False, True] and browser.run(hidden, 1) == [False, False]
    assert browser.run("return document.querySelector('.said').textContent") == "epoch 1"
    assert browser.violations() == [] and browser.complaints() == []
