"""Where the repository's own files are."""

from pathlib import Path

from nnbench.study.shelf import study_files

ROOT = Path(__file__).parents[1]
STUDIES = list(study_files(ROOT / "studies").values())
