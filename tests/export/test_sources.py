"""How scripts are put together."""

from __future__ import annotations

import pytest

from nnbench.export.sources import definitions
from nnbench.export.text import fitted

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
