"""More seeds until each claim is decided, and only for the networks that an open claim compares.

Who looks again and again is wrong more often, unless the evidence allows for it: every verdict
here, the first one too, is by the rule that holds at any moment (`nnbench.stats.anytime`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nnbench.pipeline import Listener, Options, Outcome, reported, run_cells
from nnbench.results.files import results_folder
from nnbench.results.looks import note_look, note_round
from nnbench.results.more import given_more, with_more
from nnbench.results.read import read_results
from nnbench.results.running import sign_of
from nnbench.stats.claims import UNDECIDED, Verdict, judge_all
from nnbench.study.metrics import METRICS
from nnbench.study.mistakes import StudyError
from nnbench.study.study import More, Study
from nnbench.study.study_kinds import STUDY_KINDS

MOST_SEEDS = 30


@dataclass(frozen=True)
class Look:
    """What one look at the claims found: how many seeds an open claim had, and has next."""

    verdicts: Sequence[Verdict]
    seeds: int
    following: int | None  # None: it ends here

    @property
    def undecided(self) -> int:
        """How many claims are undecided."""
        return sum(one.verdict == UNDECIDED for one in self.verdicts)


def settle(
    study: Study,
    options: Options,
    listener: Listener,
    most_seeds: int = MOST_SEEDS,
    on_look: Callable[[Look], None] = lambda look: None,
) -> tuple[Outcome, Look]:
    """Train more seeds until each claim is decided or has `most_seeds`; write the report.

    It goes on where it was stopped, and what it gave a claim stays with the study. Errors:
    StudyError for a study without claims that seeds could decide.
    """
    began = time.perf_counter()
    if not STUDY_KINDS[study.kind].has_chance or not any(map(is_open_to_seeds, _claims(study))):
        raise StudyError(
            f"{study.name} has no claim that more seeds could decide: write one as a [[claim]]"
        )
    study = with_more(study, options.out)
    more = {place: study.more.get(place, More()) for place in range(len(study.claims))}
    study = replace(study, more=more)
    folder = results_folder(options.out, study.name)
    with sign_of(folder) as sign:
        while True:
            tables = run_cells(study, options, listener, sign)
            results = read_results(folder)
            verdicts = judge_all(results.study, results.claimed, len(results.earlier_looks))
            note_look(folder, results.claimed["seed"].nunique(), results.study)
            places = open_places(study, verdicts)
            had = max((seeds_of(study, place) for place in places), default=len(study.seeds))
            following = next_seeds([verdicts[place] for place in places], had, most_seeds)
            look = Look(verdicts, had, following)
            on_look(look)
            if following is None:
                return reported(study, options, listener, sign, tables, began), look
            study = given_more(study, places, following)
            note_round(folder, study.document())


def is_open_to_seeds(claim: Mapping[str, object]) -> bool:
    """Whether more seeds can decide a claim: of chance, not of time, and of no seed in particular.

    Timings are those of a whole stack, whatever its seeds.
    """
    metric = METRICS[str(claim["metric"])]
    sides = [claim.get(name) for name in ("better", "than", "same", "as", "where")]
    names_seed = any(isinstance(side, Mapping) and "seed" in side for side in sides)
    return metric.has_chance and not metric.of_stack and not names_seed


def open_places(study: Study, verdicts: Sequence[Verdict]) -> list[int]:
    """The places of the claims that are undecided and that more seeds may decide."""
    return [
        place
        for place, (claim, verdict) in enumerate(zip(_claims(study), verdicts, strict=True))
        if verdict.verdict == UNDECIDED and is_open_to_seeds(claim) and verdict.n
    ]


def seeds_of(study: Study, place: int) -> int:
    """How many seeds a claim has."""
    return len(study.seeds) + len(study.more[place].seeds)


def next_seeds(verdicts: Sequence[Verdict], seeds: int, most_seeds: int) -> int | None:
    """With how many seeds to look at these undecided claims next; None where there is no more.

    As many as are told to decide the first of them, but at most twice those there are: what few
    seeds tell of how many are needed is itself uncertain.
    """
    if not verdicts or seeds >= most_seeds:
        return None
    told = [verdict.seeds_needed or 2 * seeds for verdict in verdicts]
    return min(most_seeds, max(seeds + 1, min(*told, 2 * seeds)))


def _claims(study: Study) -> list[Mapping[str, object]]:
    claims: list[Mapping[str, object]] = study.document()["claims"]
    return claims
