"""The README's picture: large, on white, the same each time, or a sentence why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scripts import readme_picture
from tests.synthetic import make_cells, write_results


@pytest.mark.whole
def test_the_picture_is_large_and_the_same_each_time(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", make_cells())
    for name in ("one.png", "two.png"):
        assert readme_picture.main([str(folder), str(tmp_path / name)]) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.width == 2000
        colors = picture.convert("RGB").getcolors(maxcolors=1 << 20)
        assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    assert colors is not None and len(colors) > 50, "something is drawn"


def test_without_results_there_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert readme_picture.main([str(tmp_path), str(tmp_path / "one.png")]) == 2
    assert capsys.readouterr().err.startswith("readme_picture: ")
    assert not (tmp_path / "one.png").exists()
