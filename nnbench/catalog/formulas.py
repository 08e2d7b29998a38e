"""Formulas over an entry's numbers, such as `gain * sqrt(6 / fan_in)`.

One text has three readers: a twin is made with its value, a script has it as code, and the atlas
draws a density by it. Only what stands here is read, by `ast`; nothing is evaluated as Python.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {"list": list, "max": max, "sqrt": math.sqrt}
IN_A_SCRIPT = {"sqrt": "math.sqrt"}
NEVER = object()  # no value equals it


class Code(str):
    """The source of a value that is known only when a script runs."""

    __slots__ = ()


@dataclass(frozen=True)
class Of:
    """A formula over names: + - * / // ** and ^, brackets, tuples, `FUNCTIONS`, and two choices:
    `a or b`, and `a if b is None else c`.

    An argument of a twin whose value is `unless`, which is torch's own default, is left out.
    """

    text: str
    unless: Any = NEVER

    @property
    def names(self) -> set[str]:
        """The names that it takes."""
        nodes = ast.walk(_tree(self.text))
        return {node.id for node in nodes if isinstance(node, ast.Name)} - FUNCTIONS.keys()

    def value(self, names: Mapping[str, Any]) -> Any:
        """What it comes to; where that hangs on `Code`, the code for it, the rest worked out.

        Errors: KeyError for a name that is not given, ValueError for what is no formula.
        """
        return _value(_tree(self.text), names)


@lru_cache
def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text.replace("^", "**"), mode="eval").body
    except SyntaxError:
        raise ValueError(f"no formula: {text}") from None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    compute: Callable[..., Any]
    match node:
        case ast.Constant(value=constant):
            return constant
        case ast.Name(id=name):
            return names[name]
        case ast.BoolOp(op=ast.Or(), values=[*choices, last]):
            known = (_value(choice, names) for choice in choices)
            return next((value for value in known if value), None) or _value(last, names)
        case ast.IfExp(test=ast.Compare(left=tested, ops=[ast.Is()], comparators=[none])):
            is_none = _value(tested, names) is _value(none, names)
            return _value(node.body if is_none else node.orelse, names)
        case ast.Tuple(elts=operands):
            compute = _tuple
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            operands, compute = [operand], operator.neg
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            operands, compute = [left, right], OPERATORS[type(op)]
        case ast.Call(func=ast.Name(id=name), args=operands) if name in FUNCTIONS:
            compute = FUNCTIONS[name]
        case _:
            raise ValueError(f"no formula: {ast.unparse(node)}")
    values = [_value(operand, names) for operand in operands]
    is_known = not any(isinstance(value, Code) for value in values)
    return compute(*values) if is_known else _code(node, values)


def _tuple(*values: Any) -> tuple[Any, ...]:
    return values


def _code(node: ast.expr, values: list[Any]) -> Code:
    """An operation on values, of which some are code."""
    parts = [
        ast.parse(value, mode="eval").body if isinstance(value, Code) else ast.Constant(value)
        for value in values
    ]
    match node:
        case ast.BinOp(op=ast.Mult()) if values[0] == 1:
            return Code(values[1])
        case ast.BinOp(op=op):
            return Code(ast.unparse(ast.BinOp(parts[0], op, parts[1])))
        case ast.Call(func=ast.Name(id=name)):
            called = ast.Name(IN_A_SCRIPT.get(name, name))
            return Code(ast.unparse(ast.Call(called, parts, [])))
        case ast.UnaryOp(op=sign):
            return Code(ast.unparse(ast.UnaryOp(sign, parts[0])))
    return Code(ast.unparse(ast.Tuple(parts)))
