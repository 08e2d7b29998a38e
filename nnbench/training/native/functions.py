"""What is traced: the mapped engine's own functions, and what they are traced with."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.training.native.graph import Graph, Unsupported
from nnbench.training.native.parts import Part, noise_purposes
from nnbench.training.native.trace import trace
from nnbench.training.stacked.evaluate import (
    evaluate_block,
    statistics_of_average,
    weight_statistics,
)
from nnbench.training.stacked.network import Network, Program, initial_running, n_params
from nnbench.training.stacked.step import evaluated, gradient_of, start_optimizer, update
from nnbench.training.threads import one_thread

Traced = tuple[str, Graph, dict[int, int]]  # name in C, graph, outputs that are written over inputs


def traced(part: Part) -> list[Traced]:
    """The graphs of a program; raises Unsupported where it cannot be one."""
    try:
        with one_thread():
            return TRACES[part.kind](part)
    except (Unsupported, MemoryError, OSError):  # the last two say nothing of the program
        raise
    except Exception as problem:
        first = (str(problem).splitlines() or [""])[0]
        raise Unsupported(f"it cannot be traced ({type(problem).__name__}: {first})") from problem


def traced_gradient(part: Part) -> list[Traced]:
    """(params, running, numbers, x, y, noise) -> gradient, loss, its norm; new running in place."""
    program = part.program
    running = initial_running(program)

    def gradient(params: Tensor, running: Any, numbers: Any, x: Tensor, *rest: Any) -> Any:
        y, noise = rest
        found, new, measured = gradient_of(
            program, params, running, numbers, x, y, noise, derivative
        )
        return found, measured.loss, measured.grad_norm, new

    def arguments(n: int) -> list[Any]:
        x, y = rows_for(program, n)
        return [parameters(program), running, numbers_for(part), x, y, noise_for(program, n)]

    in_place = {3 + number: 1 + number for number in range(len(running))}
    return [("gradient", trace(gradient, arguments), in_place)]


def derivative(function: Callable[..., Any], has_aux: bool) -> Callable[[Tensor], Any]:
    """The gradient of a function of one tensor, as `torch.func.grad` has it.

    That one imports all of torch's compiler, which takes seconds.
    """

    def gradient(at: Tensor) -> Any:
        at = at.detach().requires_grad_()
        value, beside = function(at)
        return torch.autograd.grad(value, at)[0], beside

    return gradient


def traced_update(part: Part) -> list[Traced]:
    """(params, state, gradient, numbers, lr, step) -> new params and state, in place."""
    program = part.program

    def new(params: Tensor, state: Any, gradient: Tensor, *rest: Any) -> Any:
        return update(program, Network(params, {}, state), gradient, *rest)

    def arguments(n: int) -> list[Any]:
        params = parameters(program, n)
        one = torch.ones((), dtype=torch.float64)
        state = start_optimizer(program, params)
        return [params, state, params.clone(), numbers_for(part), one, one.clone()]

    graph = trace(new, arguments)
    return [("update", graph, {number: number for number in range(len(graph.outputs))})]


def traced_average(part: Part) -> list[Traced]:
    """(params, state, numbers) -> the parameters that are evaluated."""
    program = part.program

    def average(params: Tensor, state: Any, numbers: Any) -> Tensor:
        return evaluated(program, Network(params, {}, state), numbers)

    def arguments(n: int) -> list[Any]:
        params = parameters(program, n)
        return [params, start_optimizer(program, params), numbers_for(part)]

    return [("average", trace(average, arguments), {})]


def traced_evaluation(part: Part) -> list[Traced]:
    """(params, running, numbers, x, y, noise) -> loss, score; and (params) -> two statistics."""
    program = part.program
    running = initial_running(program)

    def evaluate(params: Tensor, running: Any, *rest: Any) -> Any:
        return evaluate_block(program, Network(params, running, {}), *rest)

    def statistics(params: Tensor) -> Any:
        found = weight_statistics(program, Network(params, {}, {}), {})
        return [found[name] for name in sorted(found)]

    def arguments(n: int) -> list[Any]:
        x, y = rows_for(program, n)
        noise = noise_for(program, n) if program.evaluation == "train" else {}
        return [parameters(program), running, numbers_for(part), x, y, noise]

    return [
        ("evaluate", trace(evaluate, arguments), {}),
        ("statistics", trace(statistics, lambda n: [parameters(program)]), {}),
    ]


def traced_recount(part: Part) -> list[Traced]:
    """(params, running, numbers, share, x) -> running statistics with one more block, in place."""
    program = part.program
    running = initial_running(program)

    def recount(params: Tensor, running: Any, numbers: Any, share: Tensor, x: Tensor) -> Any:
        return statistics_of_average(program, Network(params, running, {}), numbers, share, x)

    def arguments(n: int) -> list[Any]:
        share = torch.ones((), dtype=torch.float64)
        return [parameters(program), running, numbers_for(part), share, rows_for(program, n)[0]]

    in_place = {number: 1 + number for number in range(len(running))}
    return [("recount", trace(recount, arguments), in_place)]


TRACES: dict[str, Callable[[Part], list[Traced]]] = {
    "gradient": traced_gradient,
    "update": traced_update,
    "average": traced_average,
    "evaluate": traced_evaluation,
    "recount": traced_recount,
}


def parameters(program: Program, n: int | None = None) -> Tensor:
    """Parameters to trace with; `n` of them where a rule takes each on its own."""
    free = n is not None and OPTIMIZERS[program.optimizer].elementwise
    return torch.zeros(
        n if free and n is not None else n_params(program), dtype=program.torch_dtype
    )


def numbers_for(part: Part) -> dict[str, Tensor]:
    """Numbers to trace with."""
    shapes = {"class_weight": (part.program.n_outputs,)}
    return {
        name: torch.full(shapes.get(name, ()), 0.5, dtype=torch.float64) for name in part.numbers
    }


def rows_for(program: Program, n: int) -> tuple[Tensor, Tensor]:
    """Rows and targets to trace with."""
    x = torch.zeros(n, program.n_features, dtype=program.torch_dtype)
    if program.target == "class":
        return x, torch.zeros(n, dtype=torch.int64)
    return x, torch.zeros(n, program.n_outputs, dtype=program.torch_dtype)


def noise_for(program: Program, n: int) -> dict[str, Tensor]:
    """Noise to trace with, by what it is for and layer."""
    return {
        f"{purpose}/{layer}": torch.zeros(n, program.width)
        for purpose in noise_purposes(program)
        for layer in range(program.depth)
    }
