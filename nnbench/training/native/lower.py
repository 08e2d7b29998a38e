"""A graph becomes statements of C: nests of loops, products, and single numbers.

Elementwise operations on one shape that are ready together are one nest of loops, with the sums
over their results. A result that is read within the nest only is never stored.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from nnbench.training.native.comparisons import with_own_comparisons
from nnbench.training.native.graph import ONE, ZERO, Graph, Layout, Op, Ref, Shape, Unsupported
from nnbench.training.native.kernel import Kernel, Nest, loop, place, plus
from nnbench.training.native.operations import (
    CREATIONS,
    ELEMENTWISE,
    REDUCTIONS,
    expression,
    literal,
)
from nnbench.training.native.places import (
    Constant,
    Number,
    Places,
    Statement,
    Storage,
    ctype_of,
    steps_in,
)
from nnbench.training.native.shapes import beside, created, space_of, sunk
from nnbench.training.native.single import SPECIAL

START = {"sum": "0", "amax": "-INFINITY", "amin": "INFINITY", "all": "1", "any": "0"}
TAKE_IN = {
    "sum": "{0} += {1};",
    "amax": "{0} = {1} > {0} || {1} != {1} ? {1} : {0};",
    "amin": "{0} = {1} < {0} || {1} != {1} ? {1} : {0};",
    "all": "{0} &= !!{1};",
    "any": "{0} |= !!{1};",
}


class Lowering:
    """The statements of a graph, as they are made."""

    def __init__(self, graph: Graph, in_place: Mapping[int, int]) -> None:
        """`in_place` names outputs that are to be written over inputs, by their numbers."""
        graph, self.owner = with_own_comparisons(graph)
        self.graph = graph
        self.makers = {op.out: op for op in graph.ops}
        self.spaces = {  # of what goes into nests
            op.out: space
            for op in graph.ops
            if op.name in ELEMENTWISE or op.name in REDUCTIONS
            if (space := space_of(op)) is not None
        }
        self.places = Places(graph, in_place)
        self.statements: list[Statement] = []
        self.kernels: dict[str, str] = {}  # text with a blank for the name: name
        self.waiting = list(graph.ops)
        self.known = set(range(len(graph.inputs)))
        self._run()
        self._finish(in_place)

    # ------------------------------------------------------------------------ the order of things

    def _run(self) -> None:
        while self.waiting:
            ready = [op for op in self.waiting if self._is_ready(op)]
            alone = next((op for op in ready if not self._in_nests(op)), None)
            if alone is not None:
                self._emit_alone(alone)
            else:
                first = next(op for op in ready if op.out not in self.owner)
                self._emit_nest(self._nest_of(first))

    def _is_ready(self, op: Op) -> bool:
        return all(
            ref.value in self.known
            or (ref.value in self.owner and self._is_ready(self.makers[ref.value]))
            for ref in op.refs
        )

    def _in_nests(self, op: Op) -> bool:
        return op.out in self.spaces

    def _nest_of(self, first: Op) -> list[Op]:
        """The first and whatever else can be done in its loops."""
        space, members, inner = self.spaces[first.out], [], set[int]()
        kind = None
        for op in self.waiting:
            if self.spaces.get(op.out) != space:
                continue
            outside = [ref for ref in op.refs if ref.value not in inner]
            inside = [ref for ref in op.refs if ref.value in inner]
            if any(ref.value not in self.known for ref in outside):
                continue
            if any(ref.layout != self.graph.layouts[ref.value] for ref in inside):
                continue  # another view of what is not stored yet
            if op.name == "gather" and op.args[0].value in inner:
                continue
            if op.name in REDUCTIONS:
                if kind not in (None, op.name):
                    continue
                kind = op.name
            else:
                inner.add(op.out)
            members.append(op)
        chosen = {op.out for op in members}
        for op in reversed(members):  # a comparison goes where what it is for goes
            if op.out in self.owner and self.owner[op.out] not in chosen:
                chosen.remove(op.out)
        return [op for op in members if op.out in chosen]

    def _done(self, ops: Sequence[Op]) -> None:
        gone = {op.out for op in ops}
        self.waiting = [op for op in self.waiting if op.out not in gone]
        self.known |= gone

    def _emit_alone(self, op: Op) -> None:
        if op.name in CREATIONS:
            self.places.held[op.out] = Constant(created(op))
        elif op.name in ELEMENTWISE or op.name in REDUCTIONS:
            self._emit_number(op)
        else:
            SPECIAL[op.name](self, op)
        self._done([op])

    # --------------------------------------------------------------------------- single numbers

    def _emit_number(self, op: Op) -> None:
        """An operation whose operands and result are one element each."""
        if op.name in REDUCTIONS:
            texts = [self.number(op.args[0], op.layout.dtype)]
            text = f"!!{texts[0]}" if op.name in ("all", "any") else texts[0]
        elif op.name == "gather":
            text = self.number(op.args[0], op.compute)
        else:
            text = self.written(op, lambda ref, dtype: self.number(ref, dtype))
        name = f"s{op.out}"
        self.add(f"const {ctype_of(op.layout.dtype)} {name} = {text};", op.refs)
        self.places.held[op.out] = Number(name)

    def number(self, ref: Ref, dtype: torch.dtype) -> str:
        """A tensor of one element, as an expression of a number type outside of any loop."""
        held = self.places.held[ref.value]
        if isinstance(held, Constant):
            return literal(held.value, dtype)
        text = held.name if isinstance(held, Number) else held.element(ref.layout)
        return text if ref.layout.dtype == dtype else f"(({ctype_of(dtype)}){text})"

    def written(self, op: Op, operand: Callable[[Ref, torch.dtype], str]) -> str:
        """An elementwise operation's expression, with operands as `operand` writes them."""
        if op.name == "clamp":
            x, low, high = (self._operand(one, op.compute, operand) for one in op.args)
            text = x if low is None else expression("maximum", [x, low], (), op.compute)
            return text if high is None else expression("minimum", [text, high], (), op.compute)
        types = [op.compute] * len(op.args)
        if op.name == "where":
            types[0] = torch.bool
        given = op.args
        if op.name in ("_to_copy", "clone", "contiguous", "gather"):
            given = op.args[:1]
        texts = [
            self._operand(one, dtype, operand) for one, dtype in zip(given, types, strict=False)
        ]
        alpha = op.kwargs.get("alpha", 1)
        if alpha != 1:
            place_of = 0 if op.name == "rsub" else 1
            texts[place_of] = f"({literal(alpha, op.compute)} * {texts[place_of]})"
        return expression(op.name, [text for text in texts if text], op.args, op.compute)

    @staticmethod
    def _operand(one: Any, dtype: torch.dtype, operand: Callable[[Ref, torch.dtype], str]) -> Any:
        if one is None:
            return None
        return operand(one, dtype) if isinstance(one, Ref) else literal(one, dtype)

    # ------------------------------------------------------------------------------------- nests

    def _emit_nest(self, members: Sequence[Op]) -> None:
        space = self.spaces[members[0].out]
        kernel = Kernel()
        inner = {op.out for op in members if op.name in ELEMENTWISE}
        stored = self._stored(members, inner)
        strides = [steps_in(ref.layout, space) for op in members for ref in self._read(op, inner)]
        strides += [steps_in(self.graph.layouts[value], space) for value in stored]
        sinks = {op.out: sunk(op, space) for op in members if op.name in REDUCTIONS}
        nest = Nest.over(space, strides + list(sinks.values()))

        body, after = [], []
        types = {op.out: op.layout.dtype for op in members}

        def operand(ref: Ref, dtype: torch.dtype) -> str:
            if ref.value in inner:
                name = f"v{own[ref.value]}"
                return name if types[ref.value] == dtype else f"(({ctype_of(dtype)}){name})"
            return self.loaded(kernel, ref, dtype, nest, space)

        own: dict[int, int] = {}  # numbered as they come, so that layers are alike
        for op in members:
            if op.name not in ELEMENTWISE:
                continue
            if op.name == "gather":
                text = self._gathered(kernel, op, nest, space, operand)
            else:
                text = self.written(op, operand)
            own[op.out] = len(own)
            body.append(f"const {ctype_of(op.layout.dtype)} v{own[op.out]} = {text};")
        for value, storage in stored.items():
            layout = self.graph.layouts[value]
            target = kernel.pointer(storage.pointer(layout), ctype_of(layout.dtype), True)
            step = steps_in(layout, space)
            after.append(f"{target}[{place(nest.index, step)}] = v{own[value]};")
        self._write_loops(
            kernel, nest, body, after, [o for o in members if o.out in sinks], sinks, operand
        )
        for value, storage in stored.items():
            self.places.held[value] = storage
        touched = [ref for op in members for ref in op.refs if ref.value not in inner]
        self.call(kernel, touched, [*stored, *sinks])
        self._done(members)

    def _read(self, op: Op, inner: set[int]) -> list[Ref]:
        """What an operation reads from memory at the loops' own place."""
        refs = list(op.refs)
        if op.name == "gather":
            refs[0] = beside(op)
        return [ref for ref in refs if ref.value not in inner]

    def _gathered(
        self,
        kernel: Kernel,
        op: Op,
        nest: Nest,
        space: Shape,
        operand: Callable[[Ref, torch.dtype], str],
    ) -> str:
        x, axis, index = op.args[:3]
        held = self.places.held[x.value]
        if not isinstance(held, Storage):
            return self.number(x, op.compute)
        base = kernel.pointer(held.pointer(x.layout), ctype_of(x.layout.dtype))
        start = place(nest.index, steps_in(beside(op).layout, space))
        step = x.layout.stride[axis % len(x.layout.shape)]
        return f"{base}[{plus(start, f'{operand(index, torch.int64)} * {step}')}]"

    def loaded(self, kernel: Kernel, ref: Ref, dtype: torch.dtype, nest: Nest, space: Shape) -> str:
        """A tensor's element at the loops' place, in a number type."""
        held = self.places.held[ref.value]
        if isinstance(held, Constant):
            return literal(held.value, dtype)
        ctype = ctype_of(ref.layout.dtype)
        if isinstance(held, Number) or ref.layout.is_one:
            given = held.name if isinstance(held, Number) else held.element(ref.layout)
            text = kernel.number(given, ctype)
        else:
            pointer = kernel.pointer(held.pointer(ref.layout), ctype)
            text = f"{pointer}[{place(nest.index, steps_in(ref.layout, space))}]"
        return text if ref.layout.dtype == dtype else f"(({ctype_of(dtype)}){text})"

    def _stored(self, members: Sequence[Op], inner: set[int]) -> dict[int, Storage]:
        """The results that somebody reads outside of these loops, and where they go."""
        names = {op.out for op in members}
        outside = [op for op in self.waiting if op.out not in names]
        wanted = {ref.value for op in outside for ref in op.refs}
        wanted |= {ref.value for ref in self.graph.outputs}
        return {
            op.out: self.home(op.out, members)
            for op in members
            if op.out in inner and op.out in wanted
        }

    def _write_loops(
        self,
        kernel: Kernel,
        nest: Nest,
        body: list[str],
        after: list[str],
        reductions: Sequence[Op],
        sinks: Mapping[int, Shape],
        operand: Callable[[Ref, torch.dtype], str],
    ) -> None:
        """Write the loops, with what is summed up within them."""
        loops = nest.loops
        before_inner, after_inner, summed = [], [], []
        for number, op in enumerate(reductions):
            storage = self.places.held[op.out] = self.home(op.out, ())
            ctype, steps = ctype_of(op.layout.dtype), sinks[op.out]
            target = kernel.pointer(storage.pointer(op.layout), ctype, True)
            at = f"{target}[{place(nest.index, steps)}]"
            value = operand(op.args[0], op.layout.dtype)
            over = [steps[axis] == ZERO for _, _, axis in loops]
            if over[-1]:
                before_inner.append(f"{ctype} a{number} = {START[op.name]};")
                body.append(TAKE_IN[op.name].format(f"a{number}", value))
                summed.append((op, f"a{number}"))
                if not any(over[:-1]):
                    after_inner.append(f"{at} = a{number};")
                    continue
                after_inner.append(TAKE_IN[op.name].format(at, f"a{number}"))
            else:
                body.append(TAKE_IN[op.name].format(at, value))
            heads = [
                loop(variable, count)
                for (variable, count, _), gone in zip(loops, over, strict=True)
                if not gone
            ]
            kernel.lines.append(" ".join([*heads, f"{at} = {START[op.name]};"]))
        if summed and all(op.name == "sum" for op, _ in summed):
            names = ", ".join(name for _, name in summed)
            before_inner.append(f"#pragma omp simd reduction(+ : {names})")
        kernel.lines += [f"{loop(variable, count)} {{" for variable, count, _ in loops[:-1]]
        variable, count, _ = loops[-1]
        kernel.lines += before_inner
        kernel.lines.append(f"{loop(variable, count)} {{")
        kernel.lines += [*body, *after, "}", *after_inner]
        kernel.lines += ["}"] * (len(loops) - 1)

    def home(self, value: int, members: Sequence[Op]) -> Storage:
        """Where a result goes; `members` read what they overwrite at the very same place only."""
        names = {op.out for op in members}
        later = [op for op in self.waiting if op.out not in names]
        return self.places.home(value, members, later)

    # -------------------------------------------------------------------------------- statements

    def add(
        self,
        text: str,
        reads: Sequence[Ref],
        writes: Sequence[int] = (),
        beside: Sequence[Storage] = (),
    ) -> None:
        """Add a statement that reads and writes these values, and these places in memory."""
        held = [self.places.held[value] for value in (*(ref.value for ref in reads), *writes)]
        bases = [one.base for one in (*held, *beside) if isinstance(one, Storage)]
        self.statements.append(Statement(text, frozenset(bases)))

    def call(
        self,
        kernel: Kernel,
        reads: Sequence[Ref],
        writes: Sequence[int] = (),
        beside: Sequence[Storage] = (),
    ) -> None:
        """Add the call of a kernel, which is written only once."""
        text = kernel.text("@")
        name = self.kernels.setdefault(text, f"k{len(self.kernels)}")
        self.add(kernel.call(f"@{name}"), reads, writes, beside)

    def storage(self, ref: Ref) -> tuple[Storage, Layout]:
        """A tensor in memory, and how it lies there; a constant is written there first."""
        held = self.places.held[ref.value]
        if isinstance(held, Storage):
            return held, ref.layout
        layout = self.places.fresh_layout(ref.layout)
        storage = self.places.buffer(layout)
        self.copy(ref, storage, layout)
        return storage, layout

    def copy(self, ref: Ref, storage: Storage, layout: Layout) -> None:
        """Write a tensor to a place in memory."""
        kernel = Kernel()
        space = ref.layout.shape or (ONE,)
        source, target = steps_in(ref.layout, space), steps_in(layout, space)
        nest = Nest.over(space, [source, target])
        value = self.loaded(kernel, ref, layout.dtype, nest, space)
        pointer = kernel.pointer(storage.pointer(layout), ctype_of(layout.dtype), True)
        kernel.lines += [loop(variable, count) for variable, count, _ in nest.loops]
        kernel.lines.append(f"{pointer}[{place(nest.index, target)}] = {value};")
        self.call(kernel, [ref], beside=[storage])

    def _finish(self, in_place: Mapping[int, int]) -> None:
        """Bring the outputs to where they belong that do not stand there yet."""
        for number, ref in enumerate(self.graph.outputs):
            target = self.places.output(number)
            held = self.places.held[ref.value]
            if isinstance(held, Storage) and held == target and ref.layout.is_plain:
                continue
            if (
                ref.value < len(self.graph.inputs)
                and in_place
                and ref.value != in_place.get(number)
            ):
                raise Unsupported("a part of its state takes the place of another")
            layout = self.places.fresh_layout(ref.layout)
            self.copy(ref, target, layout)
