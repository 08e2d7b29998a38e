"""Limits on what costs time or space, in counts that no other work on the machine can change.

A count above its limit is work that was not there before; of one that fell, lower the limit.
"""

from __future__ import annotations

from typing import Any

import pytest

from nnbench.cli.places import study_named
from nnbench.results.rows import Rows
from nnbench.training.plan import program_key
from tests.counts import Work, modules_of, parts, text_of, work_of, written
from tests.helpers import make_cells
from tests.places import ROOT

NETWORK: dict[str, Any] = {
    "data": "digits",
    "depth": 3,
    "width": 32,
    "batch_size": 32,
    "optimizer": "adam",
    "activation": "relu",
    "dtype": "float32",
}
PARAMETERS = 1000  # of an update; a batch has 32 rows
LIMITS: dict[str, tuple[dict[str, Any], dict[str, Work]]] = {
    "plain": (
        {},
        {
            "gradient": Work(23, 735_395),
            "update": Work(2, 13_022),
            "evaluate": Work(16, 301_008),
        },
    ),
    "tanh": ({"activation": "tanh"}, {"gradient": Work(23, 747_684)}),
    "gelu": ({"activation": "gelu"}, {"gradient": Work(23, 784_548)}),
    "batchnorm": (
        {"norm": "batchnorm"},
        {"gradient": Work(40, 793_007), "evaluate": Work(21, 310_609)},
    ),
    "dropout": ({"dropout": 0.2}, {"gradient": Work(23, 747_689)}),
    "sgd": ({"optimizer": "sgd"}, {"update": Work(2, 2_008)}),
    "momentum": ({"optimizer": "momentum"}, {"update": Work(2, 4_008)}),
    "muon": ({"optimizer": "muon"}, {"update": Work(16, 3_746_709)}),
}
PROGRAMS_OF_QUICKSTART = 39
FILES_OF_A_STACK = 4
BYTES_OF_A_CELL = 200  # of a stack of 128 networks with 16 epochs each; 181 with pyarrow 26
MODULES_OF_HELP = 180  # 173 with Python 3.11


@pytest.mark.parametrize("name", LIMITS)
def test_programs_do_no_more_than_they_did(name: str) -> None:
    grid, limits = LIMITS[name]
    (cell,) = make_cells(**{**NETWORK, **grid})
    found = parts(cell.recipe)
    for kind, limit in limits.items():
        work = work_of(text_of(found[kind]), PARAMETERS if kind == "update" else 32)
        assert work.loops <= limit.loops, kind
        assert work.operations <= limit.operations, kind


def test_the_products_are_those_of_the_network() -> None:
    (cell,) = make_cells(**NETWORK)
    weights = 64 * 32 + 2 * 32 * 32 + 32 * 10
    forward = 2 * 32 * weights
    backward = 2 * forward - 2 * 32 * 64 * 32  # nobody asks for the gradient of the data
    work = work_of(text_of(parts(cell.recipe)["gradient"]))
    assert 0 < work.operations - forward - backward < 0.03 * work.operations


def test_the_count_sees_every_form_of_loop() -> None:
    text = "\n".join(
        (
            "static void f_k0(float *p0, long n) {",
            "for (long i0 = 0; i0 < n; i0++) {",
            "for (long i1 = 0; i1 < 10; i1++) {",
            "const float v0 = (p0[i0 * 10 + i1] * 2 + exp(p0[i1]));",  # 3 in each of 10 n
            "}",
            "}",
            "for (long i0 = 0; i0 < 2*n; i0++)",
            "p0[i0] += v0;",  # 1 in each of 2 n
            "}",
            "void f(void **p, char *scratch, long n) {",
            "x->product_float(in1, 64, 1, in0, 1, 64, b0, 32, n, 32, 64);",
            "f_k0(b0, n);",
            "f_k0(b1, n);",
            "}",
        )
    )
    assert work_of(text, n=8) == Work(3, 2 * 8 * 32 * 64 + 2 * (3 * 10 * 8 + 16))


def test_quickstart_needs_no_more_programs() -> None:
    cells = {program_key(cell): cell for cell in study_named("quickstart", None).cells()}
    programs = {part for cell in cells.values() for part in parts(cell.recipe).values()}
    assert len(programs) <= PROGRAMS_OF_QUICKSTART


def test_a_stack_is_few_files_and_bytes() -> None:
    result = {"status": "ok", "epochs_run": 15, "n_params": 4522, "engine": "native-gcc"}
    names = ("train_loss", "val_loss", "test_loss", "test_accuracy", "seconds", "weight_norm")
    cells = [
        {"cell_id": f"{7919 * n:016x}", **result} | {name: 1 / (n + 2) for name in names}
        for n in range(128)
    ]
    measured = ("train_loss", "val_loss", "val_metric", "grad_norm")
    curves = [
        {"cell_id": cell["cell_id"], "epoch": epoch, "step": 34 * epoch, "lr": 0.1}
        | {name: 1 / (1 + epoch + place + number) for place, name in enumerate(measured)}
        for number, cell in enumerate(cells)
        for epoch in range(16)
    ]
    files, size = written(Rows(cells, curves))
    assert files <= FILES_OF_A_STACK
    assert size / len(cells) <= BYTES_OF_A_CELL


def test_help_imports_little() -> None:
    assert modules_of("--help", cwd=ROOT) <= MODULES_OF_HELP
