"""Read and validate a study: a file becomes a `Study`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnbench.study.checks import check_cells, check_report, check_size
from nnbench.study.document import Claim, Design, read_document, with_metrics
from nnbench.study.grid import read_grid, read_seeds
from nnbench.study.metrics import metrics_of
from nnbench.study.mistakes import StudyError, as_written, nearest
from nnbench.study.selection import Namer
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS
from nnbench.study.vocabulary import Vocabulary

MAX_FILE_BYTES = 1_000_000
# a dotted key of so many parts; the parser's time grows with their square
LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){30}"""
)


def read_study(path: Path, vocabulary: Vocabulary) -> Study:
    """Read and validate a TOML study file. Raises StudyError for any mistake in it."""
    shown = str(path) if str(path).isprintable() else as_written(str(path))
    try:
        text = _read_text(path)
        if LONG_KEY.search(text):
            raise StudyError("has a dotted key of 30 parts or more, which no study has")
        content = tomllib.loads(text)
        return make_study(content, replace(vocabulary, folder=path.parent))
    except FileNotFoundError:
        raise StudyError(f"{shown}: there is no such study file") from None
    except OSError as problem:
        raise StudyError(f"{shown}: cannot be read ({problem.strerror})") from None
    except RecursionError:
        raise StudyError(f"{shown}: is nested too deeply to be a study") from None
    except StudyError as problem:
        raise StudyError(f"{shown}: {problem}") from None
    except UnicodeDecodeError:
        raise StudyError(f"{shown}: is not UTF-8 text; save it as UTF-8") from None
    except ValueError as problem:  # a TOMLDecodeError, a number of 5,000 digits, a NUL in the path
        raise StudyError(f"{shown}: is not valid TOML: {problem}") from None


def _read_text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise StudyError("is not a file; give the study's .toml file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise StudyError(f"is too large: a study file may have at most {MAX_FILE_BYTES:,} bytes")
    return content.decode("utf-8-sig")


def make_study(content: Mapping[str, Any], vocabulary: Vocabulary) -> Study:
    """Validate a study given as plain Python data, of the same form as a study file."""
    written = read_document(content)
    vocabulary = replace(vocabulary, study_kind=written.kind)
    levels, listed = read_grid(written.grid, vocabulary)
    tasks = {vocabulary.task(level.fields) for level in levels.get("data", [])}
    written = with_metrics(written, tasks)
    seeds = read_seeds(written.grid) if STUDY_KINDS[written.kind].has_chance else (0,)
    namer = Namer(levels, seeds, vocabulary)
    design = _normalised_design(written.design, namer)
    claims = tuple(
        _normalised_claim(f"[[claim]] {number}", claim, namer, metrics_of(written.kind))
        for number, claim in enumerate(written.claim, start=1)
    )
    study = Study(written, levels, listed, seeds, design, claims, vocabulary)
    check_size(study)
    check_report(study)
    check_cells(study)
    return study


def _normalised_design(design: Design, namer: Namer) -> Design:
    baseline = namer.normalised("[design] baseline", design.baseline)
    for key, value in baseline.items():
        if (isinstance(value, list) and len(value) > 1) or key == "seed":
            raise StudyError(f"[design] baseline: {key} must be a single level")
    exclude = [
        type(one).model_validate(
            {"why": one.why, **namer.normalised(f"[design] exclude {number}", one.where)}
        )
        for number, one in enumerate(design.exclude, start=1)
    ]
    return design.model_copy(update={"baseline": baseline, "exclude": exclude})


def _normalised_claim(where: str, claim: Claim, namer: Namer, metrics: Iterable[str]) -> Claim:
    if claim.metric not in metrics:
        hint = nearest(claim.metric, metrics)
        raise StudyError(f"{where} metric: unknown {as_written(claim.metric)}{hint}")
    named = {side: namer.normalised(f"{where} {side}", one) for side, one in claim.named.items()}
    if not claim.shared_out:
        first, second, _ = named
        if named[first] == named[second]:
            raise StudyError(
                f"{where}: {first} and {second} name the same cells: change one of them"
            )
    return claim.model_copy(update={"as_" if side == "as" else side: named[side] for side in named})
