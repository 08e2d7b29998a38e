"""Operations that have loops of their own: products, joining, and picking by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from nnbench.training.native.graph import ONE, ZERO, Layout, Op, Shape, Size, Unsupported
from nnbench.training.native.kernel import Kernel, Nest, loop, place, plus
from nnbench.training.native.operations import C_TYPES
from nnbench.training.native.places import Storage, ctype_of

if TYPE_CHECKING:
    from nnbench.training.native.lower import Lowering


def multiply(lowering: Lowering, op: Op) -> None:
    """A product of two matrices, or of each of two rows of matrices, by the runtime's own code."""
    if op.layout.dtype not in (torch.float32, torch.float64):
        raise Unsupported(f"a product of {op.layout.dtype}")
    (left, a), (right, b) = (lowering.storage(ref) for ref in op.args[:2])
    c = lowering.home(op.out, ())
    count, a_steps, b_steps, c_steps, (m, k, n) = shapes_of(op.name, a, b, op.layout)
    stretch = [
        f"{one.pointer(layout)}{f' + batch * {step}' if step != ZERO and count != ONE else ''}"
        for one, layout, step in (
            (left, a, a_steps[0]),
            (right, b, b_steps[0]),
            (c, op.layout, c_steps[0]),
        )
    ]
    name = C_TYPES[op.layout.dtype]
    call = (
        f"x->product_{name}({stretch[0]}, {a_steps[1]}, {a_steps[2]}, {stretch[1]}, {b_steps[1]}, "
        f"{b_steps[2]}, {stretch[2]}, {c_steps[1]}, {m}, {n}, {k});"
    )
    if count != ONE:
        call = f"{loop('batch', count)} {call}"
    lowering.places.held[op.out] = c
    lowering.add(call, op.refs, [op.out], beside=[left, right])


def shapes_of(
    name: str, a: Layout, b: Layout, c: Layout
) -> tuple[Size, Shape, Shape, Shape, tuple[Size, Size, Size]]:
    """How many products, the strides of each operand (of products, rows, columns), and m, k, n."""
    if name == "bmm":
        return a.shape[0], a.stride, b.stride, c.stride, (a.shape[1], a.shape[2], b.shape[2])
    if name == "mm":
        steps = [(ZERO, *one.stride) for one in (a, b, c)]
        return ONE, *steps, (a.shape[0], a.shape[1], b.shape[1])  # type: ignore[return-value]
    if name == "mv":
        column = (ZERO, b.stride[0], ONE)
        return ONE, (ZERO, *a.stride), column, (ZERO, ONE, ONE), (a.shape[0], a.shape[1], ONE)
    row, column = (ZERO, ZERO, a.stride[0]), (ZERO, b.stride[0], ONE)
    return ONE, row, column, (ZERO, ONE, ONE), (ONE, a.shape[0], ONE)


def join(lowering: Lowering, op: Op) -> None:
    """Copy the parts of a whole to it, but for those that were made there."""
    whole = lowering.places.whole(op.out)
    axis = (op.args[1] if len(op.args) > 1 else 0) % len(op.layout.shape)
    before = "0"
    for part in op.args[0]:
        stride = op.layout.stride
        offset = Size(0)
        target = Storage(whole.base, plus(whole.start, before))
        held = lowering.places.held[part.value]
        if not (held == target and part.layout.is_plain):
            layout = Layout(part.layout.shape, stride, offset, op.layout.dtype)
            lowering.copy(part, target, layout)
        before = plus(before, part.layout.shape[axis] * stride[axis])


def pick_best(lowering: Lowering, op: Op) -> None:
    """The place of the largest entry along an axis, or of the smallest; the first NaN is either."""
    x = op.args[0]
    axis = op.args[1] if len(op.args) > 1 else None
    if axis is None:
        raise Unsupported(f"{op.name} over all axes")
    axis %= len(x.layout.shape)
    source, layout = lowering.storage(x)
    target = lowering.home(op.out, ())
    kernel, ctype = Kernel(), ctype_of(layout.dtype)
    rest = [place_of for place_of in range(len(layout.shape)) if place_of != axis]
    out_steps = dict(zip(rest, _kept(op.layout.stride, axis, len(layout.shape)), strict=True))
    index = [
        f"i{place_of}" if layout.shape[place_of] != ONE else "0"
        for place_of in range(len(layout.shape))
    ]
    index[axis] = "j"
    base = kernel.pointer(source.pointer(layout), ctype)
    found = kernel.pointer(target.pointer(op.layout), "long", True)
    entry = f"{base}[{place(index, layout.stride)}]"
    first = f"{base}[{place(['0' if one == 'j' else one for one in index], layout.stride)}]"
    to = place(
        [index[place_of] for place_of in rest], tuple(out_steps[place_of] for place_of in rest)
    )
    better = ">" if op.name == "argmax" else "<"
    kernel.lines += [loop(index[one], layout.shape[one]) for one in rest if index[one] != "0"]
    kernel.lines += [
        f"{{ {ctype} best = {first}; long at = 0;",
        f"for (long j = 1; j < {layout.shape[axis]} && best == best; j++) {{",
        f"const {ctype} v = {entry};",
        f"if (v {better} best || v != v) {{ best = v; at = j; }}",
        "}",
        f"{found}[{to}] = at; }}",
    ]
    lowering.places.held[op.out] = target
    lowering.call(kernel, [x], [op.out], beside=[source])


def _kept(strides: Shape, axis: int, rank: int) -> Shape:
    """A result's strides along the axes that are left, whether the gone one was kept or not."""
    return strides[:axis] + strides[axis + 1 :] if len(strides) == rank else strides


def scatter_add(lowering: Lowering, op: Op) -> None:
    """A copy, to which each entry of the source is added at its index."""
    start, axis, index, source = op.args[:4]
    axis %= len(op.layout.shape)
    target = lowering.home(op.out, ())
    lowering.copy(start, target, op.layout)
    kernel = Kernel()
    space = index.layout.shape
    nest = Nest.apart(space)
    where = lowering.loaded(kernel, index, torch.int64, nest, space)
    value = lowering.loaded(kernel, source, op.layout.dtype, nest, space)
    pointer = kernel.pointer(target.pointer(op.layout), ctype_of(op.layout.dtype), True)
    rest = tuple(ZERO if one == axis else step for one, step in enumerate(op.layout.stride))
    at = plus(place(nest.index, rest), f"{where} * {op.layout.stride[axis]}")
    kernel.lines += [loop(variable, count) for variable, count, _ in nest.loops]
    kernel.lines.append(f"{pointer}[{at}] += {value};")
    lowering.places.held[op.out] = target
    lowering.call(kernel, [index, source], [op.out])


SPECIAL: dict[str, Callable[[Any, Op], None]] = {
    "mm": multiply,
    "bmm": multiply,
    "mv": multiply,
    "dot": multiply,
    "cat": join,
    "argmax": pick_best,
    "argmin": pick_best,
    "scatter_add": scatter_add,
}
