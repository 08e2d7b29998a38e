"""Open a user's file as text: what kind of file it is, how it is packed, in which encoding.

Kinds that are no text are told by their first bytes, whatever the file's name says.
"""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 4_000_000_000
HEAD = 1 << 24  # characters at most, of the lines that a header is looked for in
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, OSError)
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip"}
MARKS = {  # of an encoding, the longest first
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
AS_CSV = "save its sheet as CSV (UTF-8)"
UNPACK = "unpack it first, or pack it with gzip"
CONVERT = "write it as CSV or Parquet first"
OTHERS = {  # how files begin that are no text, what they are, and the way out
    b"PAR1": ("a Parquet file", "rename it to end in .parquet (parquet = in a study)"),
    b"ARROW1": ("a Feather file", "rename it to end in .feather (parquet = in a study)"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", AS_CSV),
    b"\x28\xb5\x2f\xfd": ("compressed by zstandard", UNPACK),
    b"7z\xbc\xaf": ("a 7-Zip archive", UNPACK),
    b"Rar!": ("a RAR archive", UNPACK),
    b"PK\x05\x06": ("an empty zip archive", "put the table into it"),
    b"%PDF": ("a PDF document", "copy the table into a CSV file"),
    b"\x89HDF": ("an HDF5 file", CONVERT),
    b"SQLite format 3\0": ("an SQLite database", CONVERT),
    b"\x93NUMPY": ("a NumPy array", "write it as CSV with a line of column names"),
    b"\x80\x04\x95": ("a Python pickle, which could run anything", CONVERT),
    b"\x80\x05\x95": ("a Python pickle, which could run anything", CONVERT),
    b"\x89PNG": ("a picture", "take the table itself"),
    b"\xff\xd8\xff": ("a picture", "take the table itself"),
}
INSIDE = {  # what a zip archive holds that is a document of its own
    "xl/workbook.bin": ("a binary Excel workbook", AS_CSV),
    "content.xml": ("an OpenDocument file", AS_CSV),
    "word/document.xml": ("a Word document", "copy the table into a CSV file"),
}


def packing_of(path: Path) -> str:
    """How a file is packed, or nothing.

    Raises ValueError for what is no text, and for an archive of several files.
    """
    with path.open("rb") as file:
        start = file.read(16)
    for mark, (what, way) in OTHERS.items():
        if start.startswith(mark):
            raise ValueError(f"is {what}, not a CSV file: {way}")
    packed = next((name for mark, name in PACKED.items() if start.startswith(mark)), "")
    if packed == "zip":
        _member(path)
    return packed


def _member(path: Path) -> str:
    """The name of the one file in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [entry for entry in archive.infolist() if not entry.is_dir()]
    except DAMAGED as problem:
        raise _damaged("zip", problem) from None
    for name, (what, way) in INSIDE.items():
        if any(entry.filename == name for entry in inside):
            raise ValueError(f"is {what}, not a CSV file: {way}")
    tables = [entry.filename for entry in inside if not entry.filename.startswith("__MACOSX/")]
    if len(tables) != 1:
        raise ValueError(f"is a zip archive of {len(tables)} files: leave only the table in it")
    return tables[0]


def _damaged(packed: str, problem: BaseException) -> ValueError:
    reason = " ".join(str(problem).split())[:200]
    return ValueError(f"is compressed by {packed}, but cannot be unpacked: {reason}")


class Bounded(io.RawIOBase):
    """The bytes of an unpacked file, which end in an error where they are too many."""

    def __init__(self, file: IO[bytes], packed: str) -> None:
        super().__init__()
        self.file, self.packed, self.count = file, packed, 0

    def readable(self) -> bool:
        """It is, which a buffer asks for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Write the next bytes into a buffer; their count. Raises ValueError past `MAX_BYTES`."""
        try:
            content = self.file.read(len(buffer))
        except DAMAGED as problem:
            raise _damaged(self.packed, problem) from None
        self.count += len(content)
        if self.count > MAX_BYTES:
            raise ValueError(
                f"has more than {MAX_BYTES / 1e9:.0f} GB when unpacked: take a sample of its rows"
            )
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def unpacked(path: Path, packed: str) -> Iterator[Any]:
    """A file's bytes, unpacked while they are read."""
    with path.open("rb") as plain:
        if not packed:
            yield plain
        elif packed == "zip":
            with zipfile.ZipFile(plain) as archive, _inner(archive, path) as file:
                yield io.BufferedReader(Bounded(file, packed), 1 << 16)
        else:
            opened: Any = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[packed]
            with opened(plain) as file:
                yield io.BufferedReader(Bounded(file, packed), 1 << 16)


def _inner(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    try:
        return archive.open(_member(path))
    except (*DAMAGED, NotImplementedError) as problem:  # a password, an unknown method
        raise _damaged("zip", problem) from None


@contextmanager
def as_text(path: Path, packed: str, encoding: str) -> Iterator[io.TextIOWrapper]:
    """A file's text, with its line ends as they are."""
    with unpacked(path, packed) as file:
        yield io.TextIOWrapper(file, encoding=encoding, newline="")


def encodings_of(path: Path, packed: str) -> tuple[str, ...]:
    """The encodings that a file may have, the likeliest first.

    UTF-16 and UTF-32 begin with a mark; all else is UTF-8, or else what Windows calls 1252: Latin-1
    with quotes and the euro.
    """
    with unpacked(path, packed) as file:
        start = file.read(4)
    marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), "")
    return (marked,) if marked else ("utf-8-sig", "cp1252")
