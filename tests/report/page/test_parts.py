"""What a page is told of a picture's drawing."""

import pytest
from markupsafe import Markup

from nnbench.report.page.parts import Picture


@pytest.mark.parametrize(
    ("box", "room", "is_tall"),
    [
        ("0 0 1080 480", "1080px", False),
        ("0 0 330.4 970", "330px", True),
        ("0 0 330 366", "330px", False),
        ("", "100%", False),
    ],
)
def test_the_room_and_the_shape_are_those_of_the_drawing(
    box: str, room: str, is_tall: bool
) -> None:
    svg = Markup(f'<svg viewBox="{box}" style="--wide: 9px"></svg>' if box else "<svg></svg>")
    shown = Picture("A title", svg, "A caption.")
    assert (shown.room, shown.is_tall) == (room, is_tall)
