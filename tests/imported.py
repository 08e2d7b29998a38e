"""What the server of `tests.command` imports before it forks: the whole package, and what it uses.

Importing is all it does, and it must start no thread: a fork would not have it.
"""

import pkgutil
from importlib import import_module

import sklearn.datasets
import sklearn.model_selection  # noqa: F401

import nnbench

for module in pkgutil.walk_packages(nnbench.__path__, "nnbench."):
    import_module(module.name)
