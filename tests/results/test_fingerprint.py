"""What makes results stale: a change that can move a number, and no change of prose or layout."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nnbench.results.fingerprint import (
    DECIDING_SOURCES,
    PACKAGE,
    PROSE,
    deciding_files,
    fingerprint,
)
from nnbench.study.vocabulary import Entry

# What other files tell of the calls of these: the place of their arguments' prose.
BESIDE = (
    "catalog/optimizers/base.py",
    "catalog/data/samples.py",
    "catalog/schedules/base.py",
    "catalog/works.py",
)
ENTRIES = {
    "activations": "catalog/activations/threshold_like.py",
    "inits": "catalog/inits/any_width.py",
    "optimizers": "catalog/optimizers/descent.py",
    "schedules": "catalog/schedules/epochs.py",
    "losses": "catalog/losses.py",
    "landscapes": "catalog/landscapes.py",
    "data": "catalog/data/registry.py",
}


def copied(folder: Path, file: str) -> Path:
    """Copy a source of the package, and those that explain it, to where the package would be."""
    for name in (file, *BESIDE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, folder / name)
    return folder / file


def is_stale(folder: Path, file: str, old: str, new: str) -> bool:
    """Tell whether results are stale once the first match of `old` in a file reads `new`."""
    source = copied(folder, file)
    before = fingerprint(folder)
    text, count = re.subn(old, new, source.read_text(encoding="utf-8"), count=1)
    assert count == 1, f"{file} no longer has {old}"
    if source.suffix == ".py":
        compile(text, file, "exec")
    source.write_text(text, encoding="utf-8")
    return fingerprint(folder) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("seeds.py", r"(return int.*)\[:4\]", r"\1[:8]", id="bytes of a seed"),
        pytest.param(
            "seeds.py", r'(.*)/\{repeat\}"(\s*return)', r'\1{repeat}"\2', id="text of a seed"
        ),
        pytest.param("study/recipe.py", r'f"\{factor\}\."', 'f"{factor}:"', id="place of a factor"),
        pytest.param("training/draws.py", r'"split", name', '"part", name', id="purpose of a draw"),
        pytest.param("training/draws.py", r"1e-13", "1e-12", id="bound of a constant feature"),
        pytest.param("training/draws.py", r"BLOCK_ROWS = 512", "BLOCK_ROWS = 256", id="rows"),
        pytest.param("training/protocol.py", r"1e-3", "1e-4", id="a small weight"),
        pytest.param("training/walks.py", r"-np\.arange\(1\.0", "-np.arange(2.0", id="starts"),
        pytest.param("training/stacked/descent.py", r"1e-6", "1e-7", id="clipping"),
        pytest.param("training/stacked/step.py", r"\.abs\(\)\.sum", ".square().sum", id="penalty"),
        pytest.param("training/reference/step.py", r"1 - group", "1 + group", id="reference"),
        pytest.param("training/sweeps.py", r"(\d\.\d+|\de-\d)", r"7\1", id="number of a sweep"),
        pytest.param("catalog/activations/relu_like.py", r'"tanh"', '"none"', id="gelu"),
        pytest.param("catalog/optimizers/adaptive.py", r" \+ grad \*", " - grad *", id="sign"),
        pytest.param("catalog/losses.py", r"BCE_FLOOR = -100\.0", "BCE_FLOOR = -99.0", id="floor"),
        pytest.param("catalog/norms.py", r"parameter\(1e-5", "parameter(1e-4", id="eps"),
        pytest.param("training/native/runtime.c", r"MOST_DEPTH 256", "MOST_DEPTH 128", id="C"),
        pytest.param("training/native/products.h", r"first \? whole", "first ? 2 * whole", id="H"),
        pytest.param(ENTRIES["activations"], r'saturates="both"', 'saturates="left"', id="field"),
        pytest.param(ENTRIES["activations"], r"gain=2\.", "gain=3.", id="number of an entry"),
        pytest.param(ENTRIES["inits"], r'    "zero": ', '    "zeros": ', id="name of an entry"),
        pytest.param(ENTRIES["optimizers"], r"lr_parameter\(0\.1\)", "lr_parameter(0.2)", id="lr"),
        pytest.param(ENTRIES["optimizers"], r"full_batch=True", "full_batch=False", id="flag"),
        pytest.param(ENTRIES["schedules"], r'"step_size": Par', '"steps": Par', id="parameter"),
        pytest.param(ENTRIES["schedules"], r"low=0, high=1", "low=0, high=2", id="bound"),
        pytest.param(ENTRIES["landscapes"], r"starts=\(\(", "starts=((-1, 1), (", id="start"),
        pytest.param(ENTRIES["data"], r"examples\(1000\)", "examples(1001)", id="examples"),
    ],
)
def test_what_can_move_a_number_makes_results_stale(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    assert is_stale(tmp_path, file, old, new)


@pytest.mark.parametrize("field", ["summary", "formula", "reference"])
@pytest.mark.parametrize("file", ENTRIES.values(), ids=ENTRIES)
def test_the_prose_of_an_entry_decides_nothing(tmp_path: Path, file: str, field: str) -> None:
    assert not is_stale(tmp_path, file, f'\\b{field}="', f'{field}="In other words, 2 of them: ')


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(ENTRIES["activations"], r'torch="', 'torch="torch.', id="torch's name"),
        pytest.param(
            "catalog/activations/registry.py", r'family="None"', 'family="Linear"', id="family"
        ),
        pytest.param(ENTRIES["activations"], r'aliases=\("', 'aliases=("another", "', id="alias"),
        pytest.param(ENTRIES["activations"], r'"Donoho', '"D. Donoho', id="shared reference"),
        pytest.param("catalog/works.py", r'"Rosenblatt', '"F. Rosenblatt', id="work"),
        pytest.param(ENTRIES["optimizers"], r"; as a moving", "; as some", id="joined"),
        pytest.param("catalog/schedules/base.py", r'GAMMA = "', 'GAMMA = "the ', id="shared words"),
        pytest.param(ENTRIES["schedules"], r'"epochs between', '"epochs from', id="parameter"),
        pytest.param(
            "catalog/schedules/steps.py", r'"share of all', '"part of all', id="by a helper"
        ),
        pytest.param(
            ENTRIES["optimizers"], r'"share of the vel', '"part of the vel', id="imported"
        ),
        pytest.param(
            ENTRIES["data"], r'"deviation of the n', '"standard deviation of n', id="amount"
        ),
        pytest.param("catalog/losses.py", r"# of a logarithm", "# of any logarithm", id="comment"),
        pytest.param("catalog/losses.py", r'"""Losses: ', '"""Losses are ', id="of a module"),
        pytest.param("catalog/losses.py", r'"""A loss\. ', '"""One loss. ', id="of a class"),
        pytest.param("seeds.py", r'"""(Return )?', '"""Gives ', id="of a function"),
        pytest.param("seeds.py", r"import numpy as np\n", "import numpy as np\n\n\n", id="layout"),
        pytest.param("catalog/losses.py", r"-100\.0", "-1e2", id="another way to write a number"),
        pytest.param("training/plan.py", r"MAX_STACK = 128", "MAX_STACK = 64", id="plan"),
        pytest.param("training/native/cache.py", r"0o600", "0o400", id="cache of programs"),
        pytest.param("training/workers.py", r"PATIENCE = 2", "PATIENCE = 3", id="workers"),
        pytest.param("results/rows.py", r'"cell_id"', '"cell"', id="store"),
        pytest.param("study/grid.py", r"MAX_LEVELS = 1000", "MAX_LEVELS = 999", id="grid"),
    ],
)
def test_what_moves_no_number_leaves_results_fresh(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    assert not is_stale(tmp_path, file, old, new)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one deciding file of each place."""
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "step.py").write_text("def step(x):\n    return x * 0.1\n")
    (tmp_path / "seeds.py").write_text("SEED = 1\n")
    (tmp_path / "plots.py").write_text("COLOUR = 'blue'\n")
    return tmp_path


def test_layout_comments_and_docstrings_do_not_make_results_stale(package: Path) -> None:
    before = fingerprint(package)
    documented = '"""Words."""\n# why\ndef step(x):\n    "More."\n\n    return (x  * 1e-1)\n'
    (package / "training" / "step.py").write_text(documented)
    (package / "plots.py").write_text("COLOUR = 'red'\n")
    assert fingerprint(package) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("training/step.py", "def step(x):\n    return x * 0.2\n"),
        ("training/step.py", "def step(x=None):\n    return x * 0.1\n"),
        ("training/step.py", "def step(x):\n    'doc'\n    'kept'\n    return x * 0.1\n"),
        ("seeds.py", "SEED = True\n"),
        ("training/new.py", ""),
        ("catalog/data/new.py", "def make(): ...\n"),
        ("training/reference/new.py", "pass\n"),
    ],
)
def test_a_change_of_code_makes_results_stale(package: Path, name: str, text: str) -> None:
    before = fingerprint(package)
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text(text)
    assert fingerprint(package) != before


def test_a_text_that_code_names_decides_wherever_it_is_named(package: Path) -> None:
    step = package / "training" / "step.py"
    seen = set()
    for purpose in ("dropout", "noise"):
        step.write_text(f'PURPOSE = "{purpose}"\n')
        imported = "from step import PURPOSE\n"
        for user in ("", imported, f"{imported}use(PURPOSE)\n", "import step\nstep.PURPOSE\n"):
            (package / "seeds.py").write_text(user)
            seen.add(fingerprint(package))
    assert len(seen) == 5  # until code reads it, it tells people something and nothing to any code


def test_an_argument_of_a_proses_name_decides_unless_it_is_text(package: Path) -> None:
    step = package / "training" / "step.py"
    seen = set()
    for given in ("summary=1", "summary=2", "summary=x", 'other="a"', 'other="b"'):
        step.write_text(f"step({given})\n")
        seen.add(fingerprint(package))
    assert len(seen) == 5


def test_prose_is_what_an_entry_tells_of_itself() -> None:
    fields = Entry.__dataclass_fields__
    assert {*PROSE} - {"doc", "family"} <= {*fields}
    assert {*fields} - {*PROSE} == {"parameters", "reader", "written"}


def test_whatever_a_deciding_source_imports_decides_too() -> None:
    # These hold no arithmetic: what they do to a recipe is in its cell_id.
    harmless = {
        "nnbench.lazy",
        "nnbench.results.fingerprint",
        "nnbench.results.rows",
        "nnbench.study.baselines",
        "nnbench.study.metrics",
        "nnbench.study.study",
        "nnbench.study.study_kinds",
        "nnbench.study.vocabulary",
    }
    deciding = tuple(
        f"nnbench.{name.removesuffix('.py').replace('/', '.')}" for name in DECIDING_SOURCES
    )
    imported = {
        found
        for path in deciding_files(PACKAGE)
        for found in re.findall(r"^\s*(?:from|import) (nnbench[.\w]*)", path.read_text(), re.M)
    }
    assert "nnbench.training.protocol" in imported
    others = {name for name in imported if not name.startswith(deciding)}
    assert others <= harmless


def test_another_version_makes_results_stale(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(package)
    monkeypatch.setattr("nnbench.results.fingerprint.version", lambda name: f"{name} 99")
    assert fingerprint(package) != before
