"""A small study file to start from."""

import os
import re
from pathlib import Path

from nnbench.cli.ends import Exit, Failed

TEMPLATE = """\
# Run it:  nnbench run {name}.toml         What it would do:  nnbench run {name}.toml --dry-run
name = "{name}"
title = "Which activation learns more?"
question = "Does tanh learn more than ReLU, and at which learning rate?"
prediction = "ReLU learns more."

[grid]                                  # a list makes a factor; what is no list is held fixed
data = "moons"                          # nnbench list data
activation = ["relu", "tanh"]           # nnbench list activations
optimizer = {{ name = "adam", lr = [1e-3, 1e-2] }}
depth = 2
width = 16
epochs = 20
seeds = 5                               # repeats, paired: each has its data, split and draws

[[claim]]                               # a prediction that the results are held against
text = "ReLU learns more than tanh"
better = {{ activation = "relu" }}
than = {{ activation = "tanh" }}

[report]
metric = "test_accuracy"
tune = ["optimizer.lr"]                 # each arm at its best learning rate, chosen on validation
"""


def write_study(name: str) -> Path:
    """Write NAME.toml here. Errors: Failed where the name is none, or the file is there."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        why = "a study's name has lower-case letters, digits, - and _, 64 at most"
        raise Failed(Exit.USAGE, f"{name}: {why}")
    path = Path(f"{name}.toml")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w") as file:
            file.write(TEMPLATE.format(name=name))
    except FileExistsError:
        raise Failed(Exit.USAGE, f"{path}: is there already; take another name") from None
    return path
