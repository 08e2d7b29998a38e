"""What is said of walks on a landscape: who reaches its minimum."""

import pandas as pd
import pytest

from nnbench.report.other_kinds.walks import path_title

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
