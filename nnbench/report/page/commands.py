"""The command that runs a study again, as a page and a verdict give it."""

import shlex

from nnbench.report.page.table_notes import table_title
from nnbench.results.read import Results
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of


def run_command(results: Results, seeds: bool = True) -> str:
    """The command that runs the study again, seeds and limit of the run as they were.

    A study without a file is that of a table, which `--data` names.
    """
    study, tables = results.study, results.provenance.get("tables") or []
    words = ["nnbench", "run", str(study["name"])]
    if is_of_table(results):
        words = ["nnbench", "run", "--data", tables[0]["file"], "--target", tables[0]["target"]]
        data = study["grid"]["data"]
        words += [f"--{key}={data[key]}" for key in ("task", "decimal") if key in data]
        lists = ("missing", "drop", "numeric", "categorical", "dates")
        words += [f"--{key}={text}" for key in lists for text in data.get(key, [])]
        words += [f"--rows={data['rows']}"] if "rows" in data else []
    own, ran = (study.get("grid") or {}).get("seeds", 3), list(study.get("seeds") or [])
    in_file = list(range(own)) if isinstance(own, int) else list(own)
    has_chance = STUDY_KINDS[study_kind_of(study)].has_chance
    if seeds and has_chance and ran == list(range(len(ran))) != in_file and ran:
        words += ["--seeds", str(len(ran))]
    if limit := results.provenance.get("limit"):
        words += ["--limit", str(limit)]
    return shlex.join(words)


def is_of_table(results: Results) -> bool:
    """Whether the study is the one that `nnbench run --data` makes of a table."""
    tables = results.provenance.get("tables") or []
    title = table_title(tables[0]["file"], tables[0]["target"]) if tables else ""
    return len(tables) == 1 and results.title == title and not results.study.get("claims")
