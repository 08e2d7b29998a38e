"""Early stopping: when training ends, and which epoch's network is the result."""

from nnbench.catalog.works import PRECHELT
from nnbench.study.vocabulary import Entry, Parameter

STOPPINGS: dict[str, Entry] = {
    "none": Entry(
        summary="Train all epochs; the last network is the result.",
        formula="epochs_run = epochs",
        reference="(definition)",
    ),
    "patience": Entry(
        summary="Stop after `patience` epochs without a new best validation loss; the network of "
        "the best epoch is the result. The paper's own rules count rises in "
        "succession, or measure them.",
        formula="stop when val_loss >= best - min_delta for patience epochs in a row",
        reference=PRECHELT,
        parameters={
            "patience": Parameter(5, "epochs to wait for a new best", low=1, high=1e9),
            "min_delta": Parameter(0.0, "fall of the loss that counts", low=0, high=1e12),
        },
    ),
}
