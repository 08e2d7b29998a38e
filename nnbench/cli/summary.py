"""What a run came to and how much of a study is finished: lines for people, rows for programs."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

from nnbench.catalog.own.entries import code_now
from nnbench.cli.places import shown
from nnbench.pipeline import Options, Outcome, open_store
from nnbench.report.page.commands import COMMAND, from_here
from nnbench.report.page.numbers import duration
from nnbench.report.page.words import MOST_FINDINGS, amount
from nnbench.results.files import damaged_files, sound_files
from nnbench.results.fingerprint import fingerprint, origin
from nnbench.results.looks import FILE, round_of
from nnbench.results.more import with_more
from nnbench.results.read import Results, read_results
from nnbench.results.stale import changed_entries, why_stale
from nnbench.results.store import Store
from nnbench.settling import Look
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of

MOST_SEEDS = 10  # that are listed one by one
WIDEST = 100  # characters of a line of text


def seeds_text(seeds: Sequence[int]) -> str:
    """The seeds of a study, of many only the ends."""
    if len(seeds) <= MOST_SEEDS:
        return ", ".join(map(str, seeds))
    return f"{seeds[0]}, {seeds[1]}, ..., {seeds[-1]} ({len(seeds):,} seeds)"


def outcome_row(study: Study, outcome: Outcome) -> dict[str, Any]:
    """What a run came to, for programs."""
    return {
        "study": study.name,
        **outcome.counts,
        "seconds": round(outcome.seconds, 1),
        "folder": str(outcome.folder),
        "report": str(outcome.report.path),
    }


def closing_lines(
    study: Study,
    outcome: Outcome,
    given: str | Path,
    own: Sequence[Path] = (),
    columns: int = WIDEST,
) -> list[str]:
    """The closing block: cells, failures, time, the two most important findings.

    given: the study or the table's file as it was named, own: files with entries of one's own: so
    commands that are advised name them.
    """
    counts, noun = outcome.counts, study.noun
    most = MOST_FINDINGS + 2 * bool(study.written.baselines)
    paths = dict.fromkeys(level.fields.get("data.path") for level in study.levels.get("data", []))
    about = (given, outcome.folder, [shown(Path(str(path))) for path in paths if path], own)
    told = outcome.report.answer[:most]
    answer = [from_here(sentence, outcome.report.command, *about) for sentence in told]
    words = {"diverged": "diverged", "crashed": "crashed", "missing": "not run"}
    rest = "".join(f", {counts[key]:,} {word}" for key, word in words.items() if counts[key])
    said = [
        f"{counts['ok']:,} of {counts['cells']:,} {noun} finished{rest}, "
        f"in {duration(outcome.seconds)}",
        *answer,
    ]
    if counts["crashed"]:
        said.append(f"crashed {noun}: column `reason` of cells.csv says why")
    return [study.title, *(line for text in said for line in wrapped(text, columns))]


def wrapped(text: str, columns: int) -> list[str]:
    """A sentence in lines that a terminal shows whole, each set in; a command in a line of its own.

    That is never broken, so that it can be copied.
    """
    width = max(20, min(columns, WIDEST))
    words = textwrap.TextWrapper(
        width,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    plain, *more = COMMAND.split(text)
    lines = words.wrap(plain)
    for command, after in zip(more[::2], more[1::2], strict=True):
        lines += [f"    {command}", *words.wrap(after.lstrip(". "))]
    return lines


def look_line(look: Look) -> str:
    """What a look at the claims of a study that is settled came to."""
    claims, undecided = len(look.verdicts), look.undecided
    said = f"{claims - undecided:,} of {amount(claims, 'claim')} decided"
    if not undecided:
        return said
    if look.following is None:
        return f"{said}, {undecided:,} still open with {amount(look.seeds, 'seed')}"
    following = amount(look.following, "seed")
    return f"{said}, {undecided:,} still open with {amount(look.seeds, 'seed')}: next, {following}"


@dataclass(frozen=True)
class Standing:
    """How much of a study is finished: numbers of its cells."""

    study: str
    noun: str
    cells: int
    finished: int
    crashed: int
    stale: int
    damaged_parts: int
    other_engine: int  # with results of an engine that a run would not take, which stay
    because: Sequence[str] = ()  # what is another since the stale ones were trained
    changed: Mapping[str, int] = field(default_factory=dict)  # to run, by the entry of one's own
    damaged_files: int = 0  # beside the parts
    settling: str = ""  # the study, as `nnbench settle` takes it, whose round was stopped

    @property
    def to_run(self) -> int:
        """How many cells a run would train."""
        return self.cells - self.finished

    def row(self) -> dict[str, Any]:
        """For programs: plain data."""
        counts = (
            *("cells", "finished", "crashed", "stale"),
            *("damaged_parts", "to_run", "other_engine"),
        )
        why = {"stale_because": list(self.because), "changed_entries": dict(self.changed)}
        return {"study": self.study} | {name: getattr(self, name) for name in counts} | why

    def lines(self) -> list[str]:
        """For people: what is not as it should be in lines of its own."""
        to_run = f"{self.to_run:,} to run" if self.to_run else "nothing to run"
        lines = [
            f"{self.study}: {self.finished:,} of {self.cells:,} {self.noun} finished, {to_run}"
        ]
        if self.settling and self.to_run:
            lines.append(
                f"  a round of more seeds was stopped: nnbench settle {quote(self.settling)} "
                f"resumes it"
            )
        if self.crashed:
            lines.append(f"  {self.crashed:,} crashed: the next run tries again")
        lines += self.stale_lines()
        if self.other_engine:
            lines.append(
                f"  {self.other_engine:,} with results from another engine: kept, not used"
            )
        if self.damaged_parts:
            parts = "part" if self.damaged_parts == 1 else "parts"
            lines.append(f"  {self.damaged_parts:,} damaged {parts} set aside")
        if self.damaged_files:
            damaged = amount(self.damaged_files, "damaged file")
            lines.append(f"  {damaged}: nnbench verify names them, the next run makes them anew")
        return lines

    def stale_lines(self) -> list[str]:
        """What is stale, and what has changed."""
        lines = []
        if self.stale:
            why = f" ({'; '.join(self.because)})" if self.because else ""
            lines.append(
                f"  {self.stale:,} with results from other sources or versions{why}: stale, "
                f"the next run replaces them"
            )
        return lines + [
            f"  {count:,} to run again, because the code of {name} has changed"
            for name, count in self.changed.items()
        ]


def standing_of_study(study: Study, options: Options) -> Standing:
    """How much of a study has results in a folder of results."""
    study = with_more(study, options.out)
    cells = {cell.cell_id: cell for cell in study.cells()}
    store = open_store(study, options)
    survey = store.survey()
    missing = [cell.recipe for cell_id, cell in cells.items() if cell_id not in survey.finished]
    changed = changed_entries(store.folder, missing)
    standing = _standing(study.name, study.noun, len(cells), set(cells), store, changed)
    is_stopped = round_of(sound_files(store.folder, [FILE])) is not None
    return replace(standing, settling=(options.file or study.name) if is_stopped else "")


def standing_of_results(folder: Path) -> Standing:
    """How much of the run that wrote a folder is finished, as its provenance counts it."""
    results = read_results(folder)
    provenance, study = results.provenance, results.study
    anew = _of_other_code(results)
    ids = set(results.networks["cell_id"]) - anew.keys()
    engines = set(results.networks["engine"])
    store = Store(folder, fingerprint(), lambda engine, cell_ids: engine in engines)
    noun = STUDY_KINDS[study_kind_of(study)].noun
    changed = changed_entries(folder, [{"own": own} for own in anew.values()])
    return _standing(study["name"], noun, provenance["counts"]["cells"], ids, store, changed)


def changed_code(folder: Path) -> list[str]:
    """What of results is of other code of one's own entries than they have now: a line each."""
    anew = _of_other_code(read_results(folder))
    return [
        f"{folder.name}: results from different code of {name}: {count:,}; run the study again"
        for name, count in changed_entries(folder, [{"own": own} for own in anew.values()]).items()
    ]


def _of_other_code(results: Results) -> dict[str, str]:
    """The networks whose entries of one's own have other code now, each with that code."""
    if "own" not in results.cells:
        return {}
    known = results.networks[["cell_id", "own"]].dropna().itertuples(index=False)
    return {cell_id: now for cell_id, own in known if (now := code_now(own)) != own}


def _standing(
    study: str, noun: str, cells: int, ids: set[str], store: Store, changed: Mapping[str, int]
) -> Standing:
    survey = store.survey()
    return Standing(
        study=study,
        noun=noun,
        cells=cells,
        finished=len(ids & survey.finished),
        crashed=len(ids & survey.crashed),
        stale=len(ids & survey.stale),
        damaged_parts=survey.damaged_parts,
        other_engine=len(ids & survey.other_engine),
        because=why_stale(store.folder, origin()) if ids & survey.stale else [],
        changed=changed,
        damaged_files=len(damaged_files(store.folder)),
    )
