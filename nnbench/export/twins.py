"""A twin as a script has it: the call that makes it, and what of it torch lacks."""

from typing import Any, NamedTuple

from nnbench.catalog.own.twin import OwnTwin
from nnbench.catalog.twin import Twin
from nnbench.export.own_entries import own_call
from nnbench.export.text import call, literal

SHORT = {  # how scripts name what lies in a module of torch's
    "torch.nn": "nn.",
    "torch.nn.init": "nn.init.",
    "torch.optim": "torch.optim.",
    "torch.optim.lr_scheduler": "lr_scheduler.",
}
Place = tuple[str, str]  # a module of nnbench and a name in it


class TwinCode(NamedTuple):
    """The call that makes a twin, and the definitions that it needs."""

    call: str
    needs: tuple[Place, ...] = ()


def twin_code(twin: Twin, *first: str, **given: Any) -> TwinCode:
    """The code of a twin; `first` is source, an entry's parameters are values."""
    if isinstance(twin, OwnTwin):
        return TwinCode(*own_call(twin, *first, **given))
    placed, named = twin.arguments(first, given)
    placed = [one if isinstance(one, str) else literal(one) for one in placed]
    source = call(SHORT.get(twin.module, "") + twin.name, *placed, **named)
    return TwinCode(source, () if twin.is_torchs else ((twin.module, twin.name),))
