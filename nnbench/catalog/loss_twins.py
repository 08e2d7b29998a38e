"""Losses that torch has in another form: ordinary torch classes, written on their own."""

from torch import Tensor, nn


class BCELoss(nn.BCELoss):
    """torch.nn.BCELoss, which refuses a NaN: here a diverged network has NaN for its loss."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The mean loss of probabilities (batch, outputs)."""
        if input.isnan().any():
            return input.sum() * float("nan")
        return super().forward(input, target)
