"""Schedules that torch lacks: LambdaLR with the formula, written on its own."""

import math
from typing import Any

from torch.optim import Optimizer, lr_scheduler


def warmup_cosine(optimizer: Optimizer, total: int, warmup: float, final_factor: float) -> Any:
    """Goyal et al. (2017)'s warm-up, then the cosine of Loshchilov & Hutter (2017)."""
    length = max(round(warmup * total), 1)

    def factor(step: int) -> float:
        if step < length:
            return (step + 1) / length
        share = min((step - length) / max(total - length, 1), 1.0)
        return final_factor + (1 - final_factor) * 0.5 * (1 + math.cos(math.pi * share))

    return lr_scheduler.LambdaLR(optimizer, factor)


def inverse_sqrt(optimizer: Optimizer, total: int, warmup: float) -> Any:
    """Vaswani et al. (2017), equation 3, scaled to be 1 at its peak."""
    length = max(round(warmup * total), 1)

    def factor(step: int) -> float:
        number = step + 1
        return length**0.5 * min(number**-0.5, number * length**-1.5)

    return lr_scheduler.LambdaLR(optimizer, factor)


def wsd(optimizer: Optimizer, total: int, warmup: float, decay: float, final_factor: float) -> Any:
    """Hu et al. (2024), with the linear decay of Hägele et al. (2024)."""
    up, down = max(round(warmup * total), 1), max(round(decay * total), 1)

    def factor(step: int) -> float:
        rise = (step + 1) / up if step < up else 1.0
        if step < total - down:
            return rise
        left = max(total - step, 0) / down
        return min(rise, final_factor + (1 - final_factor) * left)

    return lr_scheduler.LambdaLR(optimizer, factor)


class WarmThenPlateau:
    """torch's LinearLR for so many epochs, then its ReduceLROnPlateau."""

    def __init__(self, optimizer: Optimizer, warmup: int, **plateau: float) -> None:
        self.left = warmup - 1
        self.plateau = lr_scheduler.ReduceLROnPlateau(optimizer, **plateau)  # type: ignore[arg-type]
        if self.left:
            self.rise = lr_scheduler.LinearLR(optimizer, 1 / warmup, total_iters=self.left)

    def step(self, loss: float) -> None:
        """Set the rate of the next epoch."""
        if self.left:
            self.left -= 1
            self.rise.step()
        else:
            self.plateau.step(loss)
