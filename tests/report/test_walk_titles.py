"""What is said of walks on a landscape: who reaches its minimum."""

import pandas as pd
import pytest

from nnbench.report.other_kinds.walks import ends_said, most_often, path_title

SOME = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        ([0, 0, 0, 0, 0, 0], "no optimizer reaches the global minimum"),
        ([9, 9, 9, 9, 9, 9], "every optimizer reaches a global minimum in all 9 walks"),
        ([0, 9, 9, 1, 9, 9], "all but sgd and adagrad reach a global minimum in all 9 walks"),
        ([0, 8, 8, 1, 8, 8], "4 of 6 optimizers reach a global minimum in 8 of 9 walks"),
        ([0, 8, 7, 1, 0, 0], "momentum reaches a global minimum most often, in 8 of 9 walks"),
    ],
)
def test_who_arrives_is_named_where_few_do_or_few_do_not(reached: list[int], said: str) -> None:
    arms = pd.DataFrame({"optimizer": SOME, "k": reached, "n": 9})
    assert path_title("bowl", arms) == f"bowl: {said}"


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        ([0, 0, 0], "no optimizer reaches a global minimum"),
        ([9, 9, 9], "every optimizer reaches a global minimum in 9 of 9 walks (100 % [60, 100])"),
        ([3, 9, 9], "b and c reach a global minimum most often: in 9 of 9 walks (100 % [60, 100])"),
        ([3, 9, 0], "b reaches a global minimum most often: in 9 of 9 walks (100 % [60, 100])"),
    ],
)
def test_over_all_landscapes_equals_share_the_first_place(reached: list[int], said: str) -> None:
    arms = pd.DataFrame({"arm": ["a", "b", "c"], "k": reached, "n": 9, "low": 0.6, "high": 1.0})
    assert most_often(arms.assign(share=arms["k"] / 9)) == f"Over all landscapes, {said}"


def test_where_no_minimum_is_reached_no_landscape_is_called_the_easiest() -> None:
    arms = pd.DataFrame({"panel": ["bowl", "well"], "arm": "a", "n": 9, "low": 0.0, "high": 0.3})
    none = arms.assign(k=0, share=0.0, steps=float("nan"))
    assert ends_said(none) == "No optimizer reaches the minimum of any landscape."
    one = arms.assign(k=[0, 9], share=[0.0, 1.0], steps=[float("nan"), 5.0])
    assert ends_said(one).startswith("Hardest is bowl: no optimizer reaches its minimum; easiest")
