"""The same training in JAX: one network's epoch as a scan, mapped over networks, compiled whole.

Written as its users would: optax's rules, donated state, batches picked inside of the program, the
evaluation in the same program. Imported only where JAX and optax are there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

# one thread, as the others have; read when JAX is first imported
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nnbench.training.draws import Split
from nnbench.training.splits import PARTS

RULES: dict[str, Callable[[], Any]] = {
    "adam": lambda: optax.adam(1e-3),
    "momentum": lambda: optax.sgd(1e-2, momentum=0.9),
}
DEPTH = 3
AT_ONCE = 16  # networks that `lax.map` maps together, the better of two ways for small ones


def start(key: Any, features: int, width: int, outputs: int) -> list[tuple[Any, Any]]:
    """He's initialisation of one network."""
    shapes = [features, *[width] * DEPTH, outputs]
    keys = jax.random.split(key, DEPTH + 1)
    return [
        (jax.random.normal(one, (a, b)) * np.sqrt(2 / a), jnp.zeros(b))
        for one, a, b in zip(keys, shapes[:-1], shapes[1:], strict=True)
    ]


def outputs_of(params: list[tuple[Any, Any]], x: Any) -> Any:
    """The logits (rows, classes) of one network."""
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = params[-1]
    return x @ weight + bias


def loss_of(params: list[tuple[Any, Any]], x: Any, y: Any) -> Any:
    """The mean cross-entropy of one network."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs_of(params, x), y).mean()


class JaxPeer:
    """Networks in training; `epoch()` trains and evaluates each."""

    def __init__(
        self, split: Split, networks: int, width: int, batch: int, rule: str, mapped: bool
    ) -> None:
        self.steps = split.n_train // batch
        data = {
            part: (jnp.asarray(split.x[part], jnp.float32), jnp.asarray(split.y[part]))
            for part in PARTS
        }
        optimizer = RULES[rule]()

        def step(state: Any, rows: Any) -> tuple[Any, Any]:
            params, memory = state
            x, y = data["train"]
            loss, gradient = jax.value_and_grad(loss_of)(params, x[rows], y[rows])
            change, memory = optimizer.update(gradient, memory, params)
            return (optax.apply_updates(params, change), memory), (
                loss,
                optax.global_norm(gradient),
            )

        def one(state: Any, order: Any) -> tuple[Any, Any]:
            state, seen = jax.lax.scan(step, state, order)
            scores = {}
            for part, (x, y) in data.items():
                out = outputs_of(state[0], x)
                loss = optax.softmax_cross_entropy_with_integer_labels(out, y).mean()
                scores[part] = (loss, (out.argmax(-1) == y).mean())
            return state, (seen, scores)

        def all_at_once(state: Any, order: Any) -> Any:
            return jax.vmap(one)(state, order)

        def some_at_once(state: Any, order: Any) -> Any:
            return jax.lax.map(lambda pair: one(*pair), (state, order), batch_size=AT_ONCE)

        self._epoch = jax.jit(all_at_once if mapped else some_at_once, donate_argnums=0)
        keys = jax.random.split(jax.random.PRNGKey(0), networks)
        features, outputs = split.n_features, split.n_classes
        params = jax.vmap(lambda key: start(key, features, width, outputs))(keys)
        self._state = (params, jax.vmap(optimizer.init)(params))
        rng = np.random.default_rng(0)
        orders = [rng.permutation(split.n_train)[: self.steps * batch] for _ in range(networks)]
        self._order = jnp.asarray(np.stack(orders).reshape(networks, self.steps, batch))

    def epoch(self) -> None:
        """Train every network for an epoch of whole batches and evaluate it on all parts."""
        self._state, told = self._epoch(self._state, self._order)
        jax.block_until_ready((self._state, told))
