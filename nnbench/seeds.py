"""Random draws by purpose: one function from (study seed, purpose, data, repeat) to a seed.

No draw depends on an arm, on its place in the grid or on a neighbour, so arms of one repeat share
their split, their batches and the noise under their initial weights and dropout masks, and adding
an arm changes no other. A page of plain numpy and torch can repeat every draw::

    text = f"{study_seed}/{purpose}/{data}/{repeat}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    torch.Generator().manual_seed(seed)  # or numpy.random.default_rng(seed)
"""

from __future__ import annotations

import hashlib

import numpy as np

from nnbench.lazy import torch


def seed_for(study_seed: int, purpose: str, data: str, repeat: int) -> int:
    """Return the 32-bit seed of one purpose (32 bits, as scikit-learn's `random_state` takes)."""
    text = f"{study_seed}/{purpose}/{data}/{repeat}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def numpy_generator(study_seed: int, purpose: str, data: str, repeat: int) -> np.random.Generator:
    """Return numpy's default generator, seeded for the purpose."""
    return np.random.default_rng(seed_for(study_seed, purpose, data, repeat))


def torch_generator(study_seed: int, purpose: str, data: str, repeat: int) -> torch.Generator:
    """Return a CPU torch generator, seeded for the purpose."""
    return torch.Generator().manual_seed(seed_for(study_seed, purpose, data, repeat))
