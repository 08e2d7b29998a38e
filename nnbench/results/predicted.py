"""Which cells a prediction belongs to."""

from collections.abc import Iterable

ARM_FIELDS = (
    *("data", "depth", "width", "activation", "init"),
    *("bias", "norm", "residual", "batch_size"),
)
SHARP_FIELDS = ("optimizer", "schedule")  # what the prediction of sharpness needs as well


def arm_columns(columns: Iterable[str], sharp: bool) -> list[str]:
    """Return the recipe columns that a prediction depends on; `sharp`, that of sharpness too."""
    heads = {*ARM_FIELDS, *(SHARP_FIELDS if sharp else ())}
    return [column for column in columns if column.partition(".")[0] in heads]
