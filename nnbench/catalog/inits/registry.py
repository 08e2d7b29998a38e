"""Every initialisation, and what one is called with."""

from collections.abc import Mapping
from typing import Any

from nnbench.catalog.inits.any_width import ANY_WIDTH
from nnbench.catalog.inits.base import Init
from nnbench.catalog.inits.by_fans import BY_FANS
from nnbench.catalog.inits.by_network import BY_NETWORK
from nnbench.catalog.meanfield import mean_field
from nnbench.catalog.twin import of_family
from nnbench.study.recipe import of_factor

INITS: dict[str, Init] = {
    **of_family(ANY_WIDTH, family="The same at every width"),
    **of_family(BY_FANS, family="By the number of inputs and outputs"),
    **of_family(BY_NETWORK, family="By the whole matrix, the activation or the data"),
}

__all__ = ["INITS", "Init", "check_activation", "keywords"]


def keywords(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What the functions and twins of a recipe's init are called with, by name."""
    numbers = of_factor("init", recipe)
    if INITS[recipe["init"]].needs_activation:
        numbers |= {"activation": recipe["activation"], "given": of_factor("activation", recipe)}
    return numbers


def check_activation(recipe: Mapping[str, Any]) -> None:
    """Raise ValueError if the recipe's init has no weights for its activation."""
    if not INITS[recipe["init"]].needs_activation:
        return
    try:
        field = mean_field(recipe["activation"], **of_factor("activation", recipe))
        field.critical_at_q(recipe["init.q"])
    except ValueError as problem:
        raise ValueError(
            f'init "{recipe["init"]}" has no weights for this network: {problem}. Take another '
            f"init or another init.q, or leave the pair out with [design] exclude"
        ) from None
