"""A large table that is read is told of on a terminal, and nowhere else."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnbench.catalog.data.tables import table
from nnbench.catalog.data.tables.table import Choices, kept_table
from nnbench.cli.long_reads import show_long_reads


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nobody_else_looks_on() -> Iterator[None]:
    yield
    logging.getLogger("nnbench.reading").handlers.clear()


def read(folder: Path, stream: io.StringIO, target: str = "y") -> str:
    (folder / "my.csv").write_text("a,y\n" + "1.5,2.5\n2.5,7.25\n" * 20)
    show_long_reads(stream)
    kept_table(folder / "my.csv", Choices(target))
    return stream.getvalue()


def test_a_long_read_is_told_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LONG", 10)
    told = '\r\033[Kreading "my.csv", 0 MB …\r\033[K'
    terminal = Terminal()
    assert read(tmp_path, terminal) == told
    assert read(tmp_path, terminal) == told  # a table that is kept is not read again
    with pytest.raises(ValueError, match="no column"):
        read(tmp_path, terminal, target="z")
    assert terminal.getvalue() == told * 2


def test_a_short_read_is_not_told_and_a_file_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(tmp_path, Terminal()) == ""
    logging.getLogger("nnbench.reading").handlers.clear()
    monkeypatch.setattr(table, "LONG", 10)
    assert read(tmp_path, io.StringIO()) == ""
