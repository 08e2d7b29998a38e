"""A cell's bits: alike among any neighbours, in any order, cached or not, in any pieces."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnbench.training.native import compiler as compilers
from nnbench.training.native import programs, train
from nnbench.training.native.compiler import WHEEL, Compiler, find_compiler
from tests.helpers import exactly, make_cells
from tests.training.native.check import complaints, train_native
from tests.training.native.conftest import forget

FULL: dict[str, Any] = {
    "optimizer": {"name": "adam", "lr": [0.001, 0.01, 0.03]},
    "dropout": 0.2,
    "norm": "batchnorm",
    "clip_norm": 0.5,
    "activation": "gelu",
    "seeds": 3,
    "epochs": 2,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [7, pytest.param(33, marks=pytest.mark.slow)])
def test_neighbours_and_order_do_not_matter(width: int, dtype: str) -> None:
    cells = make_cells(**FULL, width=width, dtype=dtype)
    together = exactly(train_native(cells))
    for part in (cells[:1], cells[3:5], cells[::-1]):
        found = exactly(train_native(part))
        assert found == {cell.cell_id: together[cell.cell_id] for cell in part}


def test_probes_do_not_tell_either() -> None:
    probes = {"probes": {"layers": True, "every": 1}}
    cells = make_cells(document=probes, **FULL, dtype="float32")
    together = exactly(train_native(cells))
    for part in (cells[:1], cells[-2:]):
        found = exactly(train_native(part))
        assert found == {cell.cell_id: together[cell.cell_id] for cell in part}


@pytest.mark.whole
def test_a_cached_program_is_the_same_and_needs_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = make_cells(**FULL)
    first = exactly(train_native(cells))
    forget()
    monkeypatch.setattr(programs, "traced", lambda part: pytest.fail("was traced again"))
    assert exactly(train_native(cells)) == first


def test_pieces_of_an_epoch_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = make_cells(**FULL)
    whole = exactly(train_native(cells))
    monkeypatch.setattr(train, "MOST_NOISE", 1)  # a step at a time
    assert exactly(train_native(cells)) == whole


def test_networks_that_are_over_change_nothing() -> None:
    cells = make_cells(
        optimizer={"name": "momentum", "lr": [0.001, 0.1, 10.0, 1e9]},
        early_stopping=[{"name": "patience", "patience": 1}, "none"],
        activation="identity",
        loss="mse",
        epochs=15,
        seeds=2,
    )
    rows = train_native(cells)
    ends = {(row["stopped_early"], row["status"]) for row in rows.cells}
    assert {(True, "ok"), (False, "ok"), (False, "diverged")} <= ends
    together = exactly(rows)
    for cell in cells[::3]:
        assert exactly(train_native([cell])) == {cell.cell_id: together[cell.cell_id]}


def test_the_engine_is_named_with_what_decides_its_rounding() -> None:
    (row,) = train_native(make_cells(optimizer="sgd", epochs=1)).cells
    compiler = find_compiler()
    mark = compiler.fingerprint[:6]
    assert row["engine"] == f"native-{compiler.name}-{compiler.instructions}-{mark}"
    assert len({one.fingerprint for one in others(compiler)} | {compiler.fingerprint}) == 4


def others(compiler: Compiler) -> list[Compiler]:
    """Compilers that may round otherwise, by flags, by what they say, by the processor."""
    return [
        replace(compiler, flags=(*compiler.flags, "-ffast-math")),
        replace(compiler, macros=compiler.macros.replace("__AVX", "__SSE")),
        replace(compiler, macros=compiler.macros + "\n#define __VERSION__ another"),
    ]


@pytest.mark.whole
@pytest.mark.parametrize("name", [pytest.param("gcc", marks=pytest.mark.slow), "clang"])
def test_either_compiler(name: str, monkeypatch: pytest.MonkeyPatch, empty_cache: object) -> None:
    if shutil.which(name) is None and "CI" not in os.environ:
        pytest.skip(f"{name} is not there: scripts/install-system-packages installs it")
    trains_by(find_compiler(name), monkeypatch)


@pytest.fixture
def search_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compilers are looked for again, in this test and after it."""
    monkeypatch.delenv("CC", raising=False)
    compilers._find.cache_clear()
    yield
    compilers._find.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("search_anew", "empty_cache")
def test_the_compiler_of_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(WHEEL, reason="pip install nnbench[native] brings it")
    monkeypatch.setattr(compilers, "CANDIDATES", ())
    compiler = find_compiler()
    assert compiler.command[-1] == "cc" and WHEEL in compiler.command[0]
    trains_by(compiler, monkeypatch)


@pytest.mark.usefixtures("search_anew")
def test_a_wheel_brings_the_last_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WHEEL).mkdir()
    (tmp_path / WHEEL / "__init__.py").touch()
    zig = tmp_path / WHEEL / "zig"
    zig.write_text('#!/bin/sh\n[ "$1" = cc ] && shift && exec /usr/bin/env gcc "$@"\n')
    zig.chmod(0o755)
    monkeypatch.delitem(sys.modules, WHEEL, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_compiler().command[0] in compilers.CANDIDATES
    monkeypatch.setattr(compilers, "CANDIDATES", ("no-such-compiler",))
    compilers._find.cache_clear()
    assert find_compiler().command == (str(zig), "cc")


def trains_by(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_compiler", lambda: compiler)
    cells = make_cells(**FULL) + make_cells(width=100, optimizer="muon", activation="softmax")
    assert complaints(cells) == []
