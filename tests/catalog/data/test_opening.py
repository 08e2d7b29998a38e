"""Files as they come: packed, in other encodings, or of another kind than their name says."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables import opening
from nnbench.catalog.data.tables.files import form_of
from nnbench.catalog.data.tables.table import Choices, Table, read_table
from nnbench.report.page.table_notes import table_sentences

LINES = ["größe,b,y", *(f"{n * n},{n % 7},{'pq'[n % 2]}" for n in range(40))]
TEXT = "\n".join(LINES) + "\n"


def zipped(*names: str, content: str = TEXT) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def read(folder: Path, content: bytes, name: str = "my.csv") -> Table:
    (folder / name).write_bytes(content)
    return read_table(folder / name, Choices("y"))


def refused(folder: Path, content: bytes, name: str = "my.csv") -> str:
    with pytest.raises(ValueError) as caught:
        read(folder, content, name)
    text = str(caught.value)
    assert text.startswith(f'"{name}": ') and "\n" not in text
    return text


@pytest.mark.parametrize(
    ("pack", "told"),
    [
        (gzip.compress, "Unpacked by gzip."),
        (bz2.compress, "Unpacked by bzip2."),
        (lzma.compress, "Unpacked by xz."),
        (lambda content: zipped("data/my.csv", content=content.decode()), "Unpacked by zip."),
        (lambda content: zipped("a.csv", "__MACOSX/._a.csv"), "Unpacked by zip."),
    ],
)
def test_a_packed_file_is_read_and_said(
    tmp_path: Path, pack: Callable[[bytes], bytes], told: str
) -> None:
    found = read(tmp_path, pack(TEXT.encode()))
    assert found.features == ("größe", "b") and found.x[3].tolist() == [9, 3] and len(found.x) == 40
    assert table_sentences(found.report)[0] == told


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-16", ["Read as UTF-16."]),
        ("utf-32", ["Read as UTF-32."]),
        ("latin-1", ["Read as Latin-1 (Windows 1252), as it is not UTF-8."]),
        ("utf-8", []),
        ("utf-8-sig", []),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, told: list[str]) -> None:
    found = read(tmp_path, TEXT.encode(encoding))
    assert found.features == ("größe", "b") and found.x[3].tolist() == [9, 3]
    assert found.report["told"] == told
    packed = read(tmp_path, gzip.compress(TEXT.encode(encoding)), "my.csv.gz")
    assert packed.report["told"] == ["Unpacked by gzip.", *told]


def test_latin_1_far_down_in_a_file(tmp_path: Path) -> None:
    rows = [*LINES[1:], *(f"{n},1,{'pq'[n % 2]}" for n in range(99_000)), "5,2,\xe9t\xe9"]
    found = read(tmp_path, "\n".join(["a,b,y", *rows]).encode("latin-1"))
    assert found.report["rare_classes"] == {"été": 1}


def test_thousands_are_seen_in_a_packed_file(tmp_path: Path) -> None:
    lines = [f"{n if n < 1000 else f'{n // 1000}.{n % 1000:03}'};{2 * n}" for n in range(500, 1500)]
    found = read(tmp_path, gzip.compress("\n".join(["a;y", *lines]).encode()))
    assert found.x[[0, 499, 500], 0].tolist() == [500, 999, 1000]


def test_spaces_part_columns_where_nothing_else_does(tmp_path: Path) -> None:
    lines = ["x  'a b'  y", *(f"  {n}   {n * n % 7}  {1.5 * n} " for n in range(30))]
    found = read(tmp_path, "\n".join(lines).replace("'", '"').encode())
    assert found.features == ("a b",) and found.x[:4, 0].tolist() == [0, 1, 4, 2]
    assert found.y[:3].tolist() == [0, 1.5, 3]
    assert table_sentences(found.report)[0] == "Its columns are separated by spaces."
    titled = ["a report of May", "x y", *(f"{n * n} {1.5 * n}" for n in range(30))]
    above = read(tmp_path, "\n".join(titled).encode())
    assert above.report["lines_above"] == ["a report of May"] and above.features == ("x",)


def test_words_in_one_column_are_no_columns(tmp_path: Path) -> None:
    lines = ["my notes", *("some words" if n % 3 else "and some more" for n in range(40))]
    assert 'it has "my notes"' in refused(tmp_path, "\n".join(lines).encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("a.csv", "b.csv"), "is a zip archive of 2 files: leave only the table in it"),
        (zipped("xl/workbook.xml", "x.xml"), "is not a valid Excel workbook: "),
        (
            zipped("xl/workbook.bin", "x.xml"),
            "is a binary Excel workbook, not a CSV file: save its sheet",
        ),
        (
            zipped("content.xml", "mimetype"),
            "is an OpenDocument file, not a CSV file: save its sheet",
        ),
        (zipped(), "is an empty zip archive"),
        (
            b"\xd0\xcf\x11\xe0" + bytes(99),
            "is an old Excel workbook, not a CSV file: save its sheet as CSV",
        ),
        (b"PAR1" + bytes(99), "is a Parquet file, not a CSV file: rename it to end in .parquet"),
        (b"ARROW1" + bytes(99), "is a Feather file, not a CSV file: rename it to end in .feather"),
        (
            b"\x28\xb5\x2f\xfd" + bytes(99),
            "is compressed by zstandard, not a CSV file: unpack it first",
        ),
        (b"%PDF-1.7 ...", "is a PDF document, not a CSV file: copy the table"),
        (
            b"SQLite format 3\0" + bytes(99),
            "is an SQLite database, not a CSV file: write it as CSV",
        ),
        (
            pickle.dumps({"a": [1.0] * 99}),
            "is a Python pickle, which could run anything, not a CSV file",
        ),
        (
            b"<!DOCTYPE html><html></html>",
            "is a web page or XML, not a CSV file: download the table",
        ),
        (gzip.compress(TEXT.encode())[:-20], "is compressed by gzip, but cannot be unpacked"),
        (gzip.compress(TEXT.encode())[:9], "is compressed by gzip, but cannot be unpacked"),
        (bz2.compress(TEXT.encode())[:40], "is compressed by bzip2, but cannot be unpacked"),
        (b"BZh" + bytes(99), "is compressed by bzip2, but cannot be unpacked"),
        (zipped("a.csv")[:90], "is compressed by zip, but cannot be unpacked"),
        (gzip.compress(b"\xff\xfea"), "begins as UTF-16 but is not valid"),
        (gzip.compress(bytes(5000)), "is not text: it has a zero byte"),
    ],
    # a packed file holds the time: as a name, it would differ between the processes of a run
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refused(tmp_path, content)


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    content = bytearray(zipped("a.csv"))
    content[6] |= 1  # says that it is encrypted, as does the directory at the end
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "is compressed by zip, but cannot be unpacked: File" in refused(tmp_path, bytes(content))


def test_a_file_that_grows_when_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 20_000_000)
    content = gzip.compress(b"a,y\n" + b"1,2\n" * 9_000_000)
    assert len(content) < 100_000
    assert "GB when unpacked: take a sample of its rows" in refused(tmp_path, content)


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"a": n * n, "b": None if n % 9 == 4 else n % 7, "y": "pq"[n % 2]} for n in range(40)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for content in (text, json.dumps(rows), json.dumps(rows, indent=1)):
        found = read(tmp_path, content.encode(), "my.jsonl")
        assert found.features == ("a", "b", "b is missing") and found.x[3].tolist() == [9, 3, 0]
        assert np.isnan(found.x[4, 1])
        assert table_sentences(found.report)[0] == "Read as JSON, one object per row."


def test_json_whose_characters_are_written_as_two_halves(tmp_path: Path) -> None:
    rows = [{"a": n * n, "y": "\U0001f600\U0001f4a5"[n % 2]} for n in range(40)]
    text = "\n".join(map(json.dumps, rows))
    assert "\\ud83d\\ude00" in text
    assert read(tmp_path, text.encode()).classes == ("\U0001f4a5", "\U0001f600")


def test_json_with_lists_and_objects_in_it(tmp_path: Path) -> None:
    rows = [{"a": n * n, "c": [n], "d": {"e": n}, "y": "pq"[n % 2]} for n in range(40)]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)).encode())
    assert found.features == ("a",)
    notes = {column["name"]: column["note"] for column in found.report["columns"]}
    assert "neither number nor text" in notes["c"] and "neither number nor text" in notes["d"]


@pytest.mark.parametrize(
    "text", ['{"a": 1}\n{"a": \n', '{\n "a": {"x": 1},\n "y": 3\n}\n', '[{"a": 1}, 3]']
)
def test_json_that_is_no_table(tmp_path: Path, text: str) -> None:
    said = refused(tmp_path, text.encode(), "my.json")
    assert "is JSON but not a table" in said and "write one object per line" in said


def test_feather(tmp_path: Path) -> None:
    from pyarrow import feather

    content = pd.DataFrame({"a": [n * n for n in range(40)], "y": ["p", "q"] * 20})
    path = tmp_path / "my.feather"
    feather.write_feather(content, str(path), compression="uncompressed")
    assert form_of(path) == "parquet"
    assert read_table(path, Choices("y")).x[3].tolist() == [9]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r'^"my.feather": is not a valid Feather file: '):
        read_table(path, Choices("y"))
