"""The programs of a network: which functions are traced, of what, and which networks can share
them.

A network's step is two programs, so that n activations and m optimizers make n + m of them and not
n times m. All that a program does not depend on is left out of what it is known by.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import inspect
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nnbench
from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.training.native import cache
from nnbench.training.native.compiler import (
    Compiler,
    find_compiler,
    vector_declarations,
)
from nnbench.training.native.graph import Graph, Unsupported
from nnbench.training.native.text import program_text
from nnbench.training.native.trace import trace
from nnbench.training.stacked.evaluate import (
    evaluate_block,
    statistics_of_average,
    weight_statistics,
)
from nnbench.training.stacked.network import (
    Network,
    Program,
    initial_running,
    n_params,
    number_names,
)
from nnbench.training.stacked.step import evaluated, gradient_of, start_optimizer, update

PACKAGE = Path(nnbench.__file__).parent
RUNTIME = Path(__file__).parent / "runtime.c"
OF_UPDATE = ("weight_decay", "clip_norm", "clip_value")
NO_OPTIMIZER: dict[str, Any] = {
    "optimizer": "sgd",
    "decoupled": False,
    "weight_decay": False,
    "clip_norm": False,
    "clip_value": False,
    "aligned": False,
}
NO_NETWORK: dict[str, Any] = {
    "n_features": 1,
    "n_outputs": 1,
    "depth": 1,
    "width": 1,
    "activation": "identity",
    "norm": "none",
}
NO_LOSS: dict[str, Any] = {
    "norm_position": "before",
    "loss": "mse",
    "target": "value",
    "residual": False,
    "dropout_kind": "standard",
    "dropout": False,
    "l1": False,
    "evaluation": "eval",
    "loss_fixed": (),
    "aligned": False,
}
Traced = tuple[str, Graph, dict[int, int]]  # name in C, graph, outputs that are written over inputs


@dataclass(frozen=True)
class Part:
    """One of the programs of a network, known by what it depends on."""

    kind: str
    program: Program

    @property
    def numbers(self) -> list[str]:
        """The names of the numbers that it is given, in order."""
        names = number_names(self.program)
        if self.kind in ("update", "average"):
            return [name for name in names if name in OF_UPDATE or name.startswith("optimizer.")]
        return [name for name in names if not name.startswith("optimizer.")]


def parts_of(program: Program) -> dict[str, Part]:
    """The programs of a network, by kind; `average` and `recount` only where it has averages."""
    entry = OPTIMIZERS[program.optimizer]
    of_rule = replace(program, **NO_LOSS, **(NO_NETWORK if entry.elementwise else {}))
    if not program.weight_decay:
        of_rule = replace(of_rule, decoupled=False)
    looked_at = replace(program, **NO_OPTIMIZER, l1=False)
    if program.evaluation == "eval":
        looked_at = replace(looked_at, dropout=False, dropout_kind="standard")
    parts = {
        "gradient": Part("gradient", replace(program, **NO_OPTIMIZER, evaluation="eval")),
        "update": Part("update", of_rule),
        "evaluate": Part("evaluate", looked_at),
    }
    if entry.evaluated is not None:
        plain: dict[str, Any] = {name: False for name in (*OF_UPDATE, "decoupled")}
        parts["average"] = Part("average", replace(of_rule, **plain))
        if NORMS[program.norm].running and program.evaluation == "eval":
            parts["recount"] = Part("recount", looked_at)
    return parts


# ------------------------------------------------------------------------------ what is traced


def traced(part: Part) -> list[Traced]:
    """The graphs of a program; raises Unsupported where it cannot be one."""
    try:
        return TRACES[part.kind](part)
    except Unsupported:
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
    return {name: torch.full((), 0.5, dtype=torch.float64) for name in part.numbers}


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


def noise_purposes(program: Program) -> list[str]:
    """What a network in training draws noise for."""
    drawn = {"dropout": program.dropout, "activation": ACTIVATIONS[program.activation].random}
    return [purpose for purpose, wanted in drawn.items() if wanted]


# ------------------------------------------------------------------------------ what is compiled


@dataclass(frozen=True)
class Loaded:
    """A function of C in this process, and the scratch memory that it needs."""

    address: int
    scratch: Callable[[int], int]  # bytes, at a size


@functools.cache
def library(part: Part) -> ctypes.CDLL:
    """A program as a library in this process: from the cache, or traced, written and compiled.

    Raises Unsupported where it cannot be written, and CompilerError where there is no compiler.
    """
    compiler = find_compiler()
    key = key_of(part, compiler)

    def make(draft: Path) -> None:
        compile_text(text_of(part), draft, compiler)

    return ctypes.CDLL(str(cache.cached(key, make)))


def function(part: Part, name: str) -> Loaded:
    """One function of a program."""
    found = library(part)
    address = ctypes.cast(getattr(found, name), ctypes.c_void_p).value
    scratch = getattr(found, f"{name}_scratch")
    scratch.restype, scratch.argtypes = ctypes.c_long, [ctypes.c_long]
    return Loaded(address or 0, scratch)


@functools.cache
def text_of(part: Part) -> str:
    """The C text of a program."""
    vector = vector_declarations()
    return "\n".join(
        program_text(name, graph, in_place, vector, with_head=first == 0)
        for first, (name, graph, in_place) in enumerate(traced(part))
    )


def compile_text(text: str, target: Path, compiler: Compiler) -> None:
    """Compile a text to a library."""
    source = target.with_suffix(".c")
    try:
        source.write_text(text)
        compiler.compile(str(source), str(target))
    finally:
        source.unlink(missing_ok=True)


@functools.cache
def runtime() -> ctypes.CDLL:
    """What does not depend on a network, as a library in this process."""
    compiler = find_compiler()
    texts = [path.read_text() for path in sorted(RUNTIME.parent.glob("*.[ch]"))]
    key = digest("runtime", *texts, compiler.fingerprint, *compiler.flags)

    def make(draft: Path) -> None:
        compiler.compile(str(RUNTIME), str(draft), extra=["-ffp-contract=fast"])

    return ctypes.CDLL(str(cache.cached(key, make)))


def why_not_part(part: Part) -> str | None:
    """Why a program cannot be written, as one clause; None where it can."""
    key = key_of(part, find_compiler())
    if cache.find(key, "so"):
        return None
    known = cache.find(key, "why")
    if known is not None:
        return known.read_text()
    try:
        text_of(part)
    except Unsupported as problem:
        cache.write(key, "why", str(problem))
        return str(problem)
    return None


def key_of(part: Part, compiler: Compiler) -> str:
    """What a compiled program is known by: all that its instructions depend on."""
    return digest(
        part.kind,
        repr(astuple(part.program)),
        sources(),
        *own_sources(part.program),
        torch.__version__,
        *vector_declarations().values(),
        compiler.fingerprint,
        *compiler.flags,
    )


def digest(*texts: str) -> str:
    """One name for a sequence of texts."""
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)}:{text}".encode())
    return found.hexdigest()[:40]


@functools.cache
def sources() -> str:
    """The package's own sources that a program is traced from or written by."""
    files = [
        path
        for folder in ("catalog", "training")
        for path in sorted((PACKAGE / folder).rglob("*"))
        if path.suffix in (".py", ".c", ".h")
    ]
    return digest(*(path.read_text() for path in files))


def own_sources(program: Program) -> list[str]:
    """The files outside of the package that entries come from, such as the user's own."""
    activation, norm = ACTIVATIONS[program.activation], NORMS[program.norm]
    loss, rule = LOSSES[program.loss], OPTIMIZERS[program.optimizer]
    functions = (
        *(activation.function, norm.function, loss.function, loss.output),
        *(rule.init, rule.update, rule.evaluated),
    )
    files = {inspect.getsourcefile(inspect.unwrap(one)) for one in functions if one is not None}
    outside = sorted(file for file in files if file and not Path(file).is_relative_to(PACKAGE))
    return [Path(file).read_text() for file in outside]
