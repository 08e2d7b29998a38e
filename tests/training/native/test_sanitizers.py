"""The catalogue under the address and undefined-behaviour sanitizers, in a process of its own.

Each buffer is then a block of memory of its own, so that no stray access goes unseen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHECKS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DNNBENCH_CHECKED")
FLAGS = (*CHECKS, "-g", "-O1")  # fewer optimizations hide no access, and compile in half the time
PROGRAM = """
import os
import sys
del os.environ["LD_PRELOAD"]  # compilers need no checks
from dataclasses import replace
from nnbench.catalog import ACTIVATIONS, LOSSES, NORMS
from nnbench.training.native import programs
from nnbench.training.native.compiler import find_compiler
from tests.helpers import make_cells, small_data
from tests.training.native.check import WRITTEN, train_native

compiler = find_compiler("gcc")
checked = replace(compiler, flags=(*compiler.flags, *{flags!r}))
programs.find_compiler = lambda: checked
small = {{"epochs": 1, "optimizer": "sgd"}}
grids = {{
    "activations": [{{"activation": name, "dtype": "float32"}} for name in ACTIVATIONS],
    "optimizers": [{{"optimizer": name, "width": 13}} for name in WRITTEN],
    "norms": [{{"norm": name, "width": 1}} for name in NORMS],
    "losses": [
        {{"loss": name, "data": small_data("moons")}}
        for name, loss in LOSSES.items() if "classification" in loss.targets
    ] + [{{"loss": "huber", "data": "diabetes"}}],
    "parts": [
        {{"dropout": 0.2, "l1": 0.1, "clip_norm": 1.0, "clip_value": 0.1, "residual": True}},
        {{"evaluation": "train", "norm": "batchnorm", "activation": "rrelu", "dropout": 0.2}},
        {{"batch_size": 1}}, {{"batch_size": 0}}, {{"width": 100, "data": "digits"}},
        {{"optimizer": "asgd", "norm": "batchnorm"}},
        {{"optimizer": {{"name": "sgd", "lr": 1e12}}, "loss": "mse", "activation": "identity"}},
    ],
    "stray": [{{}}],
}}
stray = grids.pop("stray")
if sys.argv[1] == "stray":
    grids = {{"stray": stray}}
    import re
    right = programs.program_text
    programs.program_text = lambda *rest, **named: re.sub(
        r"i0 < n; i0", "i0 <= n; i0", right(*rest, **named)
    )
for part, chosen in grids.items():
    for grid in chosen:
        train_native(make_cells(**(small | grid)))
    print("trained", part)
"""


def trained(part: str, cache: Path) -> subprocess.CompletedProcess[str]:
    libraries = [
        subprocess.run(
            ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": str(ROOT),
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, "-c", PROGRAM.format(flags=FLAGS), part]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_no_stray_access(tmp_path: Path) -> None:
    ended = trained("all", tmp_path)
    parts = ["activations", "optimizers", "norms", "losses", "parts"]
    assert ended.stdout.splitlines() == [f"trained {part}" for part in parts], ended.stderr[-4000:]
    assert ended.returncode == 0


@pytest.mark.slow
def test_a_stray_access_would_be_seen(tmp_path: Path) -> None:
    ended = trained("stray", tmp_path)
    assert ended.returncode != 0 and "heap-buffer-overflow" in ended.stderr
