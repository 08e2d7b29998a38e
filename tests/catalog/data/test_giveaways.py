"""A column that tells the target alone is named; one that tells much of it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnbench.catalog.data.tables.giveaways import NOTE, told_alone, with_giveaways
from nnbench.catalog.data.tables.table import Choices, read_table

ROWS = 400


def notes(folder: Path, frame: pd.DataFrame, target: str) -> dict[str, str]:
    path = folder / "t.csv"
    frame.to_csv(path, index=False)
    report = with_giveaways(read_table(path, Choices(target)))
    return {about["name"]: about["note"] for about in report["columns"]}


@pytest.mark.parametrize("target", ["kind", "price"])
def test_what_was_made_from_the_target_is_named_and_stays(tmp_path: Path, target: str) -> None:
    generator = np.random.default_rng(0)
    score = generator.normal(size=ROWS)
    frame = pd.DataFrame({"good": score + generator.normal(size=ROWS), "noise": score * 0})
    frame["noise"] = generator.normal(size=ROWS)
    frame["kind"] = np.where(score > 0, "yes", "no")
    frame["price"] = 100 + 20 * score
    frame["group"] = np.where(score > 0, "approved", "refused")
    frame["tax"] = np.round(frame["price"] * 0.19 + 3, 2)
    frame = frame.drop(columns="kind" if target == "price" else "price")
    found = notes(tmp_path, frame, target)
    given_away = {name for name, note in found.items() if NOTE in note}
    # of a target made of the score, all that was made of the same score tells it
    assert given_away == ({"tax"} if target == "price" else {"group", "tax"})
    assert "good" in found and "noise" in found


def test_iris_has_good_columns_and_none_that_gives_it_away(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "a", 1: "b", 2: "c"})
    assert not any(NOTE in note for note in notes(tmp_path, frame, "target").values())


def test_what_is_told_is_none_of_noise_and_all_of_a_copy() -> None:
    generator = np.random.default_rng(1)
    y = generator.integers(0, 3, ROWS)
    assert told_alone(y[:, None].astype(float), y, "classification") == 1
    assert told_alone(generator.normal(size=(ROWS, 1)), y, "classification") < 0.2
    gaps = np.where(y == 1, np.nan, y)[:, None]
    assert told_alone(gaps, y, "classification") == 1  # a gap can give it away, too
