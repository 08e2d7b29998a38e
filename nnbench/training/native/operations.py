"""What each elementwise operation is in C, of operands that are already C expressions.

`{0}`, `{1}` and `{2}` are operands in the operation's number type, `T` functions of libm, which
take an f in single precision. Each is torch's own rule, of NaN too: a NaN goes in, a NaN comes out.
"""

import math
from typing import Any

import torch

from nnbench.training.native.graph import Size, Unsupported
from nnbench.training.native.libm import FUNCTIONS, PLAIN, PLAIN_TWO, TWO

C_TYPES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.int64: "long",
    torch.int32: "int",
    torch.bool: "unsigned char",
}
EXPRESSIONS: dict[str, str] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "rsub": "{1} - {0}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "abs": "T(fabs)({0})",
    "reciprocal": "1 / {0}",
    "sqrt": "T(sqrt)({0})",
    "rsqrt": "1 / T(sqrt)({0})",
    "sigmoid": "1 / (1 + T(exp)(-{0}))",
    "relu": "{0} > 0 ? {0} : {0} == {0} ? 0 : {0}",
    "sign": "({0} > 0) - ({0} < 0)",
    "sgn": "({0} > 0) - ({0} < 0)",
    "floor": "T(floor)({0})",
    "ceil": "T(ceil)({0})",
    "trunc": "T(trunc)({0})",
    "round": "T(rint)({0})",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",
    "minimum": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "clamp_min": "{0} > {1} || {0} != {0} ? {0} : {1}",
    "clamp_max": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "atan2": "T(atan2)({0}, {1})",
    "hypot": "T(hypot)({0}, {1})",
    "copysign": "T(copysign)({0}, {1})",
    "fmod": "T(fmod)({0}, {1})",
    "where": "{0} ? {1} : {2}",
    "isnan": "{0} != {0}",
    "isinf": "T(fabs)({0}) == INFINITY",
    "isfinite": "T(fabs)({0}) < INFINITY",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "logical_not": "!{0}",
    "logical_and": "{0} && {1}",
    "logical_or": "{0} || {1}",
    "logical_xor": "!{0} != !{1}",
    "clone": "{0}",
    "_to_copy": "{0}",
    "contiguous": "{0}",
} | {name: f"T({name})({{0}})" for name in FUNCTIONS}
BITWISE = {
    "bitwise_and": ("{0} && {1}", "{0} & {1}"),
    "bitwise_or": ("{0} || {1}", "{0} | {1}"),
    "bitwise_xor": ("!{0} != !{1}", "{0} ^ {1}"),
    "bitwise_not": ("!{0}", "~{0}"),
}
POWERS = {
    2: "{0} * {0}",
    3: "{0} * {0} * {0}",
    1: "{0}",
    0.5: "T(sqrt)({0})",
    -0.5: "1 / T(sqrt)({0})",
    -1: "1 / {0}",
    -2: "1 / ({0} * {0})",
}
# What is asked of operands in their own number type, whatever the result's is.
COMPARED = (
    *("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "all", "any"),
    *("logical_not", "logical_and", "logical_or", "logical_xor"),
)
ALIASES = {"__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor"}
ELEMENTWISE = frozenset(EXPRESSIONS) | frozenset(BITWISE) | {"pow", "clamp", "gather"}
REDUCTIONS = frozenset({"sum", "amax", "amin", "all", "any"})
CREATIONS = frozenset(
    {"zeros", "ones", "full", "empty", "zeros_like", "ones_like", "full_like", "empty_like"}
    | {"new_zeros", "new_ones", "new_full", "new_empty", "scalar_tensor", "constant", "fill"}
)
OTHERS = frozenset({"mm", "bmm", "mv", "dot", "cat", "argmax", "argmin", "scatter_add"})
KNOWN = ELEMENTWISE | REDUCTIONS | CREATIONS | OTHERS


def expression(name: str, operands: list[str], args: tuple[Any, ...], compute: torch.dtype) -> str:
    """The C expression of an elementwise operation, in parentheses.

    `operands` are those of `args` that are tensors or numbers, in the number type `compute`.
    """
    text = _template(name, args, compute)
    single = compute == torch.float32
    for function in (*FUNCTIONS, *TWO, *PLAIN, *PLAIN_TWO):
        text = text.replace(f"T({function})", f"{function}{'f' if single else ''}")
    if compute in (torch.int64, torch.int32) and ("fabs" in text or name in ("div", "reciprocal")):
        raise Unsupported(f"{name} of whole numbers")
    return "(" + text.format(*operands) + ")"


def _template(name: str, args: tuple[Any, ...], compute: torch.dtype) -> str:
    if name in BITWISE:
        return BITWISE[name][compute != torch.bool]
    if name == "pow":
        exponent = args[1]
        if isinstance(exponent, int | float) and exponent in POWERS:
            return POWERS[exponent]
        return "T(pow)({0}, {1})"
    return EXPRESSIONS[name]


def literal(value: Any, dtype: torch.dtype) -> str:
    """A number as C has it, in a number type; a Size in terms of n."""
    ctype = C_TYPES.get(dtype)
    if ctype is None:
        raise Unsupported(f"numbers of type {dtype}")
    if isinstance(value, Size):
        return f"({ctype})({value})"
    if dtype == torch.bool:
        return "1" if value else "0"
    if not dtype.is_floating_point:
        return f"{int(value)}L"
    number = torch.tensor(float(value), dtype=dtype).item()
    if math.isnan(number):
        return "NAN"
    if math.isinf(number):
        return "INFINITY" if number > 0 else "(-INFINITY)"
    return f"({number!r}{'f' if dtype == torch.float32 else ''})"
