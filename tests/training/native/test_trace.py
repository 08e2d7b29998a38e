"""Functions as graphs, and graphs as C: one at a time, at sizes that were never traced."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nnbench.training.native import programs
from nnbench.training.native.compiler import find_compiler, vector_declarations
from nnbench.training.native.graph import Size, Unsupported, size_of
from nnbench.training.native.places import Places
from nnbench.training.native.text import program_text
from nnbench.training.native.trace import trace

CHECKED = ["-DNNBENCH_CHECKED"]  # each buffer a block of its own, full of NaN at the start


def run(
    function: Callable[..., Any],
    inputs: Callable[[int], Sequence[Tensor]],
    n: int,
    folder: Path,
    in_place: Mapping[int, int] | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """What a compiled function and torch make of the same inputs."""
    in_place = in_place or {}
    graph = trace(function, inputs)
    text = program_text("made", graph, in_place, vector_declarations())
    compiler, target = find_compiler(), folder / "made.so"
    (folder / "made.c").write_text(text)
    compiler.compile(str(folder / "made.c"), str(target), CHECKED)
    given = [tensor.contiguous() for tensor in inputs(n)]
    wanted = function(*given)
    wanted = list(wanted) if isinstance(wanted, tuple) else [wanted]
    found = [torch.full(one.shape, -7).to(one.dtype).contiguous() for one in wanted]
    for number, place in in_place.items():
        found[number] = given[place]
    free = [tensor for number, tensor in enumerate(found) if number not in in_place]
    pointers = [tensor.data_ptr() for tensor in (*given, *free)]
    products = ctypes.addressof(ctypes.c_void_p.in_dll(programs.runtime(), "products_table"))
    made = ctypes.CDLL(str(target)).made
    made.restype = None
    table = (ctypes.c_void_p * len(pointers))(*pointers)
    made(table, None, ctypes.c_long(n), ctypes.c_void_p(products))
    return list(zip(found, wanted, strict=True))


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)
    flat = values.view(-1)
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, 1.0, -1.0, 1e-310, 3.0, 6.0])
    flat[: min(9, flat.numel())] = special[: flat.numel()]
    return values


def one_matrix(n: int) -> list[Tensor]:
    return [numbers(n, 7)]


def two_matrices(n: int) -> list[Tensor]:
    return [numbers(n, 7), numbers(n, 7, seed=1).flip(0)]


ELEMENTWISE: dict[str, Callable[..., Tensor]] = {
    **{
        name: getattr(torch, name)
        for name in (
            *("exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "sin", "cos", "tan", "tanh", "atan"),
            *("sinh", "cosh", "asinh", "erf", "erfc", "abs", "neg", "sign", "floor", "ceil"),
            *("trunc", "round", "reciprocal", "sigmoid", "relu", "isnan", "isinf", "isfinite"),
        )
    },
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "inverse root": lambda x: x**-0.5,
    "another power": lambda x: x.abs() ** 1.7,
    "clamp": lambda x: x.clamp(-1, 1),
    "clamp above": lambda x: x.clamp(max=0.5),
    "where": lambda x: torch.where(x > 0.3, x, -2 * x),
    "not": lambda x: ~(x > 0) & (x < 1) | (x == 3),
    "threshold": lambda x: torch.nn.functional.threshold(x, 0.2, -3.0),
    "hardtanh": lambda x: torch.nn.functional.hardtanh(x),
    "relu6": lambda x: torch.nn.functional.relu6(x),
    "softplus": lambda x: torch.nn.functional.softplus(x),
    "leaky": lambda x: torch.nn.functional.leaky_relu(x),
    "glu": lambda x: x[:, :3] * torch.sigmoid(x[:, 3:6]),
    "sum": lambda x: x.sum(),
    "sum over rows": lambda x: x.sum(0),
    "sum over columns": lambda x: x.sum(-1, keepdim=True),
    "largest": lambda x: x.amax(-1),
    "largest of a column": lambda x: x.amax(0),
    "smallest": lambda x: x.amin(1),
    "place of the largest": lambda x: x.argmax(-1),
    "place of the smallest": lambda x: x.argmin(-1),
    "all": lambda x: (x < 1).all(-1),
    "any": lambda x: (x > 5).any(-1),
    "mean": lambda x: x.mean(),
    "norm": lambda x: torch.linalg.vector_norm(x),
    "softmax": lambda x: torch.softmax(x, -1),
    "over rows": lambda x: torch.log_softmax(x, 0),
    "transposed": lambda x: (x.T * 2).sum(0),
    "rows joined": lambda x: torch.cat([x[:, 2:], x[:, :2]], 1),
    "under each other": lambda x: torch.stack([x, 2 * x]),
    "every other": lambda x: x[:, ::2] + 1,
    "in place": lambda x: torch.zeros_like(x).add_(x).mul_(2),
}
OF_TWO: dict[str, Callable[..., Any]] = {
    "product": lambda a, b: a @ b.T,
    "other product": lambda a, b: a.T @ b,
    "column": lambda a, b: a @ b[0],
    "dot": lambda a, b: a[:, 0] @ b[:, 0],
    "larger": torch.maximum,
    "smaller": torch.minimum,
    "power": lambda a, b: a.abs() ** b,
    "angle": torch.atan2,
    "with factor": lambda a, b: torch.add(a, b, alpha=3) - torch.sub(a, b, alpha=0.5),
    "outputs that share": lambda a, b: ((a + b).exp(), (a + b).sum(0), a * 2),
    "broadcast": lambda a, b: a * b.sum(0) + b.sum(1, keepdim=True),
    "pairs": lambda a, b: torch.bmm(a[:, :6].reshape(-1, 2, 3), b[:, :6].reshape(-1, 3, 2)),
}
QUICK = {"softmax", "product", "outputs that share", "place of the largest", "in place"}


def cases(table: dict[str, Any]) -> list[Any]:
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in table]


def assert_alike(pairs: list[tuple[Tensor, Tensor]]) -> None:
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-300, equal_nan=True)


@pytest.mark.parametrize("n", [1, 2, 37])
@pytest.mark.parametrize("name", cases(ELEMENTWISE))
def test_function_of_a_matrix(name: str, n: int, tmp_path: Path) -> None:
    assert_alike(run(ELEMENTWISE[name], one_matrix, n, tmp_path))


@pytest.mark.parametrize("n", [1, 2, 37])
@pytest.mark.parametrize("name", cases(OF_TWO))
def test_function_of_two_matrices(name: str, n: int, tmp_path: Path) -> None:
    if "product" in name or name in ("column", "dot", "pairs"):

        def finite(n: int) -> list[Tensor]:
            return [torch.nan_to_num(one, 0.5, 0.5, 0.5) for one in two_matrices(n)]

        pairs = run(OF_TWO[name], finite, n, tmp_path)
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-12)
        return
    assert_alike(run(OF_TWO[name], two_matrices, n, tmp_path))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (5, 3, 2), (6, 300, 17), (13, 7, 100), (31, 257, 33), (100, 64, 10)]
)
def test_products(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    """The runtime's own product, of operands that lie in any order, with nothing behind them."""
    m, k, n = shape
    name = {torch.float32: 0, torch.float64: 8}[dtype]
    table = ctypes.addressof(ctypes.c_void_p.in_dll(programs.runtime(), "products_table"))
    address = ctypes.c_void_p.from_address(table + name).value
    long, pointer = ctypes.c_long, ctypes.c_void_p
    kinds = [pointer, long, long, pointer, long, long, pointer, long, long, long, long]
    product = ctypes.CFUNCTYPE(None, *kinds)(address)
    for left in (torch.randn(m, k, dtype=dtype), torch.randn(k, m, dtype=dtype).T):
        for right in (torch.randn(k, n, dtype=dtype), torch.randn(n, k, dtype=dtype).T):
            result = torch.full((m, n), torch.nan, dtype=dtype)
            product(
                *(left.data_ptr(), *left.stride(), right.data_ptr(), *right.stride()),
                *(result.data_ptr(), n, m, n, k),
            )
            precision = 1e-4 if dtype == torch.float32 else 1e-12
            torch.testing.assert_close(result, left @ right, rtol=precision, atol=precision)


def test_sizes_are_multiples_or_nothing() -> None:
    assert size_of(12, 12, (29, 31)) == Size(12)
    assert size_of(58, 62, (29, 31)) == Size(2, 1)
    assert size_of(29 * 29, 31 * 31, (29, 31)) == Size(1, 2)
    assert str(Size(3, 1) * Size(2)) == "6*n" and str(Size(1, 2)) == "n*n"
    for pair in ((28, 30), (30, 32), (29, 62)):
        with pytest.raises(Unsupported):
            size_of(*pair, (29, 31))


def test_denormals_live(tmp_path: Path) -> None:
    """No flag flushes what is smaller than the smallest normal number."""
    tiny = torch.full((4, 7), 1e-40)
    ((found, wanted),) = run(lambda x: x * 0.5, lambda n: [tiny[:1].expand(n, 7)], 4, tmp_path)
    assert torch.equal(found, wanted) and found.min() > 0


@pytest.mark.parametrize("careful", [True, False])
def test_what_is_still_to_be_read_is_not_written_over(
    careful: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not careful:
        monkeypatch.setattr(Places, "_is_free", lambda *rest: True)

    def both(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a + b, a * b.sum()

    (_, _), (found, wanted) = run(
        both, lambda n: [torch.ones(n), torch.ones(n)], 37, tmp_path, {0: 0}
    )
    assert torch.equal(found, wanted) == careful
