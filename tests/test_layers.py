"""Imports go down the list of layers only; reports need no torch; only the command line prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nnbench

ROOT = Path(nnbench.__file__).parent
FILES = {
    ".".join(("nnbench", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
}

# Every unit, a folder or a file of the root, lowest first; each may import itself, the package's
# version and these, at any depth of a function. A file belongs to the longest unit that holds it.
ALLOWED: dict[str, set[str]] = {
    "lazy": set(),
    "seeds": {"lazy"},
    "study": set(),
    "catalog": {"lazy", "seeds", "study"},
    "results.rows": {"study"},
    "results.fingerprint": set(),
    "training": {"catalog", "lazy", "seeds", "study"},
    "training.baselines": {"catalog", "lazy", "results.rows", "seeds", "study", "training"},
    "training.stacked": {"catalog", "lazy", "results.rows", "seeds", "study", "training"},
    "training.native": {
        "catalog",
        "lazy",
        "results.fingerprint",
        "results.rows",
        "seeds",
        "study",
        "training",
        "training.stacked",
    },
    "training.reference": {"catalog", "results.rows", "seeds", "study", "training"},
    "training.tasks": {
        "catalog",
        "results.rows",
        "study",
        "training",
        "training.baselines",
        "training.native",
        "training.reference",
        "training.stacked",
    },
    "training.cluster": {
        "catalog",
        "results",
        "results.fingerprint",
        "results.rows",
        "study",
        "training",
        "training.native",
        "training.tasks",
    },
    "results": {"results.fingerprint", "results.rows", "study"},
    "stats": {"study"},
    "stats.claims": {"seeds", "stats", "study"},
    "plots": {"study"},
    "theory": {"catalog", "lazy", "results", "study", "training"},
    "report.page": {"plots", "results", "study"},
    "report.analysis": {"report.page", "results", "seeds", "stats", "stats.claims", "study"},
    "report.layers": {
        "catalog",
        "plots",
        "report.analysis",
        "report.page",
        "results",
        "stats",
        "study",
        "training",
    },
    "report.claims": {"report.page", "results", "stats", "stats.claims", "study"},
    "report.study": {
        "plots",
        "report.analysis",
        "report.claims",
        "report.layers",
        "report.page",
        "results",
        "stats",
        "study",
    },
    "report.other_kinds": {
        "plots",
        "report.analysis",
        "report.claims",
        "report.page",
        "report.study",
        "results",
        "stats",
    },
    "report": {
        "plots",
        "report.analysis",
        "report.claims",
        "report.other_kinds",
        "report.page",
        "report.study",
        "results",
        "seeds",
        "stats",
        "study",
    },
    "theory.checks": {
        "catalog",
        "lazy",
        "plots",
        "report.page",
        "results",
        "seeds",
        "study",
        "theory",
        "training",
        "training.stacked",
    },
    "export": {"catalog", "lazy", "results", "study", "training"},
    "atlas": {
        "catalog",
        "lazy",
        "report.page",
        "results",
        "seeds",
        "study",
        "training",
        "training.stacked",
    },
    "pipeline": {
        "catalog",
        "report",
        "report.claims",
        "results",
        "results.fingerprint",
        "results.rows",
        "study",
        "training.tasks",
        "theory",
        "training",
        "training.cluster",
        "training.native",
    },
    "settling": {"pipeline", "results", "stats.claims", "study"},
    "cli": {
        "settling",
        "atlas",
        "catalog",
        "export",
        "lazy",
        "report",
        "report.claims",
        "report.page",
        "results",
        "results.fingerprint",
        "results.rows",
        "pipeline",
        "study",
        "training.tasks",
        "theory.checks",
        "training",
        "training.native",
        "training.reference",
    },
    "api": {
        "settling",
        "cli",
        "export",
        "pipeline",
        "catalog",
        "report",
        "report.analysis",
        "report.claims",
        "report.page",
        "report.study",
        "results",
        "study",
        "training",
    },
}
# A finished run can be read where there is no torch.
WITHOUT_TORCH = [
    layer for layer in ALLOWED if layer.split(".")[0] in ("stats", "plots", "results", "report")
] + ["export"]
PRINTS = ("nnbench.cli",)  # results to stdout; to stderr, how it goes


def unit(module: str) -> str:
    """Return the longest listed unit that a module lies in; of an unlisted one its folder."""
    inner = module.removeprefix("nnbench").removeprefix(".")
    parts = inner.split(".")
    heads = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    folder = inner if FILES.get(module, ROOT).name == "__init__.py" else ".".join(parts[:-1])
    return next((head for head in heads if head in ALLOWED), folder or inner)


def files_of(wanted: str) -> list[str]:
    return [module for module in FILES if unit(module) == wanted]


def imports(module: str) -> set[str]:
    """Return the modules that a file imports anywhere in it, for types only included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            assert node.module is not None
            found.add(node.module)
            if node.module == "nnbench":
                found |= {f"nnbench.{alias.name}" for alias in node.names}
            if node.module == "nnbench.lazy":
                lazy = {alias.name for alias in node.names}
                found |= {"torch" if name in ("Generator", "Tensor") else name for name in lazy}
    return found


def units_imported(module: str) -> set[str]:
    ours = {name for name in imports(module) if name.split(".")[0] == "nnbench"}
    return {unit(name) for name in ours} - {"", "__version__", unit(module)}


def test_every_unit_has_a_rule() -> None:
    folders = {".".join(path.relative_to(ROOT).parts) for path in ROOT.rglob("*/") if path != ROOT}
    folders = {folder for folder in folders if "__pycache__" not in folder}
    lone = {module.removeprefix("nnbench.") for module in FILES if module.count(".") == 1}
    unruled = {name for name in (folders | lone) if unit(f"nnbench.{name}") not in ALLOWED}
    assert unruled == set(), "name them in ALLOWED, with what they may import"
    assert len([path for path in ROOT.iterdir() if path.name != "__pycache__"]) == 18


def test_the_test_sees_imports_of_every_form() -> None:
    assert {"torch", "nnbench.catalog.losses"} <= imports("nnbench.training.stacked.network")
    assert "torch" in imports("nnbench.seeds"), "lazy ones too"
    assert "study" in units_imported("nnbench.cli.places"), "those inside of functions too"
    assert len(FILES) > 30


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_go_down_only(layer: str) -> None:
    assert files_of(layer), f"there is no nnbench/{layer}: remove it from the list"
    found = {module: units_imported(module) - ALLOWED[layer] for module in files_of(layer)}
    assert {module: units for module, units in found.items() if units} == {}


def test_the_list_has_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {layer for layer, below in ALLOWED.items() if below <= done} - done
        assert ready, set(ALLOWED) - done
        done |= ready


def test_the_reference_shares_nothing_with_the_engine() -> None:
    assert "training.stacked" not in ALLOWED["training.reference"]
    assert "training.reference" not in ALLOWED["training.stacked"]
    assert not ALLOWED["training"] & {"training.stacked", "training.reference"}


@pytest.mark.parametrize("layer", WITHOUT_TORCH)
def test_reports_never_name_torch(layer: str) -> None:
    for module in files_of(layer):
        assert not any(name.split(".")[0] == "torch" for name in imports(module)), module


def loaded_by(statement: str) -> set[str]:
    """Return the heavy libraries that a fresh interpreter has loaded after a statement."""
    heavy = ("torch", "sklearn", "pandas", "scipy", "matplotlib", "pyarrow")
    code = f"import sys\n{statement}\nprint(*[n for n in {heavy} if n in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(ended.stdout.split())


def test_the_catalogue_is_light() -> None:
    assert (
        loaded_by("import nnbench.catalog, nnbench.study.study, nnbench.study.json_schema") == set()
    )


@pytest.mark.whole
def test_a_report_is_built_without_torch() -> None:
    loaded = loaded_by("import nnbench.stats, nnbench.plots, nnbench.report.build")
    assert "torch" not in loaded and "pandas" in loaded


@pytest.mark.whole
def test_only_the_command_line_prints() -> None:
    for module, path in FILES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prints = {
            node.lineno
            for node in ast.walk(tree)
            if (isinstance(node, ast.Name) and node.id == "print")
            or (
                isinstance(node, ast.Attribute)
                and node.attr in ("stdout", "stderr")
                and isinstance(node.value, ast.Name)
                and node.value.id == "sys"
            )
        }
        assert not prints or module.startswith(PRINTS), f"{module} prints in lines {sorted(prints)}"


@pytest.mark.whole
def test_nothing_is_unpickled_or_evaluated() -> None:
    forbidden = {"eval", "exec", "pickle", "cloudpickle", "joblib", "marshal", "shelve", "dill"}
    for module, path in FILES.items():
        # the user's own entries, which a worker is sent by the process that ran their file
        allowed = {"cloudpickle"} if module == "nnbench.training.tasks" else set()
        assert not imports(module) & forbidden - allowed, module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                # a script's own reading, which is held against the study's before it is handed out
                is_own = (module, node.func.id) == ("nnbench.export.own_table", "exec")
                assert is_own or node.func.id not in forbidden, f"{module}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("torch", "load"), f"{module}:{node.lineno}"
