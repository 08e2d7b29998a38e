import colorsys
import sys

import pytest

from nnbench import lazy, seeds


def test_a_stand_in_steps_aside_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys")
    waiting = lazy._module("colorsys")
    for place in (lazy, seeds):
        monkeypatch.setattr(place, "colours", waiting, raising=False)
    assert waiting.rgb_to_hsv(1.0, 0.0, 0.0) == (0.0, 1.0, 1.0)
    assert lazy.colours is seeds.colours is sys.modules["colorsys"]


def test_what_is_there_already_needs_no_stand_in() -> None:
    assert lazy._module("colorsys") is colorsys


def test_a_compiler_sees_no_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "colours", lazy._Waiting("colorsys"), raising=False)
    lazy.load_now("colours")
    assert lazy.colours.rgb_to_hsv is colorsys.rgb_to_hsv
