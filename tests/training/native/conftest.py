"""Programs compiled by tests go to a folder of the test session, which its processes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nnbench.training.native import programs


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "programs"))
        yield


def forget() -> None:
    """Forget what this process has loaded or written."""
    for cached in (programs.library, programs.runtime):
        cached.cache_clear()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own, for programs that are made wrong."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache" / "nnbench" / "native"
    forget()
