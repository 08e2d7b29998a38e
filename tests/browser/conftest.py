"""A headless Chromium for tests of pages: one for a module, every request of it on record."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.waiting import HANG

AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1280, 900

# Of each drawing that is seen: whether its box scrolls, and which texts leave it or are tiny.
FAULTS = """
const found = [];
for (const svg of document.querySelectorAll("figure svg")) {
  const whole = svg.getBoundingClientRect();
  if (whole.width < 5 || getComputedStyle(svg).visibility === "hidden") continue;
  const name = svg.closest("figure").id;
  const box = svg.parentElement;
  if (box.scrollWidth > box.clientWidth + 2) found.push(`${name} scrolls`);
  for (const text of svg.querySelectorAll("text")) {
    const own = text.getBoundingClientRect();
    if (!own.width) continue;
    if (own.left < whole.left - 2 || own.right > whole.right + 2)
      found.push(`${name} cuts ${text.textContent}`);
    const scale = whole.width / svg.viewBox.baseVal.width;
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    if (size < 8) found.push(`${name} writes ${text.textContent} in ${size.toFixed(1)} pixels`);
  }
}
return found;
"""


class Browser:
    """A page in a browser, and what a test wants to know of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, width: int = WIDTH, dark: bool = False) -> None:
        """Open a file at a width, in the light or in the dark, with an empty record."""
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": "screen", "features": [scheme]}
        )
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(page.resolve().as_uri())
        WebDriverWait(self.driver, HANG).until(
            lambda driver: driver.execute_script("return document.readyState") == "complete"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def print_media(self) -> None:
        """Show the page as it would be printed."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    def requests(self) -> list[str]:
        """Return the address of every request since the page was opened."""
        messages = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        return [
            message["message"]["params"]["request"]["url"]
            for message in messages
            if message["message"]["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return what the console says since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def faults_of_figures(self) -> list[str]:
        """What of the figures cannot be read: one that scrolls, a text that is cut or tiny."""
        return list(self.run(FAULTS))

    def violations(self) -> list[str]:
        """Return every rule of accessibility that the page breaks, and where."""
        self.driver.execute_cdp_cmd(
            "Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")}
        )
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(done);"
        )
        return [
            f"{rule['id']}: {node['target']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]


def start(*more: str, javascript: bool = True) -> webdriver.Chrome:
    """Return a headless browser; without one the test is skipped, or fails where CI is set."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    helper = shutil.which("chromedriver")
    if program is None or helper is None:
        reason = "needs chromium and chromedriver: scripts/install-system-packages installs both"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    fixed = ("--no-sandbox", "--disable-dev-shm-usage", "--force-prefers-reduced-motion")
    for argument in ("--headless=new", *fixed, *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    if not javascript:
        no_script = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", no_script)
    driver = webdriver.Chrome(options=options, service=Service(helper))
    driver.set_script_timeout(HANG)
    driver.set_page_load_timeout(HANG)
    return driver


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a module."""
    driver = start(f"--window-size={WIDTH},{HEIGHT}")
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def scriptless() -> Iterator[Browser]:
    """A browser that runs no script of a page."""
    driver = start(javascript=False)
    yield Browser(driver)
    driver.quit()
