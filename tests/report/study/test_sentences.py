"""What an answer says of differences that are not clear, and that its sentences agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.report.page.html import unbroken
from nnbench.report.study.mattered import unclear_said
from nnbench.report.study.profiles import _profile_title
from nnbench.report.study.sentences import effect_text, effects_title, findings

BASE = {"init": "he_normal", "norm": "none"}
COUNTS = {"n": 40, "ok": 40, "diverged": 0, "crashed": 0}


def effects(metric_scale: float = 1.0, **row: Any) -> pd.DataFrame:
    """Return one factor's baseline and one level that is 2 points behind, unclear unless told."""
    level = {
        "factor": "init", "level": "zero", "baseline": False, "only": None,
        "effect": -2.0 * metric_scale, "effect_low": -5.0, "effect_high": 1.0,
        "effect_reason": None, "note": None, "verdict": "no clear difference",
        "detectable": 4.0, "detectable_reason": None, "seeds_needed": 12.0,
        "pairs": 20, "pairs_used": 20, "blocks": 10, "lost": 0, "lost_baseline": 0,
    }  # fmt: skip
    baseline = level | {"level": "he_normal", "baseline": True, "effect": np.nan}
    return pd.DataFrame([baseline, level | row])


def said(frame: pd.DataFrame, metric: str = "test_accuracy", **more: str) -> list[str]:
    ranking = pd.DataFrame({"factor": ["init"], "component": [0.4]})
    return findings(frame, ranking, BASE, metric, COUNTS, "", **more)


def test_a_study_that_could_detect_less_than_it_saw_does_not_say_so() -> None:
    (near,) = said(effects())
    assert "This study could detect 4.0 points" in near
    (far,) = said(effects(effect=-13.0, note="but not after correction for 17 comparisons"))
    assert "could detect" not in far and "not after correction" in far


def test_a_study_that_could_detect_half_the_range_could_tell_hardly_anything() -> None:
    (text,) = said(effects(detectable=98.0))
    assert "It could detect very little: nothing smaller than 98 points" in text
    (loss,) = said(effects(detectable=98.0), metric="test_loss")
    assert "could detect 98" in loss, "a loss has no range"


def test_a_drift_per_layer_is_said_in_times_and_not_in_logarithms() -> None:
    row = effects(effect=1.28, effect_low=1.27, effect_high=1.29).iloc[1]
    assert effect_text(row, 2, is_log=True).startswith("×19.1 [18.6, 19.5]")
    assert effect_text(row, 2).startswith("+1.28 [1.27, 1.29]")
    row[["effect", "effect_reason"]] = [np.nan, "none"]
    assert effect_text(row, 2, is_log=True) == "none"


def test_the_title_names_what_is_clear_before_what_is_merely_larger() -> None:
    unclear = effects()
    assert effects_title(unclear, BASE, "test_accuracy").startswith("No clear difference; the")
    clear = unclear.tail(1).assign(level="ones", effect=1.0, verdict="better", effect_low=0.5)
    both = effects_title(pd.concat([unclear, clear]), BASE, "test_accuracy")
    assert both.startswith("Largest clear difference: ones gains 1.0 points")
    alone = effects_title(pd.concat([unclear.head(1), clear]), BASE, "test_accuracy")
    assert alone.startswith("Largest difference: ones gains")


def test_where_no_level_differs_what_matters_in_combination_comes_last() -> None:
    together = "Initialisation and normalisation matter together."
    lines = said(effects(), together=together)
    assert lines[0].startswith("No initialisation makes a clear difference")
    assert lines[1] == "But initialisation and normalisation matter together."
    clear = said(effects(verdict="worse", effect_high=-1.0), together=together)
    assert clear[0].startswith("Initialisation matters: ") and clear[1] == together


def test_what_was_tuned_is_told_with_the_finding() -> None:
    chosen = "each at its best learning rate"
    assert f"to test accuracy, {chosen}: the largest" in said(effects(), chosen=chosen)[0]
    clear = said(effects(verdict="worse", effect_high=-1.0), chosen=chosen)
    assert clear[0].startswith(f"Initialisation matters, {chosen}: zero loses ")


@pytest.mark.parametrize(
    ("label", "kind", "tau", "words"),
    [
        ("epochs to the target", "ratio", 1.0, "of the runs of sgd do as well as the best"),
        ("epochs to the target", "ratio", 1.5, "have epochs to the target within 1.50 times"),
        ("test loss", "ratio", 1.5, "have a test loss within 1.50 times the best"),
        ("test loss", "ratio", 1.004, "of the runs of sgd do as well as the best"),
        ("test loss", "ratio", 3e7, "have a test loss within 3.00·10⁷ times the best"),
        ("gap", "gap", 0.0, "do as well as the best"),
        ("test R2", "score", -0.446, "reach a test R2 of −0.446"),
        ("test R2", "score", 0.0, "reach a test R2 of 0"),
    ],
)
def test_a_profile_is_told_in_a_sentence_that_agrees(
    label: str, kind: str, tau: float, words: str
) -> None:
    rows = [("adam", 0.2, 2), ("sgd", 0.9, 9)]
    profile = pd.DataFrame(
        [
            {"arm": arm, "tau": tau, "share": share, "k": k, "n": 10,
             "share_low": share - 0.1, "share_high": share + 0.1}
            for arm, share, k in rows
        ]
    )  # fmt: skip
    title = _profile_title(profile, label, kind, "")
    assert words in title and "a epochs" not in title


def test_the_largest_share_and_no_clear_level_are_reconciled() -> None:
    within = pd.DataFrame(
        [{"kind": "factor", "term": "init", "component": 0.4, "first": "init", "second": None}]
    )
    assert "does not contradict this" in unclear_said(effects(), within)
    assert unclear_said(effects(verdict="worse"), within) == ""
    assert unclear_said(effects(), within.assign(component=0.0)) == ""


def test_a_formula_does_not_break() -> None:
    assert " " not in unbroken("1 − (1 − 2⁻ᴺ)ᴸ") and " " not in unbroken("π / (π − 1)")
    assert unbroken("one and two") == "one and two"


def test_what_drifts_by_a_factor_is_told_in_times_per_layer() -> None:
    (sentence, *_) = said(effects(2.0, effect=1.28, verdict="worse"), "gradient_drift")
    assert "the gradient drifts 19.1 times more per layer than with" in sentence
    assert "drift of the gradient through depth by" not in sentence


def test_a_factor_near_one_is_not_printed_as_one_where_its_interval_leaves_one_out() -> None:
    near: dict[str, Any] = {"effect": 0.001, "effect_low": 0.0008, "effect_high": 0.0012}
    frame = effects(**near, verdict="worse")
    text = effect_text(frame.iloc[1], 3, is_log=True)
    assert text.startswith("×1.002 [1.002, 1.003]")
    (sentence, *_) = said(frame, "gradient_drift")
    assert "drifts 1.002 times more per layer" in sentence
    assert "95 % CI 1.002 to 1.003" in sentence
    wide = effects(effect=-0.3, effect_low=-0.9, effect_high=-0.0003, verdict="better")
    (sentence, *_) = said(wide, "gradient_drift")
    assert "drifts 2.00 times less per layer" in sentence
    assert "95 % CI 1.0007 to 7.94" in sentence


def test_an_unclear_factor_is_said_as_in_its_figure_and_not_as_a_logarithm() -> None:
    frame = effects(effect=1.61, effect_low=-0.1, effect_high=3.0, detectable=2.0)
    assert effects_title(frame, BASE, "gradient_drift").endswith("against he_normal, is ×41")
    (sentence,) = said(frame, "gradient_drift")
    assert "is ×41 (95 % CI 1 to 1000; 20 pairs" in sentence
    assert "could detect ×100" in sentence
