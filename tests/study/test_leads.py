"""What a page opens with: a study file may name it, and is refused what it cannot have."""

from __future__ import annotations

from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.leads import LEADS
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Study

LAYERS = {"layers": True}


def leading(lead: str, grid: dict[str, Any], **sections: Any) -> Study:
    content = {"name": "a", "report": {"lead": lead}, **sections}
    return make_study(content | {"grid": {"data": "moons", "seeds": 1} | grid}, VOCABULARY)


@pytest.mark.parametrize(
    ("lead", "grid", "probes", "reason"),
    [
        ("born_ded", {"depth": [1, 2]}, LAYERS, 'unknown "born_ded"; did you mean "born_dead"?'),
        ("born_dead", {"depth": [1, 2]}, {}, "born_dead needs layers = true in [probes]"),
        ("born_dead", {"norm": ["none", "batchnorm"]}, LAYERS, "needs two values of depth or widt"),
        ("rates", {"depth": [1, 2]}, {}, "rates needs two values of schedule in [grid]"),
        ("dead_units", {"epochs": 0}, LAYERS, "dead_units needs epochs above 0 in [grid]"),
        ("differences", {"data": ["moons", "iris"]}, {}, "needs two values of one of the keys"),
        ("walks", {"depth": [1, 2]}, {}, 'walks needs kind = "landscape"'),
    ],
)
def test_a_lead_that_a_study_cannot_have_is_refused(
    lead: str, grid: dict[str, Any], probes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(StudyError) as refusal:
        leading(lead, grid, probes=probes)
    assert str(refusal.value).startswith("[report] lead: ") and reason in str(refusal.value)


def test_a_lead_that_a_study_can_have_is_kept() -> None:
    made = leading("born_dead", {"width": [2, 4], "epochs": 0}, probes=LAYERS)
    assert made.document()["report"]["lead"] == "born_dead"
    walks = {"kind": "landscape", "name": "a", "grid": {"landscape": "bowl", "seeds": 1}}
    for lead in (name for name, one in LEADS.items() if one.study_kind == "landscape"):
        assert make_study(walks | {"report": {"lead": lead}}, VOCABULARY).report.lead == lead
