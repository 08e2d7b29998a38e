"""One function of C, a nest of loops over the elements of a shape.

A kernel has names of its own for whatever it is called with. Two nests that do the same to
different buffers, as the layers of a network do, are therefore the same text, which is compiled
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nnbench.training.native.graph import ONE, ZERO, Shape, Size

Index = Sequence[str]  # of each axis of a shape, "0" where it has no loop of its own


@dataclass
class Kernel:
    """A function in the making: what it is called with, and its lines."""

    lines: list[str] = field(default_factory=list)
    _pointers: dict[str, tuple[str, str]] = field(default_factory=dict)  # given: (own name, type)
    _numbers: dict[str, tuple[str, str]] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def pointer(self, given: str, ctype: str, written: bool = False) -> str:
        """The kernel's own name for a pointer that it is called with."""
        own = self._pointers.setdefault(given, (f"p{len(self._pointers)}", ctype))[0]
        if written:
            self._written.add(own)
        return own

    def number(self, given: str, ctype: str) -> str:
        """The kernel's own name for a number that it is called with."""
        return self._numbers.setdefault(given, (f"c{len(self._numbers)}", ctype))[0]

    def text(self, name: str) -> str:
        """The whole function, under a name."""
        pointers = [
            f"{'' if own in self._written else 'const '}{ctype} *restrict {own}"
            for own, ctype in self._pointers.values()
        ]
        numbers = [f"{ctype} {own}" for own, ctype in self._numbers.values()]
        head = f"static void {name}({', '.join([*pointers, *numbers, 'long n'])}) {{"
        return "\n".join([head, *self.lines, "}"])

    def call(self, name: str) -> str:
        """The statement that calls it."""
        return f"{name}({', '.join([*self._pointers, *self._numbers, 'n'])});"


@dataclass(frozen=True)
class Nest:
    """The loops over a shape; neighbouring axes that all operands step through alike are one."""

    loops: tuple[tuple[str, Size, int], ...]  # variable, count, the axis whose strides it has
    index: tuple[str, ...]

    @classmethod
    def over(cls, shape: Shape, strides: Sequence[Shape]) -> Nest:
        """The loops over `shape`, given every operand's stride along each of its axes."""
        runs: list[list[int]] = []
        for axis in range(len(shape)):
            if shape[axis] == ONE:
                continue
            joined = runs and all(
                stride[runs[-1][-1]] == shape[axis] * stride[axis] for stride in strides
            )
            if joined:
                runs[-1].append(axis)
            else:
                runs.append([axis])
        index = ["0"] * len(shape)
        loops = []
        for number, run in enumerate(runs):
            count = ONE
            for axis in run:
                count = count * shape[axis]
            loops.append((f"i{number}", count, run[-1]))
            index[run[-1]] = f"i{number}"
        return cls(tuple(loops), tuple(index))

    @classmethod
    def apart(cls, shape: Shape) -> Nest:
        """A loop for each axis, none of them joined."""
        axes = [axis for axis in range(len(shape)) if shape[axis] != ONE]
        index = tuple(f"i{axis}" if axis in axes else "0" for axis in range(len(shape)))
        return cls(tuple((index[axis], shape[axis], axis) for axis in axes), index)


def loop(variable: str, count: Size | str) -> str:
    """The head of a loop."""
    return f"for (long {variable} = 0; {variable} < {count}; {variable}++)"


def place(index: Index, stride: Shape) -> str:
    """The element at an index, by the strides of its axes; axes are aligned at the last."""
    terms = []
    for variable, step in zip(index[len(index) - len(stride) :], stride, strict=True):
        if variable != "0" and step != ZERO:
            terms.append(variable if step == ONE else f"{variable} * {step}")
    return " + ".join(terms) or "0"


def plus(*terms: object) -> str:
    """A sum as C has it, without zeros."""
    kept = [str(term) for term in terms if str(term) != "0"]
    if all(term.isdigit() for term in kept):
        return str(sum(map(int, kept)))
    return " + ".join(kept)
