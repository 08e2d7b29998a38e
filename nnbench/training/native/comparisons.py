"""Comparisons are made where they are used: a mask in memory costs more than the comparison.

Each operation that reads the result of a comparison gets a comparison of its own just before it,
and both go into the same loops. The forward pass then stores no mask for the backward one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from nnbench.training.native.graph import Graph, Layout, Op, Ref
from nnbench.training.native.operations import ELEMENTWISE, REDUCTIONS


def with_own_comparisons(graph: Graph) -> tuple[Graph, dict[int, int]]:
    """The graph, and which operation each of the comparisons that were made for one belongs to.

    Both are named by the values that they make.
    """
    return _Copies(graph).made()


class _Copies:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layouts = dict(graph.layouts)
        self.makers = {op.out: op for op in graph.ops}
        self.ops: list[Op] = []
        self.owner: dict[int, int] = {}

    def made(self) -> tuple[Graph, dict[int, int]]:
        for op in self.graph.ops:
            self._add(op)
        read = {ref.value for ref in self.graph.outputs}
        kept: list[Op] = []
        for op in reversed(self.ops):
            if op.out in read:
                kept.append(op)
                read |= {ref.value for ref in op.refs}
        ops = tuple(reversed(kept))
        return Graph(self.graph.inputs, ops, self.graph.outputs, self.layouts), self.owner

    def _add(self, op: Op) -> None:
        """Add an operation after comparisons of its own."""
        copies = {
            ref.value: self._copied(self.makers[ref.value], op.out)
            for ref in op.refs
            if self._is_own(op, ref)
        }
        self.ops.append(replace(op, args=_renamed(op.args, copies)) if copies else op)

    def _is_own(self, op: Op, ref: Ref) -> bool:
        maker = self.makers.get(ref.value)
        return (
            maker is not None
            and maker.name in ELEMENTWISE
            and maker.name != "gather"
            and maker.layout.dtype == torch.bool
            and (op.name in ELEMENTWISE or op.name in REDUCTIONS)
            and op.name != "gather"
            and not maker.layout.is_one
            and ref.layout == maker.layout
            and _space(op) == maker.layout.shape
        )

    def _copied(self, maker: Op, owner: int) -> int:
        value = len(self.layouts)
        self.layouts[value] = maker.layout
        self.owner[value] = owner
        self._add(replace(maker, out=value))
        return value


def _space(op: Op) -> Any:
    layout: Layout = op.args[0].layout if op.name in REDUCTIONS else op.layout
    return layout.shape


def _renamed(content: Any, names: Mapping[int, int]) -> Any:
    if isinstance(content, Ref) and content.value in names:
        return Ref(names[content.value], content.layout)
    if isinstance(content, tuple):
        return tuple(_renamed(one, names) for one in content)
    return content
