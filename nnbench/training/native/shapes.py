"""What shapes an operation has: what it loops over, and how its result lies along that."""

from typing import Any

from nnbench.training.native.graph import ZERO, Layout, Op, Ref, Shape, Unsupported
from nnbench.training.native.operations import REDUCTIONS


def space_of(op: Op) -> Shape | None:
    """The shape that an operation loops over; None of one element."""
    layout = op.args[0].layout if op.name in REDUCTIONS else op.layout
    return None if layout.is_one else layout.shape


def beside(op: Op) -> Ref:
    """What `gather` picks from, without the axis along which the index decides."""
    x, axis, index = op.args[:3]
    axis %= len(x.layout.shape)
    steps = tuple(ZERO if one == axis else step for one, step in enumerate(x.layout.stride))
    return Ref(x.value, Layout(index.layout.shape, steps, x.layout.offset, x.layout.dtype))


def sunk(op: Op, space: Shape) -> Shape:
    """The strides of a reduction's result along the axes of what it reduces."""
    over = axes_of(op, len(space))
    kept = [axis for axis in range(len(space)) if axis not in over]
    result = op.layout
    if len(result.shape) == len(space):
        return tuple(ZERO if a in over else result.stride[a] for a in range(len(space)))
    by_axis = dict(zip(kept, result.stride, strict=True))
    return tuple(by_axis.get(axis, ZERO) for axis in range(len(space)))


def axes_of(op: Op, rank: int) -> list[int]:
    """The axes that a reduction goes over."""
    axes = op.args[1] if len(op.args) > 1 else None
    if axes is None or axes == ():
        return list(range(rank))
    return [axis % rank for axis in (axes if isinstance(axes, tuple) else (axes,))]


def created(op: Op) -> Any:
    """The number that a new tensor is full of."""
    if op.name in ("full", "full_like", "fill"):
        value = op.args[1]
    elif op.name == "new_full":
        value = op.args[2]
    elif op.name in ("scalar_tensor", "constant"):
        value = op.args[0]
    else:
        value = 1 if "ones" in op.name else 0
    if isinstance(value, Ref):
        raise Unsupported(f"{op.name} of a tensor")
    return value
