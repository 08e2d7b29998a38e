"""Call compiled programs over networks, steps and rows: what `drive` in runtime.c is given.

A Slot is a tensor that a program reads or writes, with what lies between its parts for one network
and the next, one repeat of the data and the next, one step and the next.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnbench.training.native.programs import Loaded, runtime

Long = ctypes.c_long
LINE = 64  # bytes of a line of the cache


class CSlot(ctypes.Structure):
    """`struct slot` of runtime.c."""

    _fields_ = [
        ("base", ctypes.c_void_p),
        ("network", Long),
        ("repeat", Long),
        ("step", Long),
        ("row", Long),
    ]


class CProgram(ctypes.Structure):
    """`struct program` of runtime.c."""

    _fields_ = [("run", ctypes.c_void_p), ("count", Long), ("slots", ctypes.POINTER(Long))]


class CDrive(ctypes.Structure):
    """`struct drive` of runtime.c."""

    _fields_ = [
        ("networks", Long),
        ("chosen", ctypes.c_void_p),
        ("repeat", ctypes.c_void_p),
        ("steps", Long),
        ("batch", Long),
        ("rows", Long),
        ("order", ctypes.c_void_p),
        ("order_stride", Long),
        ("slots", Long),
        ("slot", ctypes.POINTER(CSlot)),
        ("step", CProgram),
        ("update", CProgram),
        ("size", Long),
        ("watched", Long * 2),
        ("is_double", Long),
        ("scratch", ctypes.c_void_p),
        ("gathered", ctypes.c_void_p),
    ]


@dataclass(frozen=True, eq=False)
class Slot:
    """A tensor for a program, and the elements between its parts."""

    tensor: Tensor
    network: int = 0  # elements from one network's part to the next one's
    repeat: int = 0
    step: int = 0
    gathered: bool = False  # whether the rows of a step are picked by the step's order

    @classmethod
    def of_network(cls, tensor: Tensor) -> Slot:
        """A tensor whose first axis is the network."""
        return cls(tensor, network=tensor.stride(0))


@dataclass(frozen=True)
class Call:
    """A program and what it is given: the slots of its inputs, then those of its outputs."""

    loaded: Loaded
    slots: Sequence[Slot]


@dataclass(frozen=True)
class Rows:
    """The rows that steps go through: `count` in all for each network, `batch` to a step."""

    count: int
    batch: int
    steps: int
    order: Tensor | None = None  # (repeats, at least count): which rows, in which order


def drive(
    chosen: Sequence[int],
    repeat_of: Tensor,
    rows: Rows,
    step: Call,
    update: Call | None = None,
    size: int = 0,
    watched: Sequence[Slot] = (),
) -> None:
    """Run a program, and another after it, for each step of each chosen network.

    `repeat_of` (networks,) is the repeat of the data that each network has, `size` what the second
    program takes for n. A network goes no further than the first step after which a slot of
    `watched` is not finite.
    """
    slots: list[Slot] = []
    place: dict[int, int] = {}
    for slot in (*step.slots, *(update.slots if update else ())):
        if id(slot) not in place:
            place[id(slot)] = len(slots)
            slots.append(slot)
    table = (CSlot * len(slots))(*(_c_slot(slot) for slot in slots))
    _check(slots, repeat_of, rows, chosen)
    batch = min(rows.batch, rows.count)
    scratch = _memory(max(step.loaded.scratch(batch), update.loaded.scratch(size) if update else 0))
    wide = [_row_bytes(slot) for slot in slots if slot.gathered]
    gathered = _memory(sum(_whole_lines(rows.batch * width) for width in wide))
    numbers = torch.tensor(list(chosen), dtype=torch.int64)
    repeats = repeat_of.to(torch.int64).contiguous()
    order = None if rows.order is None else rows.order.contiguous()
    runtime().drive(
        ctypes.byref(
            CDrive(
                networks=len(numbers),
                chosen=numbers.data_ptr(),
                repeat=repeats.data_ptr(),
                steps=rows.steps,
                batch=rows.batch,
                rows=rows.count,
                order=None if order is None else order.data_ptr(),
                order_stride=0 if order is None else order.stride(0),
                slots=len(slots),
                slot=table,
                step=_c_program(step, place),
                update=_c_program(update, place) if update else CProgram(None, 0, None),
                size=size,
                watched=(Long * 2)(*[*(place[id(slot)] for slot in watched), -1, -1][:2]),
                is_double=bool(watched) and watched[0].tensor.dtype == torch.float64,
                scratch=_aligned(scratch),
                gathered=_aligned(gathered),
            )
        )
    )


def _check(slots: Sequence[Slot], repeat_of: Tensor, rows: Rows, chosen: Sequence[int]) -> None:
    """Demand that every place that C will reach is there: it does not look itself."""
    if len(slots) > runtime().most_slots():
        raise ValueError(f"{len(slots)} tensors are more than a program takes")
    networks, repeats = max(chosen, default=0), int(repeat_of.max())
    if min(chosen, default=0) < 0 or networks >= len(repeat_of) or int(repeat_of.min()) < 0:
        raise IndexError("a network that is not there")
    if (rows.steps - 1) * rows.batch >= rows.count:
        raise IndexError("more steps than there are rows for")
    for slot in slots:
        width = slot.tensor[0].numel() if slot.gathered else 1
        last = networks * slot.network + repeats * slot.repeat + (rows.steps - 1) * slot.step
        if slot.gathered:
            assert rows.order is not None
            used = rows.order[:, : rows.count]
            if len(used) <= repeats or used.shape[1] < rows.count or int(used.min()) < 0:
                raise IndexError("an order without a row for each step")
            last += int(used.max()) * width
        if last + width > slot.tensor.untyped_storage().nbytes() // slot.tensor.element_size():
            raise IndexError(f"a program would leave a tensor of shape {tuple(slot.tensor.shape)}")


def _c_slot(slot: Slot) -> CSlot:
    size = slot.tensor.element_size()
    return CSlot(
        slot.tensor.data_ptr(),
        slot.network * size,
        slot.repeat * size,
        slot.step * size,
        _row_bytes(slot) if slot.gathered else 0,
    )


def _row_bytes(slot: Slot) -> int:
    return int(slot.tensor[0].numel() * slot.tensor.element_size())


def _c_program(call: Call, place: dict[int, int]) -> CProgram:
    numbers = [place[id(slot)] for slot in call.slots]
    return CProgram(call.loaded.address, len(numbers), (Long * max(1, len(numbers)))(*numbers))


def _whole_lines(count: int) -> int:
    return -(-count // LINE) * LINE


def _memory(count: int) -> Tensor:
    return torch.zeros(count + LINE, dtype=torch.uint8)


def _aligned(memory: Tensor) -> int:
    return _whole_lines(memory.data_ptr())
