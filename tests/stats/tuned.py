"""Simulated studies of tuned arms, all equal in truth, whose settings are chosen by luck."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nnbench.stats.blocks import Blocks, spread_of, two_sided_p


def differences(
    settings: tuple[int, int], seeds: int, studies: int, alike: float, rule: str, gap: float = 0.0
) -> np.ndarray:
    """Return the differences of two tuned arms, (studies, seeds).

    alike: which part of the noise of validation and test is the network's own, in both alike. rule:
    choose on the seeds that are judged (`same`), on all others for each (`each`), or each half of
    them on the other (`halves`). gap: how far ahead the first arm's settings are.
    """
    generator = np.random.default_rng(23)  # the same networks for each rule

    def arm(count: int) -> np.ndarray:
        shape = (studies, seeds, count)
        own = alike**0.5 * generator.normal(size=shape)
        val, test = (own + (1 - alike) ** 0.5 * generator.normal(size=shape) for _ in range(2))
        total = val.sum(axis=1, keepdims=True)
        if rule == "same":
            by = np.broadcast_to(total, shape)
        elif rule == "each":
            by = total - val
        else:
            is_odd = (np.arange(seeds) % 2 == 0)[:, None]
            odd = np.where(is_odd, val, 0).sum(axis=1, keepdims=True)
            by = np.where(is_odd, total - odd, odd)
        return np.take_along_axis(test, by.argmax(axis=2)[..., None], axis=2)[..., 0]

    first, second = (arm(count) for count in settings)
    return first + gap - second


def p_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the p of each study."""
    blocks = Blocks(values.T, np.ones((values.shape[1], 1)), np.zeros(values.shape[1], dtype=int))
    spread = spread_of(blocks)
    return spread.mean, two_sided_p(spread)


def told_apart(
    settings: tuple[int, int],
    seeds: int,
    studies: int,
    rules: tuple[str, ...],
    alike: float = 1.0,
    gap: float = 0.0,
) -> float:
    """Return the share of studies in which all rules agree on one side at 5 %."""
    each = [p_of(differences(settings, seeds, studies, alike, rule, gap)) for rule in rules]
    sure = np.all([p < 0.05 for _, p in each], axis=0)
    sides = np.abs(np.sum([np.sign(mean) for mean, _ in each], axis=0)) == len(rules)
    return float(np.mean(sure & sides))


def tuned_cells(
    settings: tuple[int, int], seeds: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Return the cells of a study of two optimizers, all settings of both equal in truth."""
    rows = []
    for name, count in zip(("adam", "sgd"), settings, strict=True):
        for place in range(count):
            for seed in range(seeds):
                value = 0.8 + 0.01 * generator.normal()
                rows.append(
                    {
                        "cell_id": f"{len(rows):016x}",
                        "study": "made-up",
                        "data": "digits",
                        "seed": seed,
                        "optimizer": name,
                        "optimizer.lr": 0.1 * (place + 1),
                        "status": "ok",
                        "val_accuracy": value,
                        "val_loss": 1 - value,
                        "test_accuracy": value,
                        "test_loss": 1 - value,
                    }
                )
    return pd.DataFrame(rows)
