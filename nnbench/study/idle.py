"""Factors that change nothing: keys of a recipe that find nothing to act on.

What a key needs stands beside it, in `fields.py` and in the catalogue's parameters.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.study.grid import Level, parameter_at, value_label
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS
from nnbench.study.vocabulary import Term, Vocabulary

Recipe = Mapping[str, Any]


@dataclass(frozen=True)
class Idle:
    """A factor that changes nothing in some arms, of all that differ in it alone from another."""

    place: str  # a key of the grid, or a parameter of a level
    reasons: Mapping[str, int]  # how many arms each holds for
    arms: int  # in which it changes nothing
    of: int  # all arms of the study
    has_effect: bool  # somewhere

    @property
    def sentence(self) -> str:
        """What to tell the reader of the dry run."""
        if not self.has_effect:
            return (
                f"{self.place} varies, but changes nothing in any arm: {' or '.join(self.reasons)}"
            )
        usual = max(self.reasons, key=lambda reason: self.reasons[reason])
        more = ", among other reasons" if len(self.reasons) > 1 else ""
        return f"{self.place} changes nothing in {self.arms:,} of {self.of:,} arms: {usual}{more}"


def idle_factors(study: Study) -> list[Idle]:
    """The factors that change nothing in some arms, or in any."""
    places = [(key, place) for key in study.levels for place in _varying(study.levels[key])]
    groups: dict[str, defaultdict[Hashable, list[str]]] = {
        place: defaultdict(list) for _, place in places
    }
    arms = 0
    for levels, recipe in study.arms():
        arms += 1
        of_arm = dict(zip(study.levels, levels, strict=True))
        for key, place in places:
            if place in of_arm[key].fields:
                others = _others(of_arm, key, place)
                groups[place][others].append(why_idle(recipe, place, study.vocabulary))
    idle = [_summed(place, list(groups[place].values()), arms) for _, place in places]
    return [one for one in idle if one is not None]


def _varying(levels: list[Level]) -> Iterator[str]:
    """The places at which the levels of one key differ from a namesake."""
    if len(levels) > 1:
        yield next(iter(levels[0].fields))
    values: defaultdict[tuple[str, Hashable], set[Any]] = defaultdict(set)
    for level in levels:
        for place, value in level.fields.items():
            values[place, _names_above(level.fields, place)].add(value)
    yield from dict.fromkeys(
        place for (place, names), seen in values.items() if names and len(seen) > 1
    )


def _names_above(fields: Mapping[str, Any], place: str) -> tuple[Any, ...]:
    parts = place.split(".")
    return tuple(fields[".".join(parts[:depth])] for depth in range(1, len(parts)))


def _others(arm: Mapping[str, Level], key: str, place: str) -> Hashable:
    """What arms share that differ at one place alone."""
    inside = f"{place}."
    rest = tuple(
        (name, value)
        for name, value in arm[key].fields.items()
        if name != place and not name.startswith(inside)
    )
    return (rest, *(id(level) for name, level in arm.items() if name != key))


def _summed(place: str, groups: list[list[str]], arms: int) -> Idle | None:
    """Count the arms in which a place changes nothing; None where there is no such arm."""
    compared = [group for group in groups if len(group) > 1]
    idle = [[why for why in group if why] for group in compared]
    alike = [whys for whys in idle if len(whys) > 1]
    if not alike:
        return None
    return Idle(
        place=place,
        reasons=Counter(why for whys in alike for why in whys),
        arms=sum(map(len, alike)),
        of=arms,
        has_effect=any(len(whys) < len(group) for whys, group in zip(idle, compared, strict=True)),
    )


def why_idle(recipe: Recipe, place: str, vocabulary: Vocabulary) -> str:
    """Why a place of a resolved recipe changes nothing in it; nothing where it may."""
    fields = STUDY_KINDS[vocabulary.study_kind].fields
    parts = place.split(".")
    for depth in range(1, len(parts) + 1):
        here = ".".join(parts[:depth])
        needs = fields[here].needs if depth == 1 else parameter_at(here, recipe, vocabulary).needs
        for need in needs:
            faults = [_fault(recipe, term, here, vocabulary) for term in need.terms]
            if None not in faults:
                told = " and ".join(fault for fault in dict.fromkeys(faults) if fault)
                owner = here.rpartition(".")[0]
                reason = need.otherwise or told or f"{owner} = {recipe[owner]}"
                return f"{reason} (but for rounding)" if need.rounds else reason
    return ""


def _fault(recipe: Recipe, term: Term, place: str, vocabulary: Vocabulary) -> str | None:
    """Why a term of a place's need does not hold, in words if there are any; None where it does."""
    key = place.rpartition(".")[0] + term.key if term.key.startswith(".") else term.key
    if key not in recipe:  # a key of another kind of study
        return ""
    value = recipe[key]
    if term.value is not None:
        holds = value == term.value
    elif term.trait:
        registry = parameter_at(key, recipe, vocabulary).registry
        trait = getattr(vocabulary.registries[registry][value], term.trait)
        holds = trait(recipe) if callable(trait) else trait
    else:
        holds = value not in (None, 0, "none")
    if holds and (term.value is not None or key == place):
        return None
    if holds:
        return why_idle(recipe, key, vocabulary) or None
    return f"{key} = {value_label(value)}"
