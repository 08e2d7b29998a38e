"""What counts as another kind of machine, and how it is named."""

from __future__ import annotations

from nnbench.training.cluster.likeness import COMPILER, differences, likeness


def test_a_machine_is_like_itself_and_each_difference_is_named() -> None:
    ours = likeness()
    assert differences(ours, ours, compiles=True) == []
    for name in ours:
        found = differences({**ours, name: "other"}, ours, compiles=True)
        assert found == [f"{name} other"]
    assert {"torch", "processor", "sources", "Python", "MKL_CBWR"} <= ours.keys()


def test_the_compiler_counts_where_programs_are_compiled() -> None:
    ours = likeness()
    assert differences({**ours, COMPILER: "none"}, ours, compiles=False) == []
    missing = {name: value for name, value in ours.items() if name != "torch"}
    assert differences(missing, ours, compiles=False) == ["torch unknown"]
