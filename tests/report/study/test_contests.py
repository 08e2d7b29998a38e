"""The picture of ranks: what its title and caption say of whom."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nnbench import stats
from nnbench.report.page.parts import Picture
from nnbench.report.study.contests import Contest, ladder_picture, ladder_title


def ladder(means: dict[str, float], blocks: int = 12) -> Picture:
    """Return the picture of contestants with these means and little noise."""
    index = pd.MultiIndex.from_product([["digits"], range(blocks)], names=["data", "seed"])
    noise = np.random.default_rng(0).normal(0, 0.01, (blocks, len(means)))
    problems = pd.DataFrame(noise + list(means.values()), index=index, columns=list(means))
    problems = problems.rename_axis(columns="arm")
    return ladder_picture(problems, Contest(["activation"], "relu", {}, pd.DataFrame()))


def test_of_two_the_title_says_whether_they_can_be_told_apart() -> None:
    apart, close = ladder({"relu": 0.9, "tanh": 0.5}), ladder({"relu": 0.9, "tanh": 0.9})
    assert apart.title == "relu ranks first (mean rank 1.00 of 2, 12 blocks), clearly ahead of tanh"
    assert ", no clear difference from " in close.title
    for caption in (apart.caption, close.caption):
        assert "Friedman" not in caption and "Holm" not in caption
        assert "(Wilcoxon's signed-rank test, 5 %)" in caption


@pytest.mark.parametrize(
    ("means", "ending"),
    [
        ((0.9, 0.5, 0.1), "clearly ahead of both others"),
        ((0.9, 0.9, 0.1), "clearly ahead of the other"),
        ((0.9, 0.9, 0.9), "but without a clear difference from any other"),
    ],
)
def test_of_three_it_names_those_beside_the_first(means: tuple[float, ...], ending: str) -> None:
    found = ladder(dict(zip(("relu", "tanh", "elu"), means, strict=True)))
    assert ending in found.title
    assert "Friedman's test over all of them: p " in found.caption
    assert "Holm's correction over 3 pairs" in found.caption


TIED = "a and b tie for first (mean rank {:.2f} of {}, 10 blocks)"


@pytest.mark.parametrize(
    ("means", "cliques", "title"),
    [
        ([1.5, 1.5], [["a", "b"]], TIED.format(1.5, 2)),
        ([1.5, 1.5, 3], [["a", "b"]], TIED.format(1.5, 3) + ", clearly ahead of the other"),
        ([1.5, 1.5, 3], [["a", "b"], ["b", "c"]],
         TIED.format(1.5, 3) + ", but without a clear difference from any other"),
        ([1.5, 1.5, 3, 4], [["a", "b", "c"]],
         TIED.format(1.5, 4) + ", without a clear difference from c"),
    ],
)  # fmt: skip
def test_who_rank_first_alike_are_not_held_against_each_other(
    means: list[float], cliques: list[list[str]], title: str
) -> None:
    ranks = pd.DataFrame({"arm": list("abcd")[: len(means)], "mean_rank": means})
    assert ladder_title(ranks, cliques, 10) == title


def test_of_many_contestants_the_best_are_drawn() -> None:
    found = ladder({f"a{place}": place / 10 for place in range(stats.MOST_CONTESTANTS + 5)}, 12)
    assert found.caption.endswith(f"The best {stats.MOST_CONTESTANTS} of 45.")
