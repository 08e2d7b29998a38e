"""The study file that a run of a table amounts to, for who wants to change it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnbench.catalog.data.tables.files import FORMS
from nnbench.cli.default_study import slug
from nnbench.study.toml import toml

SECTIONS = ("grid", "design", "report")


def study_text(content: Mapping[str, Any], path: Path) -> str:
    """A study as TOML, under the name of its file; the table's path is relative to that."""
    data = dict(content["grid"]["data"])
    for form in FORMS:
        if form in data:
            table = Path(data[form]).expanduser().resolve()
            data[form] = Path(os.path.relpath(table, path.resolve().parent)).as_posix()
    # another title than that of a run without a file, by which a page knows which command to name
    title = f"What to use to predict {data['target']}?"
    head = {**content, "name": slug(path.stem), "title": title}
    grid = {**content["grid"], "data": data}
    lines = [_line(key, value) for key, value in head.items() if key not in SECTIONS]
    lines += ["", "[grid]", *(_line(key, value) for key, value in grid.items())]
    if "design" in content:
        lines += ["", "[design]", *(_line(key, value) for key, value in content["design"].items())]
    lines += ["", "[report]", *(_line(key, value) for key, value in content["report"].items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    return f"{key} = {toml(value)}"
