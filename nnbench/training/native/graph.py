"""A traced function as data: operations on buffers, with sizes that may be multiples of one number.

A function is traced at two sizes of what may vary, the rows of a batch or the number of parameters.
Whatever number is the same multiple of the size in both traces is written as that multiple of
`n`; anything else that differs would make the program wrong for a third size, and is refused.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from nnbench.training.native.origins import Unsupported


@dataclass(frozen=True, order=True)
class Size:
    """A number of elements: `coefficient * n**power`, where n is known when the program runs."""

    coefficient: int
    power: int = 0

    def __mul__(self, other: Size) -> Size:
        coefficient = self.coefficient * other.coefficient
        return Size(coefficient, self.power + other.power if coefficient else 0)

    def __str__(self) -> str:
        if self.power == 0:
            return str(self.coefficient)
        factors = ["n"] * self.power
        return "*".join(factors if self.coefficient == 1 else [str(self.coefficient), *factors])


ZERO, ONE = Size(0), Size(1)
Shape = tuple[Size, ...]


def product(sizes: Iterable[Size]) -> Size:
    """The number of elements of a shape."""
    return math.prod(sizes, start=ONE)


@dataclass(frozen=True)
class Layout:
    """Where the elements of a tensor stand in a buffer, in elements."""

    shape: Shape
    stride: Shape
    offset: Size
    dtype: torch.dtype

    @property
    def count(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    @property
    def is_one(self) -> bool:
        """Whether there is one element only, whatever n."""
        return self.count == ONE

    @property
    def is_plain(self) -> bool:
        """Whether the elements stand in order without gaps, from the buffer's start."""
        return self.offset == ZERO and self.stride == plain_strides(self.shape, self.stride)


def plain_strides(shape: Shape, like: Shape | None = None) -> Shape:
    """The strides of elements in order without gaps; an axis of one keeps that of `like`."""
    strides: list[Size] = []
    step = ONE
    for place in reversed(range(len(shape))):
        free = like is not None and shape[place] == ONE
        strides.append(like[place] if free and like is not None else step)
        step = step * shape[place]
    return tuple(reversed(strides))


@dataclass(frozen=True)
class Ref:
    """A tensor that an operation reads: a view of a value's buffer."""

    value: int
    layout: Layout


@dataclass(frozen=True)
class Op:
    """One operation; `args` may hold Refs, numbers, Sizes, types and tuples of them.

    `compute` is the number type in which operands meet: that of the result, but for comparisons.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    out: int
    layout: Layout
    compute: torch.dtype

    @functools.cached_property
    def refs(self) -> tuple[Ref, ...]:
        """What the operation reads, in order."""
        return tuple(refs_in([self.args, list(self.kwargs.values())]))


def refs_in(content: Any) -> Iterable[Ref]:
    """Every Ref in a nest of lists and tuples."""
    if isinstance(content, Ref):
        yield content
    elif isinstance(content, list | tuple):
        for one in content:
            yield from refs_in(one)


@dataclass(frozen=True)
class Graph:
    """Operations in order. Inputs are the first values; an output is any view of any value."""

    inputs: tuple[Layout, ...]
    ops: tuple[Op, ...]
    outputs: tuple[Ref, ...]
    layouts: Mapping[int, Layout] = field(compare=False)  # of every value's own buffer


def needed(graph: Graph) -> Graph:
    """The graph without operations whose results nobody reads."""
    read = {ref.value for ref in graph.outputs}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if op.out in read:
            kept.append(op)
            read |= {ref.value for ref in op.refs}
    return Graph(graph.inputs, tuple(reversed(kept)), graph.outputs, graph.layouts)


def generic(first: Graph, second: Graph, n: tuple[int, int]) -> Graph:
    """One graph for every size, from the traces at the two sizes `n`.

    Raises Unsupported where the traces differ in anything but multiples of their sizes.
    """

    def meet(one: Any, other: Any) -> Any:
        if isinstance(one, Size) and isinstance(other, Size):
            return size_of(one.coefficient, other.coefficient, n)
        if type(one) is not type(other):
            raise Unsupported("what it computes depends on the size of the batch")
        if isinstance(one, list | tuple) and len(one) == len(other):
            return tuple(meet(a, b) for a, b in zip(one, other, strict=True))
        if isinstance(one, Layout):
            return Layout(
                meet(one.shape, other.shape),
                meet(one.stride, other.stride),
                meet(one.offset, other.offset),
                one.dtype,
            )
        if isinstance(one, Ref):
            return Ref(meet(one.value, other.value), meet(one.layout, other.layout))
        if isinstance(one, Op):
            return Op(
                meet(one.name, other.name),
                meet(one.args, other.args),
                {key: meet(value, other.kwargs[key]) for key, value in one.kwargs.items()},
                one.out,
                meet(one.layout, other.layout),
                meet(one.compute, other.compute),
            )
        if one == other or (one != one and other != other):
            return one
        if isinstance(one, int | float) and float(one).is_integer():
            return size_of(int(one), int(other), n)
        raise Unsupported("a constant of it depends on the size of the batch")

    return Graph(
        meet(first.inputs, second.inputs),
        meet(first.ops, second.ops),
        meet(first.outputs, second.outputs),
        {value: meet(layout, second.layouts[value]) for value, layout in first.layouts.items()},
    )


def size_of(one: int, other: int, n: tuple[int, int]) -> Size:
    """The size that is `one` at n[0] and `other` at n[1]; raises Unsupported if none is."""
    if one == other:
        return Size(one)
    for power in (1, 2):
        (here, left), (there, right) = (
            divmod(value, size**power) for value, size in zip((one, other), n, strict=True)
        )
        if here == there and left == right == 0:
            return Size(here, power)
    raise Unsupported("a number in it depends on the size of the batch")
