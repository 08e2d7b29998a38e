"""Run a pure function of tensors once and write down every operation it comes to.

The function runs on real tensors of a small size, under a dispatch mode that sees what is left of
it after `grad` and `vmap`: plain operations of ATen. Views need no operation of their own. A tensor
is known by its memory, and so is a place in the buffer of the operation that made it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

from nnbench.training.native.graph import (
    Graph,
    Layout,
    Op,
    Ref,
    Size,
    Unsupported,
    generic,
    needed,
)
from nnbench.training.native.operations import ALIASES, COMPARED, KNOWN, REDUCTIONS
from nnbench.training.native.rules import RULES

SIZES = (
    29,
    31,
)  # of what may vary, while tracing: primes, and like no size of a layer times another


def trace(function: Callable[..., Any], arguments: Callable[[int], Sequence[Any]]) -> Graph:
    """The graph of `function(*arguments(n))` for any n.

    `arguments` makes nests of tensors whose leaves are the graph's inputs, in order; the results'
    leaves are its outputs. Raises Unsupported where it cannot be written for every n.
    """
    first, second = (_traced(function, arguments(n)) for n in SIZES)
    return needed(generic(first, second, SIZES))


def _traced(function: Callable[..., Any], arguments: Sequence[Any]) -> Graph:
    recorder = Recorder(leaves(arguments))
    with recorder:
        results = function(*arguments)
    return recorder.graph(leaves(results))


def leaves(nest: Any) -> list[Any]:
    """What a nest of sequences and mappings holds, in order; of a mapping in the order of its keys.

    A rule may return its state in another order than it was given it.
    """
    if isinstance(nest, Mapping):
        return [leaf for key in sorted(nest) for leaf in leaves(nest[key])]
    if isinstance(nest, list | tuple):
        return [leaf for one in nest for leaf in leaves(one)]
    return [nest]


class Recorder(TorchDispatchMode):
    """What a function did, so far."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self._values: dict[int, int] = {}  # the value whose buffer a memory now is
        self._alive: list[Any] = []  # no memory may be used twice while this lasts
        self._layouts: dict[int, Layout] = {}
        self._ops: list[Op] = []
        self._inputs = [self._new(tensor) for tensor in inputs]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from guarding this class against its compiler, whose import takes seconds."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in RULES:
            with self:
                return RULES[func](*args, **kwargs)
        if func._schema.is_mutable:
            return self._mutated(func, args, kwargs)
        name = func.overloadpacket.__name__
        name = ALIASES.get(name, name)
        if name not in KNOWN and not _is_view(func):
            if func in decomposition_table:
                with self:
                    return decomposition_table[func](*args, **kwargs)
            if name == "_local_scalar_dense":
                raise Unsupported("it branches on a number that only training tells")
            raise Unsupported(f"torch's {name} is not an operation that it knows")
        result = func(*args, **kwargs)
        self._alive.append((args, result))
        if isinstance(result, Tensor) and _memory(result) not in self._values and name in KNOWN:
            self._record(name, args, kwargs, result)
        return result

    def _record(self, name: str, args: tuple[Any, ...], kwargs: Any, result: Tensor) -> None:
        if name == "clamp":
            args = (args[0], *(given(args, kwargs, *place) for place in ((1, "min"), (2, "max"))))
        content = self._seen(args)
        named = {key: value for key, value in kwargs.items() if key == "alpha"}
        compute = result.dtype
        if name in COMPARED:
            two = len(args) > 1 and name not in REDUCTIONS
            compute = torch.result_type(*args[:2]) if two else args[0].dtype
        out = self._new(result)
        self._ops.append(Op(name, content, named, out, self._layouts[out], compute))

    def _mutated(self, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Record an operation in place as one with a result, which from now on is its memory."""
        target = args[0]
        packet = func.overloadpacket.__name__.removesuffix("_")
        overload = getattr(getattr(torch.ops.aten, packet, None), func._overloadname, None)
        whole = isinstance(target, Tensor) and target.is_contiguous()
        if (
            overload is None
            or not whole
            or target.numel() * target.element_size() != (target.untyped_storage().nbytes())
        ):
            raise Unsupported(f"torch's {func.overloadpacket.__name__} works in place")
        with self:
            fresh = overload(*args, **kwargs)
        func(*args, **kwargs)
        self._alive.append((args, fresh))
        self._values[_memory(target)] = self._values[_memory(fresh)]
        return target

    def _new(self, tensor: Tensor) -> int:
        """Give a tensor's memory, which is its own, a value of its own."""
        value = len(self._layouts)
        self._alive.append(tensor)
        self._values[_memory(tensor)] = value
        self._layouts[value] = _layout(tensor)
        return value

    def _seen(self, one: Any) -> Any:
        """What an operation reads: tensors as Refs, lists as tuples, the rest as it is."""
        if isinstance(one, list | tuple):
            return tuple(map(self._seen, one))
        if not isinstance(one, Tensor):
            return one
        if one.numel() == 0:
            raise Unsupported("a tensor without elements")
        if _memory(one) not in self._values:
            self._constant(one)
        return Ref(self._values[_memory(one)], _layout(one))

    def _constant(self, one: Tensor) -> None:
        """Take in a number that Python made, which no operation did."""
        if one.numel() != 1:
            raise Unsupported("a tensor of constants")
        out = self._new(one)
        layout = self._layouts[out]
        self._ops.append(Op("constant", (one.item(),), {}, out, layout, one.dtype))

    def graph(self, outputs: Sequence[Tensor]) -> Graph:
        """All that was recorded, with these outputs."""
        found = tuple(self._seen(output) for output in outputs)
        inputs = tuple(self._layouts[value] for value in self._inputs)
        return Graph(inputs, tuple(self._ops), found, self._layouts)


def given(args: tuple[Any, ...], kwargs: Any, place: int, name: str) -> Any:
    """An argument that may come by place or by name, or not at all."""
    return args[place] if len(args) > place else kwargs.get(name)


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _layout(tensor: Tensor) -> Layout:
    return Layout(
        tuple(map(Size, tensor.shape)),
        tuple(map(Size, tensor.stride())),
        Size(int(tensor.storage_offset())),
        tensor.dtype,
    )


def _is_view(func: Any) -> bool:
    return any(returned.alias_info is not None for returned in func._schema.returns)
