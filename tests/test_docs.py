"""What the documentation shows is what the program takes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from nnbench.catalog import VOCABULARY
from nnbench.cli.commands import app
from nnbench.cli.ends import Exit
from nnbench.cli.stops import SIGNALS
from nnbench.study.document import SECTIONS, Document
from nnbench.study.reading import make_study
from tests.places import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(tomllib.loads(block), id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL))
    if page.stem != "course"  # which has a test of its own
]


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_is_what_a_study_file_may_hold(block: dict[str, Any]) -> None:
    if "grid" in block:
        assert make_study(block, VOCABULARY).cells()
        return
    assert set(block) <= set(Document.model_fields)
    for name, section in SECTIONS.items():
        parts = block.get(name, [])
        for part in parts if isinstance(parts, list) else [parts]:
            section.model_validate(part)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def commands() -> dict[str, Any]:
    """Return the commands of nnbench by name."""
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def options_of(command: Any) -> set[str]:
    return {word for option in command.params for word in option.opts if word.startswith("--")}


def test_the_page_of_the_command_line_names_every_command_and_option_and_no_other() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    for name in commands():
        assert f"`nnbench {name}" in text, name
    of_all = {"--help", "--version", "--install-completion", "--show-completion"}
    known = of_all.union(*map(options_of, commands().values()))
    assert set(re.findall(r"--[a-z][a-z-]*", text)) == known


def test_the_page_of_the_command_line_names_every_exit_code() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    rows = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    known = {*Exit, *(128 + number for number in SIGNALS)}
    assert {int(code) for row in rows for code in row.split(",")} == known


def test_the_json_that_is_shown_is_json() -> None:
    blocks = [
        block
        for page in PAGES
        for block in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    assert len(blocks) >= 8
    assert all(isinstance(json.loads(block), dict) for block in blocks)


def sources() -> str:
    """Return all text of the program, strings that are written in pieces made whole."""
    files = [ROOT / "Makefile", *(ROOT / "nnbench").rglob("*.py")]
    text = "\n".join(file.read_text() for file in files)
    return re.sub(r'["\']\s*\n\s*f?["\']', "", text)


def messages() -> list[str]:
    """Return the messages of nnbench that docs/troubleshooting.md tells the way out of."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    found = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    return [message for message in found if "command not found" not in message]


@pytest.mark.parametrize("message", messages())
def test_a_message_that_is_explained_is_one_that_is_said(message: str) -> None:
    # what stands between the values, which differ from case to case
    values = r'"[^"]*"|\'[^\']*\'|\([^)]*\)|[\d,.]*\d|\.\.\.|\b[A-Z]+\b|[:;]|^Cannot '
    pieces = [piece.strip() for piece in re.split(values, message)]
    said = sources()
    assert any(len(piece) >= 7 and piece in said for piece in pieces), pieces
