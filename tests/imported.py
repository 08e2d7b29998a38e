"""What the server of `tests.command` imports before it forks: the whole package, and what it uses.

Beside that it reads the sources, as each run does first. It must start no thread that a fork would
miss.
"""

import pkgutil
from importlib import import_module

import torch._dynamo  # noqa: F401 (which the first training imports)

import nnbench
from nnbench.results.fingerprint import fingerprint

for module in pkgutil.walk_packages(nnbench.__path__, "nnbench."):
    import_module(module.name)
fingerprint()  # it remembers what it parsed
