"""What the server of `tests.command` imports before it forks: the whole package, and what it uses.

Importing is all it does, and it must start no thread that a fork would miss.
"""

import pkgutil
from importlib import import_module

import torch._dynamo  # noqa: F401 (which the first training imports)

import nnbench

for module in pkgutil.walk_packages(nnbench.__path__, "nnbench."):
    import_module(module.name)
