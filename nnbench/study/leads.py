"""What a report can open with: by these names a study file chooses and a page is made."""

from collections.abc import Collection
from dataclasses import dataclass

from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, TRAINING


@dataclass(frozen=True)
class Lead:
    """What is drawn under the answer, and what a study needs for that.

    factors: grid keys of which one takes two values at least. has_arms: arms compete in it, so
    that it is worth saying which came first.
    """

    meaning: str
    study_kind: str = TRAINING
    factors: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    trains: bool = False
    has_arms: bool = False


LEADS: dict[str, Lead] = {
    "differences": Lead("what each level changes", has_arms=True),
    "rates": Lead(
        "the learning rate by epoch, and what each schedule changes",
        factors=("schedule",),
        trains=True,
        has_arms=True,
    ),
    "curves": Lead("how training went", trains=True, has_arms=True),
    "born_dead": Lead(
        "the share of networks dead at the start, by depth and width",
        factors=("depth", "width"),
        probes=("layers",),
    ),
    "growth": Lead("which networks lose, keep or explode the gradient", probes=("layers",)),
    "dead_units": Lead("units that die in training", probes=("layers",), trains=True),
    "trainability": Lead(
        "the score by depth and gain", factors=("depth",), probes=("layers",), trains=True
    ),
    "sharpness": Lead("the sharpness by step", probes=("layers", "sharpness"), trains=True),
    "walks": Lead("walks on the landscape where they differ most", LANDSCAPE),
    "shares": Lead("how often each configuration reaches the minimum", LANDSCAPE),
    "sweeps": Lead("the loss along the logits", NUMERICS),
}


def lacking(
    lead: Lead, study_kind: str, varied: Collection[str], probes: Collection[str], trains: bool
) -> str:
    """What a study would need to open with it, and does not have; nothing where it has all.

    varied: its grid keys of several levels; probes: those it takes; trains: of any epoch.
    """
    if lead.study_kind != study_kind:
        return f'kind = "{lead.study_kind}"'
    if lead.has_arms and not set(varied) - {"data"}:
        return "two values of one of the keys of [grid]"
    if lead.factors and not set(lead.factors) & set(varied):
        return f"two values of {' or '.join(lead.factors)} in [grid]"
    wanted = [f"{name} = true" for name in lead.probes if name not in probes]
    if wanted:
        return f"{' and '.join(wanted)} in [probes]"
    return "epochs above 0 in [grid]" if lead.trains and not trains else ""
