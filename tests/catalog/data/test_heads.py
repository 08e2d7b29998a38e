"""What may stand above a table's header, and in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.report.page.table_notes import table_sentences


@pytest.mark.parametrize(
    ("head", "sign", "told"),
    [
        ("sep=;\na;b;y", ";", '"sep=;"'),
        ("Messreihe 7\n\na,b,y", ",", '"Messreihe 7"'),
        ("Report 2024;\n;\na;b;y", ";", '"Report 2024;"'),
        ("# made by hand\n# in May\na,b,y", ",", '"# made by hand"; "# in May"'),
    ],
)
def test_lines_above_the_header_are_skipped_and_said(
    tmp_path: Path, head: str, sign: str, told: str
) -> None:
    rows = "".join(f"{n * n}{sign}{n % 7}{sign}{'pq'[n % 2]}\n" for n in range(40))
    (tmp_path / "my.csv").write_text(f"{head}\n{rows}")
    found = read_table(tmp_path / "my.csv", Choices("y"))
    assert found.features == ("a", "b") and found.x[3].tolist() == [9, 3] and len(found.x) == 40
    assert table_sentences(found.report)[0] == f"Skipped above the header: {told}."


def test_a_name_with_a_line_break(tmp_path: Path) -> None:
    rows = "".join(f"{n * n},{n % 7},{'pq'[n % 2]}\n" for n in range(40))
    (tmp_path / "my.csv").write_text(f'"a\n(cm)",b,y\n{rows}')
    found = read_table(tmp_path / "my.csv", Choices("y"))
    assert found.features == ("a (cm)", "b") and found.x[3].tolist() == [9, 3]


def test_a_table_without_lines_above_says_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(",y\n" + "".join(f"{n * 3},{n / 2}\n" for n in range(40)))
    with pytest.raises(ValueError, match="has no name: an index"):
        read_table(tmp_path / "my.csv", Choices("y"))
