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

[grid]                                  # a list is a factor; anything else is held fixed
data = "moons"                          # nnbench list data
activation = ["relu", "tanh"]           # nnbench list activations
optimizer = {{ name = "adam", lr = [1e-3, 1e-2] }}
depth = 2
width = 16
epochs = 20
seeds = 5                               # paired repeats: each has its own split and random draws

[[claim]]                               # a prediction, judged by the results
text = "ReLU learns more than tanh"
better = {{ activation = "relu" }}
than = {{ activation = "tanh" }}

[report]
metric = "test_accuracy"
tune = ["optimizer.lr"]                 # compare at the best rate, chosen on validation data
"""


def write_study(name: str) -> Path:
    """Write NAME.toml here. Errors: Failed where the name is none, or the file is there."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        why = "a study's name consists of at most 64 lower-case letters, digits, - and _"
        raise Failed(Exit.USAGE, f"{name}: {why}")
    path = Path(f"{name}.toml")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w") as file:
            file.write(TEMPLATE.format(name=name))
    except FileExistsError:
        raise Failed(Exit.USAGE, f"{path} exists already; choose another name") from None
    return path
