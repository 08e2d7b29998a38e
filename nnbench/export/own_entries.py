"""The entries of one's own that a cell uses, as a script has them: their code, and their calls.

What they are called with is what the reference calls: a twin of one's own where there is one, else
the entry's own function as a module, a rule or a scheduler.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nnbench.catalog.own.entries import CODES, entry_of, is_part, own_code
from nnbench.catalog.own.twin import OwnTwin
from nnbench.export.find import ExportError, check_known
from nnbench.export.own_source import block
from nnbench.export.text import call, literal

WRAPPERS = ("Applied", "AppliedRule", "AppliedToTwo", "AppliedNorm", "filled_by", "scheduler_by")


def check_own(cell_id: str, recipe: Mapping[str, Any]) -> None:
    """Refuse a cell whose entries of one's own are unknown here, or are others by now."""
    trained = str(recipe.get("own") or "")
    check_known(cell_id, trained)
    known = own_code(recipe).split()
    for word in trained.split():
        if word not in known:
            name = word.partition("=")[0]
            raise ExportError(
                f"{cell_id} was trained with different code of {name}: run the study again, or "
                f"name the file as it was"
            )


def own_blocks(recipe: Mapping[str, Any]) -> str:
    """The code of the entries that a recipe uses, each under the name `own_activation` and such."""
    found = []
    for key, name in sorted(CODES):
        if recipe.get(key) == name:
            things = _things_of(key, entry_of(key, name))
            found.append(block(f"own_{key}", f"{key} {name} of one's own", things))
        elif is_part(recipe, key, name):
            raise ExportError(f"{key} {name}, a part of another, cannot stand in a script yet")
    return "\n\n\n".join(found)


def _things_of(key: str, entry: Any) -> dict[str, Any]:
    """The functions or the class that an entry is made of."""
    if key == "data":
        return {key: entry.function.args[0]}
    make = vars(entry.twin)["make"]
    if _is_class(make):
        return {key: make.of}
    if not _is_wrapped(make):
        return {key: make}
    names = ("init", "update") if key == "optimizer" else (key,)
    return dict(zip(names, make.args, strict=False))


def own_call(twin: OwnTwin, *first: str, **given: Any) -> tuple[str, tuple[Any, ...]]:
    """The call of a twin of one's own, and the places of what it needs of the package's."""
    make, known = vars(twin)["make"], vars(twin)["known"]
    mine = f"own_{_key_of(make)}"
    if _is_class(make):
        decay = given.pop("weight_decay", 0.0)
        given |= {"weight_decay": decay} if make.decays else {}
        return call(mine, *first, **make.fixed, **given), ()
    if not _is_wrapped(make):
        return call(mine, *first, **given), ()
    wrapper = make.func
    name = wrapper.__name__
    before = [f"*{mine}"] if name == "AppliedRule" else [mine]
    if name == "filled_by":
        names = make.args[1]
        before += [literal(names), literal({k: known[k] for k in ("generator", *names)})]
    elif name == "scheduler_by":
        before.append(literal({name: known[name] for name in ("lr", "total")}))
    elif name == "AppliedNorm":
        before.append(literal({"units": known["units"]}))
    return call(name, *before, *first, **given), ((wrapper.__module__, name),)


def coupled_decay(twin: Any, decay: Mapping[str, float]) -> float:
    """The weight decay that a class of one's own does not take, to be added to gradients."""
    by_hand = (
        isinstance(twin, OwnTwin) and _is_class(make := vars(twin)["make"]) and not make.decays
    )
    return decay.get("weight_decay", 0.0) if by_hand else 0.0


def _is_class(make: Any) -> bool:
    """Whether this makes the optimizer of a class of torch's kind; asked of own entries alone."""
    from nnbench.catalog.own.torch_class import Make  # which imports torch

    return isinstance(make, Make)


def _is_wrapped(make: Any) -> bool:
    """Whether this is a function of one's own that the package makes a module or a rule of."""
    if not isinstance(make, partial):
        return False
    of: Any = make.func
    return of.__module__.startswith("nnbench.catalog.own.") and of.__name__ in WRAPPERS


def _key_of(make: Any) -> str:
    """The key whose registered entry this makes."""
    return next(
        key
        for key, name in CODES
        if vars(getattr(entry_of(key, name), "twin", None) or object).get("make") is make
    )
