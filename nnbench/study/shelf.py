"""The study files of a project: `studies/NAME.toml`, or one folder deeper."""

from __future__ import annotations

from pathlib import Path

SHELF = Path("studies")


def study_files(shelf: Path = SHELF) -> dict[str, Path]:
    """Each file by its name, those of `shelf` itself first; of two with one name, the first."""
    found: dict[str, Path] = {}
    for path in [*sorted(shelf.glob("*.toml")), *sorted(shelf.glob("*/*.toml"))]:
        found.setdefault(path.stem, path)
    return found
