"""What is said of growth per layer names what it speaks of."""

from __future__ import annotations

import pandas as pd

from nnbench.report.layers.growth import _furthest, _table_title
from nnbench.report.layers.views import Roles


def test_a_title_names_the_gradient_first_and_one_factor_has_levels() -> None:
    cross = pd.DataFrame({"verdict": ["keep", "explode"], "value": 0.0, "predicted": float("nan")})
    assert _table_title(cross, ["init"]) == (
        "Of 2 levels of initialisation, 1 keeps the gradient and 1 lets it explode before training"
    )


def test_the_furthest_says_what_a_bare_number_is() -> None:
    row = {"row": "random_small", "column": "4", "value": -1.7, "verdict": "vanish"}
    cross = pd.DataFrame([row | {"predicted": float("nan")}])
    (said,) = _furthest(cross, Roles(cross, "init", "depth", []))
    assert "Most extreme is random_small with depth 4: its gradient shrinks" in said
