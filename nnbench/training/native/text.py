"""The C text of programs: what a graph's statements and kernels are in one file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nnbench.training.native.graph import Graph, Size
from nnbench.training.native.libm import FUNCTIONS, PLAIN, PLAIN_TWO, TWO
from nnbench.training.native.lower import Lowering
from nnbench.training.native.places import ctype_of

LINE = 64  # bytes of a cache line, at which buffers begin

HEAD = """\
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
struct products {
    void (*product_float)(const float *, long, long, const float *, long, long, float *, long, long,
                          long, long);
    void (*product_double)(const double *, long, long, const double *, long, long, double *, long,
                           long, long, long);
};
"""
# While testing, every buffer is a block of its own, full of NaN, so that a tool sees each stray
# access.
BUFFERS = """\
#ifdef NNBENCH_CHECKED
void *malloc(unsigned long);
void free(void *);
void *memset(void *, int, unsigned long);
static void *taken(unsigned long bytes) { return memset(malloc(bytes), 0xff, bytes); }
#define TAKE(bytes) taken(bytes)
#define GIVE(buffer) free(buffer)
#else
#define TAKE(bytes) ((at += ((bytes) + 63) / 64 * 64) - ((bytes) + 63) / 64 * 64)
#define GIVE(buffer)
#endif
"""


@dataclass(frozen=True)
class Slot:
    """A stretch of scratch memory that buffers of one size use in turn."""

    name: str
    bytes: str


def program_text(
    name: str,
    graph: Graph,
    in_place: Mapping[int, int],
    vector: Mapping[str, str],
    with_head: bool = True,
) -> str:
    """The C text of a graph as the function `name(pointers, scratch, n, products)`.

    Pointers are those of the inputs, then those of the outputs that are not written over inputs.
    The function `name_scratch(n)` says how many bytes of scratch it needs. `vector` declares the
    functions of libm that there are for whole vectors.
    """
    lowering = Lowering(graph, in_place)
    slots, slot_of = slots_for(lowering)
    lines = []
    for number, layout in enumerate(graph.inputs):
        lines.append(f"{ctype_of(layout.dtype)} *in{number} = p[{number}];")
    free = [number for number in range(len(graph.outputs)) if number not in in_place]
    for place, number in enumerate(free):
        ctype = ctype_of(graph.outputs[number].layout.dtype)
        lines.append(f"{ctype} *out{number} = p[{len(graph.inputs) + place}];")
    lines.append("char *at = scratch;")
    lines += [f"void *{slot.name} = TAKE({slot.bytes});" for slot in slots]
    for buffer, (_, dtype) in lowering.places.buffers.items():
        if buffer in slot_of:
            lines.append(f"{ctype_of(dtype)} *{buffer} = {slot_of[buffer].name};")
    lines += [statement.text.replace("@", f"{name}_") for statement in lowering.statements]
    lines += [f"GIVE({slot.name});" for slot in slots]
    kernels = "\n".join(
        text.replace("@", f"{name}_{own}", 1) for text, own in lowering.kernels.items()
    )
    total = " + ".join(f"({slot.bytes} + 63) / 64 * 64" for slot in slots) or "0"
    body = "\n".join(lines)
    main = (
        f"void {name}(void **p, char *scratch, long n, const struct products *x) {{\n{body}\n}}\n"
        f"long {name}_scratch(long n) {{ return {total}; }}\n"
    )
    text = kernels + "\n" + main
    return (HEAD + BUFFERS if with_head else "") + declarations(text, vector) + text


def slots_for(lowering: Lowering) -> tuple[list[Slot], dict[str, Slot]]:
    """Stretches of scratch memory, and which of them each buffer has while it is in use."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, statement in enumerate(lowering.statements):
        for base in statement.bases & lowering.places.buffers.keys():
            first.setdefault(base, number)
            last[base] = number
    slots: list[Slot] = []
    slot_of: dict[str, Slot] = {}
    resting: list[Slot] = []
    for number in range(len(lowering.statements)):
        for base in [base for base in first if first[base] == number]:
            count, dtype = lowering.places.buffers[base]
            size = str(count * Size(dtype.itemsize))
            slot = next((slot for slot in resting if slot.bytes == size), None)
            if slot is None:
                slot = Slot(f"m{len(slots)}", size)
                slots.append(slot)
            else:
                resting.remove(slot)
            slot_of[base] = slot
        resting += [slot_of[base] for base in last if last[base] == number]
    return slots, slot_of


def declarations(text: str, vector: Mapping[str, str]) -> str:
    """The declarations of the functions of libm that a text calls; `vector` has some ready."""
    lines, called = [], set(re.findall(r"\b(\w+)\(", text))
    for function in (*FUNCTIONS, *TWO, *PLAIN, *PLAIN_TWO):
        for suffix, ctype in (("f", "float"), ("", "double")):
            name = function + suffix
            if name in called:
                arguments = f"{ctype}, {ctype}" if function in (*TWO, *PLAIN_TWO) else ctype
                lines.append(vector.get(name, f"{ctype} {name}({arguments});"))
    return "\n".join(lines) + "\n"
