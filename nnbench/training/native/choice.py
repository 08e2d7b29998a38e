"""Which engine trains a cell: a question of its recipe and of the machine, never of its stack."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.results.rows import Rows
from nnbench.study.baselines import ENGINE, is_baseline
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.training.draws import split_for
from nnbench.training.native import cache
from nnbench.training.native.compiler import CompilerError, find_compiler
from nnbench.training.native.origins import TRACED, UNWRITTEN, Unsupported, own_sources
from nnbench.training.native.wall import note_made
from nnbench.training.plan import ProgramKeys
from nnbench.training.protocol import stacked_name

# of a network's training, from which on compiling its programs takes less than it saves; see
# docs/performance.md
LEAST_STEPS = 100
ALONE = (
    "a class of torch.optim trains one network at a time, which is slower; written as init and "
    "update, it would train beside others"
)


class Choice(NamedTuple):
    """The engine of a cell; and why it is not the one that was asked for."""

    engine: str
    why: str | None = None


class Share(NamedTuple):
    """Cells that one engine trains for one reason."""

    engine: str  # as the tables name it
    cells: int
    why: str | None  # not the engine that was asked for, or not the native one


def hoped_name(recipe: Recipe, wanted: str, device: str = "cpu") -> str:
    """The engine of a cell, as the tables name it, if its programs can be written.

    Looks at no program, so that a plan needs no torch. A baseline has one engine, whatever is
    wanted.
    """
    if is_baseline(recipe):
        return ENGINE
    if wanted == "reference" or is_alone(recipe):
        return "reference"
    if device == "cpu" and (wanted == "native" or (wanted == "auto" and pays(recipe))):
        with suppress(CompilerError):
            return native_name()
    return stacked_name(device)


def would_train(engine: str, recipe: Recipe, wanted: str, device: str = "cpu") -> bool:
    """Whether it is this engine, as the tables name it, by which a run trains a cell."""
    hoped = hoped_name(recipe, wanted, device)
    if hoped in (ENGINE, "reference"):  # which nothing stands in for
        return engine == hoped
    falls_back = wanted in ("auto", "native") and engine == stacked_name(device)
    return engine == hoped or (falls_back and why_not(recipe) is not None)


def choose(recipe: Recipe, wanted: str, device: str = "cpu", foresees: bool = False) -> Choice:
    """Who trains a cell where `auto`, `native` or `stacked` is wanted.

    foresees: only as far as that can be told before there are programs (`foreseen`).
    """
    if is_alone(recipe):
        return Choice("reference", ALONE)
    if wanted == "stacked":
        return Choice("stacked")
    if device != "cpu":
        return Choice("stacked", "programs are compiled for the CPU only")
    if wanted == "auto" and not pays(recipe):
        return Choice("stacked", f"compiling does not pay off below {LEAST_STEPS} steps")
    why = foreseen(recipe) if foresees else why_not(recipe)
    return Choice("native") if why is None else Choice("stacked", why)


def train_cells(
    cells: Sequence[Cell], wanted: str, device: str, on_progress: Callable[[float], None]
) -> Rows:
    """Train cells that share a program by the engine that is theirs.

    Raises CompilerError where the compiler fails for a reason of the moment: another run may train
    them, by the same engine as all others.
    """
    from nnbench.training.native import train as native
    from nnbench.training.stacked import train as stacked

    if choose(cells[0].recipe, wanted, device).engine == "native":
        try:
            rows = native.train(cells, on_progress=on_progress)
            note_made(cells[0].recipe)
            rows.notes += filter(None, [cache.trouble()])
            return rows
        except Unsupported:  # by this compiler, before any training: `why_not` knows it by now
            pass
    return stacked.train(cells, device=device, on_progress=on_progress)


def native_name() -> str:
    """The native engine as the tables name it: an engine is part of a result's numerics."""
    return f"native-{find_compiler().identity}"


def is_alone(recipe: Recipe) -> bool:
    """Whether the reference trains a recipe's network, whatever is wanted."""
    return "optimizer" in recipe and OPTIMIZERS[recipe["optimizer"]].alone


def pays(recipe: Recipe) -> bool:
    """Whether a network trains so many steps that compiling is sooner done than mapping."""
    split = split_for(recipe)
    steps = recipe["epochs"] * split.steps_per_epoch(recipe["batch_size"] or split.n_train)
    return bool(steps >= LEAST_STEPS)


def why_not(recipe: Recipe) -> str | None:
    """Why the native engine cannot train a recipe's network, as a clause; None where it can."""
    from nnbench.training.native.parts import parts_of
    from nnbench.training.native.programs import runtime, why_not_part
    from nnbench.training.stacked.network import program_of

    try:
        find_compiler()
        runtime()
    except CompilerError as problem:
        return str(problem)

    program = program_of(recipe, split_for(recipe))
    for part in parts_of(program).values():
        reason = why_not_part(part)
        if reason is not None:
            return f"its {part.kind} program cannot be written: {reason}"
    return None


def foreseen(recipe: Recipe) -> str | None:
    """What `why_not` will say, without torch where that can be told.

    All of the package's own entries but `UNWRITTEN` can be written, as its tests demand. They are
    looked at only where the compiler of this machine has refused some program, or an entry is not
    the package's.
    """
    try:
        find_compiler()
        own = own_sources(*(recipe[name] for name in TRACED))
    except CompilerError as problem:
        return str(problem)
    except Unsupported:
        own = [recipe["activation"]]
    doubted = own or recipe["optimizer"] in UNWRITTEN or cache.holds("why")
    return why_not(recipe) if doubted else None


def expected_shares(stacks: Iterable[Sequence[Cell]], wanted: str, device: str) -> list[Share]:
    """Which engines would train stacks of cells, and how many each, as far as it is foreseen."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for cells in stacks:
        if is_baseline(cells[0].recipe):
            counts[ENGINE, None] += len(cells)
            continue
        engine, why = choose(cells[0].recipe, wanted, device, foresees=True)
        counts[_as_named(engine, device), why] += len(cells)
    return _shares(counts)


def _as_named(engine: str, device: str) -> str:
    """An engine as the tables name it."""
    if engine == "native":
        return native_name()
    return stacked_name(device) if engine == "stacked" else engine


def found_shares(trained: Iterable[tuple[Cell, str]], wanted: str, device: str) -> list[Share]:
    """Which engines trained cells, each given with the name of its engine, and how many each."""
    counts: Counter[tuple[str, str | None]] = Counter()
    known: dict[tuple[Any, ...], str | None] = {}
    program_key = ProgramKeys()
    for cell, engine in trained:
        why = None
        if wanted != "reference" and engine == stacked_name(device):
            key = program_key(cell)
            if key not in known:
                choice = choose(cell.recipe, wanted, device)
                known[key] = (
                    choice.why if choice.engine == "stacked" else "its program did not compile"
                )
            why = known[key]
        elif wanted != "reference" and is_alone(cell.recipe):
            why = ALONE
        counts[engine, why] += 1
    return _shares(counts)


def _shares(counts: Counter[tuple[str, str | None]]) -> list[Share]:
    return [Share(engine, cells, why) for (engine, why), cells in counts.most_common()]
