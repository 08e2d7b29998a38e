"""Where values are while a program runs: in memory, in a variable of C, or constants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from nnbench.training.native.graph import (
    ONE,
    ZERO,
    Graph,
    Layout,
    Op,
    Ref,
    Shape,
    Size,
    Unsupported,
    plain_strides,
)
from nnbench.training.native.kernel import plus
from nnbench.training.native.operations import C_TYPES, CREATIONS


@dataclass(frozen=True)
class Storage:
    """A value in memory: its buffer's name in C, and where in it the value begins, in elements."""

    base: str
    start: str = "0"

    def pointer(self, layout: Layout) -> str:
        """The C expression of where a view of the value begins."""
        return plus(self.base, plus(self.start, layout.offset))

    def element(self, layout: Layout) -> str:
        """The C expression of a view's first element."""
        return f"{self.base}[{plus(self.start, layout.offset)}]"


@dataclass(frozen=True)
class Number:
    """A single number that is a variable of C."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A tensor full of one number."""

    value: Any


Held = Storage | Number | Constant


@dataclass(frozen=True)
class Statement:
    """A statement of C, and the buffers that it reads or writes."""

    text: str
    bases: frozenset[str]


@dataclass(frozen=True)
class Target:
    """Where a value is wanted: over an input, or within another memory."""

    storage: Storage
    over: int | None = None  # the input
    within: int | None = None  # the value that it is a part of


class Places:
    """Where everything is, and where new values go.

    A value that is an output goes where the output is wanted, and one that is joined with others
    goes to its part of the whole, so that nothing is copied there later.
    """

    def __init__(self, graph: Graph, in_place: Mapping[int, int]) -> None:
        self.graph, self.in_place = graph, in_place
        self.held: dict[int, Held] = {
            number: Storage(f"in{number}") for number in range(len(graph.inputs))
        }
        self.buffers: dict[str, tuple[Size, torch.dtype]] = {}
        self.makers = {op.out: op for op in graph.ops}
        self.targets: dict[int, Target] = {}
        self._aim_outputs()
        self._aim_parts()

    def _aim_outputs(self) -> None:
        for number, ref in enumerate(self.graph.outputs):
            if not self._is_whole(ref) or ref.value in self.targets:
                continue
            over = self.in_place.get(number)
            self.targets[ref.value] = Target(self.output(number), over)

    def _aim_parts(self) -> None:
        """Let the parts of a whole be made in it, where each of them is a stretch of it."""
        for op in reversed(self.graph.ops):
            if op.name != "cat":
                continue
            aim = self.targets.get(op.out)
            if aim is not None and aim.over is not None:
                del self.targets[op.out]  # its parts would overwrite what others still read
                aim = None
            parts, axis = op.args[0], (op.args[1] if len(op.args) > 1 else 0)
            if any(size != ONE for size in op.layout.shape[: axis % len(op.layout.shape)]):
                continue
            start = "0"
            for part in parts:
                if self._is_whole(part) and part.value not in self.targets:
                    self.targets[part.value] = Target(Storage("", start), within=op.out)
                start = plus(start, part.layout.count)

    def _is_whole(self, ref: Ref) -> bool:
        """Whether a tensor is all of a value that an operation makes, in order."""
        maker = self.makers.get(ref.value)
        own = self.graph.layouts[ref.value]
        return (
            maker is not None
            and maker.name not in CREATIONS
            and own.is_plain
            and ref.layout.is_plain
            and ref.layout.count == own.count
            and not own.is_one
        )

    def output(self, number: int) -> Storage:
        """Where an output is wanted."""
        over = self.in_place.get(number)
        return Storage(f"out{number}" if over is None else f"in{over}")

    def home(self, value: int, members: Iterable[Op], later: Iterable[Op]) -> Storage:
        """Where the result of one of `members` goes, while `later` is still to be done."""
        layout, target = self.graph.layouts[value], self.targets.get(value)
        if target is None:
            return self.buffer(layout)
        if target.within is not None:
            whole = self.whole(target.within)
            return Storage(whole.base, plus(whole.start, target.storage.start))
        if target.over is not None and not self._is_free(target.over, layout, members, later):
            return self.buffer(layout)
        return target.storage

    def whole(self, value: int) -> Storage:
        """Where a value is that is made part by part."""
        held = self.held.get(value)
        if held is None:
            held = self.held[value] = self.home(value, (), ())
        assert isinstance(held, Storage)
        return held

    def _is_free(
        self, number: int, layout: Layout, members: Iterable[Op], later: Iterable[Op]
    ) -> bool:
        """Whether an input may be overwritten: nobody reads it later, or elsewhere than here."""
        views = [*self.graph.outputs, *(ref for op in later for ref in op.refs)]
        if any(ref.value == number for ref in views):
            return False
        read = [ref.layout for op in members for ref in op.refs if ref.value == number]
        alike = all((one.shape, one.stride) == (layout.shape, layout.stride) for one in read)
        return alike and all(op.name != "gather" for op in members)

    def buffer(self, layout: Layout) -> Storage:
        """A new buffer for a value that lies like this."""
        name = f"b{len(self.buffers)}"
        extent = ONE
        for size, step in zip(layout.shape, layout.stride, strict=True):
            if step != ZERO:
                extent = extent * size
        ctype_of(layout.dtype)
        self.buffers[name] = (extent, layout.dtype)
        return Storage(name)

    def fresh_layout(self, layout: Layout) -> Layout:
        """How a tensor lies in a memory of its own, in order."""
        return Layout(layout.shape, plain_strides(layout.shape), ZERO, layout.dtype)


def ctype_of(dtype: torch.dtype) -> str:
    """The type of C of a number type."""
    if dtype not in C_TYPES:
        raise Unsupported(f"numbers of type {dtype}")
    return C_TYPES[dtype]


def steps_in(layout: Layout, space: Shape) -> Shape:
    """A tensor's stride along each axis of a shape that it is broadcast to."""
    steps = [
        ZERO if size == ONE else step
        for size, step in zip(layout.shape, layout.stride, strict=True)
    ]
    return (ZERO,) * (len(space) - len(steps)) + tuple(steps)
