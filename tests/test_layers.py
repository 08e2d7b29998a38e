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

# Each unit may import itself and these, at any depth of a function; a package is one unit.
ALLOWED: dict[str, set[str]] = {
    "lazy": set(),
    "mistakes": set(),
    "vocabulary": set(),
    "rows": set(),
    "seeds": {"lazy"},
    "fields": {"vocabulary"},
    "kinds": {"fields", "vocabulary"},
    "document": {"kinds", "mistakes"},
    "grid": {"fields", "kinds", "mistakes", "vocabulary"},
    "partial": {"grid", "mistakes", "vocabulary"},
    "study": {"document", "fields", "grid", "kinds", "mistakes", "partial", "vocabulary"},
    "schema": {"document", "grid", "kinds", "vocabulary"},
    "catalog": {"lazy", "seeds", "vocabulary"},
    "draws": {"catalog", "lazy", "seeds"},
    "probed": set(),
    "protocol": {"catalog", "lazy", "probed"},
    "walks": {"catalog", "seeds"},
    "grounds": {"catalog", "lazy", "study", "walks"},
    "numerics": {"catalog", "lazy", "rows", "study"},
    "engine": {"catalog", "draws", "lazy", "protocol", "rows", "seeds", "study", "walks"},
    "reference_probes": {"catalog", "protocol", "study"},
    "reference": {
        "catalog",
        "draws",
        "lazy",
        "protocol",
        "reference_probes",
        "rows",
        "seeds",
        "study",
    },
    "store": {"rows", "study"},
    "reference_walk": {"catalog", "reference", "rows", "study", "walks"},
    "export": {
        "catalog",
        "grid",
        "kinds",
        "lazy",
        "mistakes",
        "numerics",
        "store",
        "study",
        "vocabulary",
        "walks",
    },
    "stats": set(),
    "claims": {"partial", "seeds", "stats"},
    "course": set(),
    "matching": {"stats"},
    "compare": {"stats"},
}
DIAGNOSTICS = ("diagnostics", "diagnostic_plots", "diagnostic_maps", "diagnostic_epochs")
ABOVE_THE_ENGINE = (
    "stats",
    "plots",
    "claims",
    "compare",
    "report",
    "theory",
    "export",
    *DIAGNOSTICS,
)
WITHOUT_TORCH = (
    "stats",
    "plots",
    "claims",
    "compare",
    "matching",
    "report",
    "export",
    *DIAGNOSTICS,
)
PRINTS = ("nnbench.cli", "nnbench.progress")  # results to stdout; to stderr, how it goes


def unit(module: str) -> str:
    return ([*module.split("."), ""])[1]


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
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "lazy_import"
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def units_imported(module: str) -> set[str]:
    ours = {name for name in imports(module) if name.split(".")[0] == "nnbench"}
    return {unit(name) for name in ours} - {"", "__version__", unit(module)}


def test_the_test_sees_imports_of_every_form() -> None:
    assert {"torch", "nnbench.catalog.losses"} <= imports("nnbench.engine.network")
    assert "torch" in imports("nnbench.seeds"), "lazy ones too"
    assert "study" in units_imported("nnbench.cli"), "those inside of functions too"
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


@pytest.mark.parametrize("layer", ABOVE_THE_ENGINE)
def test_what_reads_results_needs_no_engine(layer: str) -> None:
    for module in files_of(layer):
        assert not units_imported(module) & {"engine", "reference", "workers"}, module


def test_the_reference_shares_nothing_with_the_engine() -> None:
    for module in ("nnbench.reference", "nnbench.reference_probes"):
        assert "engine" not in units_imported(module)
    assert not any("reference" in units_imported(module) for module in files_of("engine"))


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
    assert loaded_by("import nnbench.catalog, nnbench.study, nnbench.schema") == set()


def test_a_report_is_built_without_torch() -> None:
    loaded = loaded_by("import nnbench.stats, nnbench.plots, nnbench.report.build")
    assert "torch" not in loaded and "pandas" in loaded


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
        assert not prints or module in PRINTS, f"{module} prints in lines {sorted(prints)}"


def test_nothing_is_unpickled_or_evaluated() -> None:
    forbidden = {"eval", "exec", "pickle", "cloudpickle", "joblib", "marshal", "shelve", "dill"}
    for module, path in FILES.items():
        assert not imports(module) & forbidden, module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{module}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("torch", "load"), f"{module}:{node.lineno}"
