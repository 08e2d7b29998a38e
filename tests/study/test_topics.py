"""Every shipped study belongs to one topic, and no topic names a study that is not there."""

from __future__ import annotations

from pathlib import Path

from nnbench.study.shelf import study_files
from nnbench.study.topics import OTHER, TOPICS, topic_of


def test_every_shipped_study_has_one_topic() -> None:
    listed = [study for topic in TOPICS for study in topic.studies]
    assert len(listed) == len(set(listed))
    shelf = study_files(Path(__file__).parents[2] / "studies")
    assert set(listed) == set(shelf)


def test_a_study_of_ones_own_is_among_the_others() -> None:
    assert topic_of("mine") == OTHER
    assert topic_of("schedules").title == "Schedules"
