"""How scripts are put together."""

from __future__ import annotations

import pytest

from nnbench.export.sources import definitions
from nnbench.export.text import _only_local, fitted

pytestmark = pytest.mark.whole


def test_definitions_come_with_what_they_need_and_without_types() -> None:
    text = definitions("nnbench.catalog.optimizers.twins", "Lion")
    assert text.index("class Rule(Optimizer):") < text.index("class Lion(Rule):")
    assert "    def change(self, param, grad, state, group):\n        mean = " in text
    for word in ("Tensor", "Callable", "type: ignore", "->", "Change one parameter"):
        assert word not in text
    assert "return x, y" in definitions("nnbench.catalog.data.synthetic", "outliers")


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("short(1, 2)", "short(1, 2)"),
        (f"longer({'a' * 60}, {'b' * 32})", f"longer(\n    {'a' * 60}, {'b' * 32}\n)"),
        (f"  f(g(1, 2), '{'(' * 99}')", f"  f(\n      g(1, 2),\n      '{'(' * 99}',\n  )"),
        (
            f"[{'a' * 60} for b, c in {'d' * 60}]",
            f"[\n    {'a' * 60}\n    for b, c in {'d' * 60}\n]",
        ),
        ("a" * 120, "a" * 120),
    ],
)
def test_long_lines_are_broken_at_their_largest_bracket(line: str, broken: str) -> None:
    assert fitted(line) == broken


@pytest.mark.parametrize(
    ("code", "local"),
    [
        ("def f(signal):\n    signal += 1\n    return signal\n", {"signal"}),
        ("def f(signal):\n    return signal\n\nsignal.signal(1, 2)\n", set()),
        ("def f(x: np.ndarray, pd):\n    return [math.pi for math in pd]\n", {"math", "pd"}),
        ("def f(re):\n    def g():\n        return re\n    return g\n", {"re"}),
    ],
)
def test_a_name_of_a_functions_own_asks_for_no_import(code: str, local: set[str]) -> None:
    imported = {"signal", "np", "pd", "math", "re"}
    assert _only_local(code) & imported == local
