"""The slow twin: one cell in ordinary torch modules. It may not import the engine.

Read this folder to see what a cell means; every test holds the engine against it, and every speed
figure is a ratio to it. It is given the split, the batches and the noise under weights and dropout
masks, and does all else with torch.nn, torch.nn.init, torch.optim and torch.optim.lr_scheduler.
"""

import math
import time
from collections.abc import Callable

from torch import Tensor

from nnbench.catalog import SCHEDULES
from nnbench.catalog.schedules.base import cycles_momentum
from nnbench.catalog.schedules.registry import scheduler_of
from nnbench.results.rows import Rows
from nnbench.study.study import Cell
from nnbench.training.draws import Draws, Split, split_for
from nnbench.training.protocol import Record, score_of_task
from nnbench.training.reference.evaluate import evaluate, outputs_of, tensors
from nnbench.training.reference.network import build
from nnbench.training.reference.probes import look
from nnbench.training.reference.step import (
    Learner,
    Pace,
    build_criterion,
    build_optimizer,
    train_step,
)
from nnbench.training.scores import JUDGED
from nnbench.training.threads import one_thread


@one_thread()
def train_cell(
    cell: Cell,
    *,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Rows:
    """Train one cell and return its rows, in the same form as the engine's."""
    began = time.perf_counter()
    recipe = cell.recipe
    split = split_for(recipe)
    draws = Draws(recipe)
    network = build(recipe, split, draws).train()
    optimizer = build_optimizer(recipe, network)
    learner = Learner(recipe, network, optimizer, build_criterion(recipe, split))
    epochs, batch_size = recipe["epochs"], recipe["batch_size"] or split.n_train
    steps = split.steps_per_epoch(batch_size)
    schedule = SCHEDULES[recipe["schedule"]]
    total = epochs * (steps if schedule.unit == "step" else 1)
    scheduler = scheduler_of(recipe["schedule"], recipe.of("schedule"), optimizer, total)
    record = Record(cell.cell_id, recipe, score_of_task(split.task), split.one_valued)
    x, y = tensors(recipe, split, "train")

    record.add(0, 0, pace_of(learner)["lr"], float("nan"), evaluate(learner, split, draws))
    score(record, learner, split, 0)
    probe(record, learner, 0, steps, x, y)
    for epoch in range(epochs):
        if record.over:
            break
        order = draws.next_order(split.n_train)
        norms, used = [], pace_of(learner)
        for number in range(steps):
            used = pace_of(learner)
            rows = order[number * batch_size : (number + 1) * batch_size]
            loss, norm = train_step(learner, x[rows], y[rows])
            norms.append(norm)
            if schedule.unit == "step":
                scheduler.step()
            if not (math.isfinite(loss) and math.isfinite(norm)):
                record.diverged_at_step = epoch * steps + number + 1
                break
        if record.over:
            break
        scores = evaluate(learner, split, draws)
        record.add(epoch + 1, (epoch + 1) * steps, used["lr"], sum(norms) / len(norms), scores)
        score(record, learner, split, epoch + 1)
        if schedule.after_epoch is not None:
            scheduler.step(scores["val_loss"])
        elif schedule.unit == "epoch":
            scheduler.step()
        # no rate comes after the last: that one goes on
        probe(record, learner, epoch + 1, steps, x, y, used if epoch + 1 == epochs else None)
        on_progress((epoch + 1) / epochs)

    shapes = [tuple(param.shape) for param in network.parameters()]
    row = record.row(shapes, time.perf_counter() - began, "reference")
    return Rows(cells=[row], curves=record.curves, layers=record.layers)


def pace_of(learner: Learner) -> Pace:
    """Return what the schedule sets for the next update: the rate, and what it cycles beside."""
    group = learner.optimizer.param_groups[0]
    cycled = ("momentum", "betas") if cycles_momentum(learner.recipe) else ()
    return {"lr": float(group["lr"])} | {name: group[name] for name in cycled if name in group}


def score(record: Record, learner: Learner, split: Split, epoch: int) -> None:
    """Tell the record, where this may be the result, what only the outputs tell."""
    if record.wants_further(epoch):
        found = {part: outputs_of(learner, split, part) for part in JUDGED}
        record.add_further(split, found)


def probe(
    record: Record,
    learner: Learner,
    epoch: int,
    steps: int,
    x: Tensor,
    y: Tensor,
    pace: Pace | None = None,
) -> None:
    """Tell the record, where a probe is due, what the training part shows after `epoch` epochs.

    pace: of the update that is looked at; the next one's unless given.
    """
    every, epochs = learner.recipe["probe_every"], learner.recipe["epochs"]
    is_due = every and (epoch % every == 0 or epoch == epochs)
    if is_due and record.diverged_at_step is None:
        record.add_layers(epoch, epoch * steps, *look(learner, pace or pace_of(learner), x, y))
