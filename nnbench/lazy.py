"""Imports that wait for their first use, so that `--help` and `list` never pay for torch."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_waiting: list[_Waiting] = []


class _Waiting:
    """Stands in a module's namespace for one that is not imported yet, and steps aside."""

    def __init__(self, name: str, namespace: dict[str, Any], alias: str) -> None:
        self._name, self._namespace, self._alias = name, namespace, alias

    def _load(self) -> ModuleType:
        module = importlib.import_module(self._name)
        self._namespace[self._alias] = module
        return module

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)


def lazy_import(name: str, namespace: dict[str, Any], alias: str | None = None) -> Any:
    """Return module `name`, or a stand-in that imports it when an attribute is first read.

    The stand-in then replaces itself in `namespace` (the caller's `globals()`), under `alias` or
    the name's last part, so that later reads are plain ones.
    """
    if name in sys.modules:
        return sys.modules[name]
    waiting = _Waiting(name, namespace, alias or name.rpartition(".")[2])
    _waiting.append(waiting)
    return waiting


def load_now(name: str) -> None:
    """Import `name` and put it where stand-ins for it still stand: a compiler must see no proxy."""
    for waiting in [w for w in _waiting if w._name == name]:
        waiting._load()
        _waiting.remove(waiting)
