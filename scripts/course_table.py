"""Write docs/course.md: every item of the course, by its name in a study file.

    python scripts/course_table.py          # writes docs/course.md
    python scripts/course_table.py --check  # fails where the file is not what would be written

The rows come from the catalogue's registries, and the study of each row from the files in
`studies/`, so that neither can be out of date: the first study that names the item, the one that
is about its kind before others. Where no file names it yet, the row names the file that will.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnbench.atlas.families import TITLES, families
from nnbench.atlas.listing import registries, toml
from nnbench.catalog import VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.study.reading import read_study
from nnbench.study.shelf import study_files
from nnbench.study.study import Study
from nnbench.study.vocabulary import Entry

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "course.md"
LAST = "quickstart"  # shows a little of everything, so that any other study is the better place
HOME = {  # the study that is about a kind
    "activation": "activations",
    "init": "inits",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "norm": "batchnorm",
    "loss": "outliers",
    "regulariser": "regularisation",
    "early_stopping": "early_stopping",
    "gradient": "batch_size",
    "landscape": "landscapes",
    "expression": "numerics",
}
SPECIAL = {  # entries that another study is about
    ("activation", "identity"): "depth_without_activation",
    ("activation", "selu"): "self_normalising",
    ("optimizer", "adagrad"): "adagrad",
    ("data", "gaussian_signal"): "self_normalising",
    ("layer", "batchnorm_before"): "batchnorm",
    ("layer", "batchnorm_after"): "batchnorm",
    ("layer", "dropout"): "dropout",
    ("layer", "alpha_dropout"): "self_normalising",
    ("layer", "training_mode"): "evaluation_mode",
    ("regulariser", "label_smoothing"): "losses",
    ("gradient", "clip_norm"): "clipping",
    ("gradient", "clip_value"): "clipping",
}
SECTIONS = {
    "Activations": ("activation",),
    "Initialisations": ("init",),
    "Optimizers": ("optimizer",),
    "Batches and clipping": ("gradient",),
    "Learning-rate schedules": ("schedule",),
    "Layers and regularisers": ("layer", "norm", "regulariser", "early_stopping"),
    "Losses": ("loss",),
    "Data": ("data",),
    "Test functions for optimizers": ("landscape",),
    "Ways to write a loss": ("expression",),
}
INTRODUCTION = """\
# The course, item by item

<!-- Written by scripts/course_table.py from the catalogue and the studies: change those. -->

nnbench turns a lecture on training neural networks into controlled experiments. Each row is an item
of that lecture, or a related one that somebody will ask for: its name in a study file, the part of
PyTorch that it is tested against, and a study that uses it. `nnbench show KIND NAME` prints the
rest of an entry, and `make atlas` draws them all.
"""


@dataclass(frozen=True)
class Item:
    """One row. `snippet` is TOML for `[grid]`; `home` the study to look in first."""

    name: str
    snippet: str
    twin: str
    home: str = ""


def sections() -> dict[str, list[tuple[str, list[Item]]]]:
    """Return each section's groups: a heading, perhaps empty, and its items."""
    covered = {kind for kinds in SECTIONS.values() for kind in kinds}
    beyond = {f"Beyond the course: {k}": (k,) for k in registries() if k not in covered}
    return {title: groups(*kinds) for title, kinds in (SECTIONS | beyond).items()}


def groups(*kinds: str) -> list[tuple[str, list[Item]]]:
    """Return the groups of a section's items: the families of its kind, or its kinds if many."""
    found = []
    for kind in kinds:
        entries = registries()[kind]
        own = families(entries)
        if len(kinds) > 1:
            own = {TITLES[kind]: [name for names in own.values() for name in names]}
        for heading, names in own.items():
            found.append((heading, [_item(kind, name, entries[name]) for name in names]))
    return found


def _item(kind: str, name: str, entry: Entry) -> Item:
    snippet = f'{kind} = "{name}"'
    if isinstance(entry, Key):
        snippet = "\n".join(f"{key} = {toml(level)}" for key, level in entry.levels.items())
    elif entry.reader is not None:
        snippet = f'{kind} = {{ {name} = "my.{name}", target = "column" }}'
    home = SPECIAL.get((kind, name), HOME.get(kind, ""))
    twin = entry.torch or ("" if kind in ("data", "early_stopping") else "its formula")
    return Item(", ".join([name, *entry.aliases]), snippet, twin, home)


def studies(folder: Path = ROOT / "studies") -> dict[str, Study]:
    """Return every study of a folder by the name of its file."""
    return {name: read_study(path, VOCABULARY) for name, path in study_files(folder).items()}


def link_to(name: str, folder: Path = ROOT / "studies") -> str:
    """A study's name as a link from docs/ to its file, written or still to be written."""
    path = study_files(folder).get(name, folder / f"{name}.toml")
    return f"[{name}](../{path.relative_to(ROOT).as_posix()})"


def study_of(item: Item, known: Mapping[str, Study]) -> str:
    """Return the study that shows an item: its home if that names it, or else the first that does.

    Where none does, a home that is still to be written is returned, else nothing.
    """
    # a paper's study last: its levels are the paper's
    order = sorted(
        known,
        key=lambda name: (name != item.home, name == LAST, bool(known[name].written.paper), name),
    )
    planned = item.home if item.home not in known else ""
    return next((name for name in order if names(known[name], item)), planned)


def names(study: Study, item: Item) -> bool:
    """Tell whether a study has a level that says what the item's snippet says."""
    return all(
        any(wanted.items() <= level.fields.items() for level in study.levels.get(key, []))
        for key, wanted in wanted_fields(item.snippet)
    )


def wanted_fields(snippet: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each key of a snippet with the fields that a level must have to be that level."""
    for key, value in tomllib.loads(snippet).items():
        if not isinstance(value, dict):
            yield key, {key: value}
            continue
        rest = {f"{key}.{name}": one for name, one in value.items() if name != "name"}
        # without a name it is a file: its form is its name
        form = value.get("name", next(iter(value)))
        yield key, {key: form} | (rest if "name" in value else {})


def page() -> str:
    """Return the whole page."""
    known = studies()
    parts = [INTRODUCTION]
    for title, found in sections().items():
        parts.append(f"## {title}\n")
        for heading, items in found:
            if heading and len(found) > 1:
                parts.append(f"### {heading}\n")
            parts.append("\n".join(_table(items, known)) + "\n")
    return "\n".join(parts)


def _table(items: Iterable[Item], known: Mapping[str, Study]) -> Iterator[str]:
    yield "| item | in a study file | PyTorch | study |"
    yield "|---|---|---|---|"
    for item in items:
        study = study_of(item, known)
        link = link_to(study) if study else ""
        snippet = ", ".join(f"`{line}`" for line in item.snippet.splitlines())
        twin = f"`{item.twin}`" if item.twin.startswith("torch.") else item.twin
        yield f"| {item.name} | {snippet} | {twin} | {link} |"


def main() -> int:
    """Write the page, or with --check say whether it is up to date."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is out of date: run python scripts/course_table.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
