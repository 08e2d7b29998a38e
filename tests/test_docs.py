"""What the documentation shows is what the program takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.document import SECTIONS, Document
from nnbench.study import make_study

ROOT = Path(__file__).parent.parent
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
