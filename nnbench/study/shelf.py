"""The study files that a name may stand for: those of a folder here, and those that are shipped."""

from pathlib import Path

SHELF = Path("studies")
LISTED = "nnbench list studies"  # what names them
IN_CLONE = Path(__file__).parents[2] / SHELF


def study_files(shelf: Path = SHELF) -> dict[str, Path]:
    """Each file by its name, those of `shelf` itself first; of two with one name, the first."""
    found: dict[str, Path] = {}
    for path in [*sorted(shelf.glob("*.toml")), *sorted(shelf.glob("*/*.toml"))]:
        found.setdefault(path.stem, path)
    return found


def named_studies() -> dict[str, Path]:
    """Every file that a name stands for: those of `studies/` here, then those that are shipped.

    Shipped ones lie beside the package in a clone, and in the environment's `share/` where the
    package is installed.
    """
    in_clone = (IN_CLONE / "quickstart.toml").is_file()
    here, shipped = study_files(), study_files(IN_CLONE if in_clone else installed())
    return here | {name: path for name, path in shipped.items() if name not in here}


def installed() -> Path:
    """Where the shipped studies of an installed package lie."""
    import sysconfig  # here, since a clone's `--help` needs none of it

    return Path(sysconfig.get_path("data")) / "share" / "nnbench" / SHELF
