"""The report: builds from anything a run can leave, without torch, escaped, whole or not at all."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
import subprocess
import sys
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nnbench.report.build
from nnbench.report.analysis import analyse
from nnbench.report.build import ReportError, build_report
from nnbench.report.build import page_of as study_of
from nnbench.report.page import numbers, table_cells
from nnbench.report.study import frames, sentences
from nnbench.report.study.figures import strip_frames
from nnbench.report.study.page import training_section
from nnbench.results.disk import StoreError
from nnbench.results.files import write_files, write_json
from nnbench.results.read import read_results
from tests.synthetic import FACTORS, make_cells, make_curves, make_many, write_results


class Page(HTMLParser):
    """Collects what a browser could run or fetch, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(folder: Path) -> Page:
    return Page(build_report(folder).path.read_text(encoding="utf-8"))


def without_curves(folder: Path, cells: pd.DataFrame, **changes: Any) -> Path:
    """Results of networks that were not trained, of which a page draws less, and is sooner made."""
    return write_results(folder, cells, make_curves(cells, epochs=0), **changes)


def answer_of(folder: Path) -> str:
    """What the page of a folder answers, the rest of it undrawn."""
    page = study_of(read_results(folder), whole=False)
    return " ".join([*page.answer, *page.rests])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of the made-up study as it stands."""
    folder = tmp_path_factory.mktemp("plain") / "results" / "synthetic"
    return page_of(write_results(folder, make_cells()))


# The build


@pytest.mark.whole
def test_the_same_results_give_the_same_bytes_and_need_neither_torch_nor_the_engine(
    tmp_path: Path,
) -> None:
    write_results(tmp_path, make_cells())
    first = build_report(tmp_path).path.read_bytes()
    program = (
        "import sys; from pathlib import Path; from nnbench.report.build import build_report;"
        "print(build_report(Path(sys.argv[1])).path);"
        "heavy = [m for m in sys.modules if m.startswith(('torch', 'nnbench.training.stacked'))];"
        "assert not heavy, heavy[:5]"
    )
    environment = os.environ | {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == first
    shuffled = make_cells().sample(frac=1, random_state=1)
    write_results(tmp_path, shuffled, make_curves(make_cells()))
    assert build_report(tmp_path).path.read_bytes() == first


@pytest.mark.whole
def test_every_interval_is_repeatable_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    cells = make_cells(seeds=range(9))  # enough blocks that an unseeded quantile would move
    one = analyse(read_results(write_results(tmp_path, cells)))
    again = write_results(tmp_path, cells.sample(frac=1, random_state=1), make_curves(cells))
    assert read_results(again).cells["cell_id"].is_monotonic_increasing
    pd.testing.assert_frame_equal(
        analyse(read_results(again)).effects, one.effects, check_exact=True
    )


@pytest.mark.whole
def test_a_failed_write_leaves_the_old_report_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_curves(tmp_path, make_cells())
    old = build_report(tmp_path).path.read_bytes()
    names = sorted(p.name for p in tmp_path.iterdir())
    page = study_of(read_results(tmp_path))
    monkeypatch.setattr(nnbench.report.build, "page_of", lambda *_: page)  # made, and not written

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for broken in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, broken, full)
            with pytest.raises(StoreError, match=r"report\.html: No space left on device\. Free"):
                build_report(tmp_path)
        assert (tmp_path / "report.html").read_bytes() == old
        assert sorted(p.name for p in tmp_path.iterdir()) == names


@pytest.mark.whole
def test_a_report_that_cannot_take_its_place_is_a_clear_error(tmp_path: Path) -> None:
    without_curves(tmp_path, make_cells())
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StoreError, match=r"Cannot write .*report\.html: Is a directory"):
        build_report(tmp_path)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.whole
@pytest.mark.parametrize(
    "name", ["cells.parquet", "curves.parquet", "provenance.json", "claims.csv", "layers.parquet"]
)
def test_a_missing_or_damaged_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    claim = {"text": "x", "better": {"activation": "tanh"}, "than": {"activation": "relu"}}
    write_results(tmp_path, make_cells(), claims=[claim])
    extra = {
        "claims.csv": b"text\nx\n",
        "layers.parquet": pd.DataFrame(columns=["cell_id"]).to_parquet(),
    }
    write_files(tmp_path, extra)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoreError, match=f"{name} does not match its checksum"):
        build_report(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(StoreError, match=f"{name} is missing"):
        build_report(tmp_path)


def test_a_folder_without_results_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cells\.parquet is missing: `nnbench run` writes it"):
        build_report(tmp_path)


def test_an_unknown_metric_is_a_clear_error(tmp_path: Path) -> None:
    write_results(tmp_path, make_cells(), report={"metric": "speed"})
    with pytest.raises(ReportError, match="'speed' is not in the results; there are: test_acc"):
        build_report(tmp_path)


def test_a_metric_that_no_cell_has_is_a_clear_error(tmp_path: Path) -> None:
    cells = make_cells()
    changed = cells.assign(test_accuracy=None, test_r2=0.5)
    write_results(tmp_path, changed, make_curves(cells))
    with pytest.raises(ReportError, match=r"no cell has test_accuracy; there are: .*test_r2"):
        build_report(tmp_path)


@pytest.mark.slow
def test_thirteen_hundred_cells_make_a_page_under_two_megabytes(tmp_path: Path) -> None:
    cells = make_cells(seeds=range(55))
    assert len(cells) > 1300
    write_results(tmp_path, cells)
    path = build_report(tmp_path).path
    assert path.stat().st_size < 2_000_000


@pytest.mark.slow
def test_a_hundred_thousand_cells_report_within_two_gigabytes(tmp_path: Path) -> None:
    cells, curves = make_many()
    assert len(cells) == 100_000
    names = ("data", "activation", "init", "optimizer", "norm")
    factors = {name: list(dict.fromkeys(cells[name])) for name in names}
    write_results(tmp_path, cells, curves, factors=factors, name="many")
    program = (
        "import resource, sys; from pathlib import Path;"
        "from nnbench.report.build import build_report; build_report(Path(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    run = [sys.executable, "-c", program, str(tmp_path)]
    ended = subprocess.run(run, capture_output=True, text=True, check=True)
    assert float(ended.stdout) < 2e6
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "The best 100 of 10,000 configurations" in text
    assert "more configurations: the rows of cells.csv" in text


# What it says


def test_the_page_holds_its_parts_in_order_and_fetches_nothing(plain: Page) -> None:
    parts = ["answer", "mattered", "won", "interaction", "training", "failed", "method"]
    assert [i for i in plain.ids if i in parts] == parts
    assert len(plain.ids) == len(set(plain.ids))
    assert plain.tags.count("figure") == 8 and plain.tags.count("script") == 1
    links = [v for name, v in plain.attributes if name in ("href", "src", "xlink:href")]
    others = [link for link in links if not link.startswith("#")]
    assert all(link.startswith("../index.html") for link in others)  # to the home of all results
    links = [link for link in links if link.startswith("#")]
    assert links and {link[1:] for link in links} <= set(plain.ids)
    alts = [v for name, v in plain.attributes if name == "aria-label" and "test accuracy" in v]
    assert alts and "nnbench run synthetic" in plain.text


def test_every_figure_has_its_numbers_behind_it(plain: Page) -> None:
    assert plain.tags.count("details") == plain.tags.count("figure")
    assert plain.tags.count("svg") == 2 * plain.tags.count("figure"), "one for small windows too"


@pytest.mark.whole
def test_only_the_script_that_is_on_the_page_may_run(tmp_path: Path) -> None:
    html = build_report(without_curves(tmp_path, make_cells())).path.read_text(encoding="utf-8")
    code = html.split("<script>")[1].split("</script>")[0]
    digest = b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = next(v for n, v in Page(html).attributes if n == "content" and "default-src" in v)
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy


def test_the_answer_gives_effect_interval_and_count(plain: Page) -> None:
    text = plain.text
    opening = (
        r"Activation matters most: tanh gains (\d\.\d) points of test accuracy against relu "
        r"\(95 % CI \d\.\d to \d\.\d; 24 pairs in 6 blocks\) and sigmoid loses (\d+\.\d) points of "
        r"test accuracy against relu \(95 % CI \d+\.\d to \d+\.\d; 21 of 24 pairs in 6 blocks, "
    )
    said = re.search(opening, text)
    assert said and abs(float(said[1]) - 2) < 0.5 and abs(float(said[2]) - 10) < 0.5, "planted"
    assert "Next is optimizer: sgd loses " in text
    assert "No initialisation makes a clear difference to test accuracy: the largest, " in text
    assert "69 of 72 networks finished; 3 diverged" in text


def test_an_unclear_difference_says_what_would_have_been_seen(plain: Page) -> None:
    said = re.search(
        r"xavier_normal against he_normal, is [−+]0\.\d+ points \(95 % CI −0\.\d+ to \+0\.\d+; "
        r"33 of 36 pairs in 6 blocks, of those that finished\)\. This study could detect "
        r"(\d\.\d+) points(; about (\d+) seeds would settle the largest difference: "
        r"nnbench run synthetic --seeds (\d+) ?)?\.",
        plain.text,
    )
    assert said and 0.1 < float(said[1]) < 2 and said[3] == said[4]


@pytest.mark.whole
def test_it_never_says_better_without_a_clear_difference(tmp_path: Path) -> None:
    cells = make_cells()
    cells["test_accuracy"] = np.random.default_rng(3).normal(0.9, 0.05, len(cells))
    cells["status"] = "ok"
    cells["test_accuracy"] = cells["test_accuracy"].where(cells["seed"] != 0, 0.9)
    analysis = analyse(read_results(write_results(tmp_path, cells)))
    unclear = analysis.effects[~analysis.effects["baseline"]]
    spans = (unclear["effect_low"] <= 0) & (unclear["effect_high"] >= 0)
    assert spans.any()
    assert not unclear.loc[spans, "verdict"].isin(["better", "worse"]).any()
    quiet = analysis.effects.assign(
        verdict=analysis.effects["verdict"].replace(["better", "worse"], "no clear difference")
    )
    counts = {"n": 72, "ok": 72, "diverged": 0, "crashed": 0, "missing": 0}
    arguments = (analysis.ranking, analysis.baselines, "test_accuracy", counts, "")
    said = " ".join(sentences.findings(quiet, *arguments))
    assert said.startswith("No ") and " makes a clear difference to test accuracy: " in said
    assert not re.search(r"\b(gains|loses|matters)\b", said)


def test_an_interval_that_excludes_zero_only_by_itself_is_said_to() -> None:
    row = {
        "factor": "init",
        "level": "b",
        "baseline": False,
        "n": 9,
        "diverged": 0,
        "effect": 2.0,
        "only": None,
        "lost": 0,
        "lost_baseline": 0,
        "effect_low": 0.1,
        "effect_high": 3.9,
        "effect_reason": None,
        "pairs_used": 9,
        "pairs": 9,
        "blocks": 9,
        "verdict": "no clear difference",
        "detectable": 4.0,
        "seeds_needed": 11.0,
        "note": "the interval excludes zero by itself, but not after correction for 6 comparisons",
    }
    ranking = pd.DataFrame({"factor": ["init"], "range": [0.02]})
    counts = {"n": 9, "ok": 7, "diverged": 2, "crashed": 0, "missing": 0}
    arguments = (ranking, {"init": "a"}, "test_accuracy", counts, "")
    said = sentences.findings(pd.DataFrame([row]), *arguments)
    assert said == [
        "No initialisation makes a clear difference to test accuracy: the largest, b against a, is "
        "+2.0 points (95 % CI +0.1 to +3.9; 9 pairs in 9 blocks; the interval excludes zero by "
        "itself, but not after correction for 6 comparisons). This study could detect 4.0 points; "
        "about 11 seeds would settle the largest difference.",
    ]
    many = pd.DataFrame([row | {"seeds_needed": 2141.0}])
    (sentence,) = sentences.findings(many, *arguments)
    assert sentence.endswith("This study could detect 4.0 points.")
    lost = pd.DataFrame([row | {"detectable": math.nan}])
    (sentence,) = sentences.findings(lost, *arguments)
    assert sentence.endswith("). About 11 seeds would settle the largest difference.")
    zero = row | {"effect": 0.0, "effect_low": -9.0, "effect_high": 9.0, "seeds_needed": math.nan}
    (sentence,) = sentences.findings(pd.DataFrame([zero | {"note": None}]), *arguments)
    assert ": the largest, b against a, is 0.0 points (95 % CI −9.0 to +9.0; 9 pairs" in sentence
    ends = {"effect_low": math.nan, "effect_high": math.nan}
    equal = zero | ends | {"effect_reason": "undefined: all 9 blocks equal"}
    (sentence,) = sentences.findings(pd.DataFrame([equal]), *arguments)
    assert sentence.endswith("makes a clear difference to test accuracy: all give the same result.")


@pytest.mark.whole
@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_the_verdict_follows_the_metrics_direction(tmp_path: Path, metric: str) -> None:
    text = answer_of(write_results(tmp_path, make_cells(), report={"metric": metric}))
    sides = ("gains", "loses") if metric == "test_accuracy" else ("lowers", "raises")
    assert f"tanh {sides[0]} " in text and f"sigmoid {sides[1]} " in text


def test_failures_name_the_arm_the_steps_and_a_cell(plain: Page) -> None:
    assert "spirals sigmoid sgd he_normal 3 of 3 40 to 42 000000000000003f" in plain.text
    assert "nnbench export 000000000000003f --from results/synthetic" in plain.text


def test_the_best_and_the_worst_arm_can_be_exported(plain: Page) -> None:
    cells = make_cells().set_index("cell_id")
    found = re.findall(
        r"# (\w+) configuration nnbench export ([0-9a-f]{16}) --from results/synthetic",
        plain.text,
    )
    best, worst = (cells.loc[cell] for _, cell in found)
    assert [name for name, _ in found] == ["best", "worst"]
    assert (best["activation"], best["optimizer"]) == ("tanh", "adam")
    assert (worst["activation"], worst["optimizer"]) == ("sigmoid", "sgd")


@pytest.mark.whole
def test_what_was_left_out_is_said_with_its_reason(tmp_path: Path) -> None:
    rule = {"why": "self-normalising already", "activation": "selu", "norm": {"name": "batchnorm"}}
    design = {"kind": "full", "baseline": {}, "exclude": [rule]}
    text = page_of(without_curves(tmp_path, make_cells(), design=design)).text
    left = "Excluded from the grid before the run: selu (batchnorm): self-normalising already"
    assert left in text


@pytest.mark.whole
def test_claims_come_first_verdict_and_sentence(tmp_path: Path) -> None:
    claims = [{"text": "Tanh < relu | always"}]
    folder = without_curves(tmp_path, make_cells(), claims=claims)
    sentence = "Contradicted: test accuracy is higher by 0.02 [0.01, 0.03] (24 of 24 pairs)."
    row = {"text": claims[0]["text"], "verdict": "contradicted", "sentence": sentence, "course": 3}
    table = pd.DataFrame([row | {"effect": 0.02, "low": 0.01, "high": 0.03, "n_ok": 24, "n": 24}])
    write_files(folder, {"claims.csv": table.to_csv(index=False).encode()})
    page = page_of(folder)
    assert page.ids.index("answer") < page.ids.index("claims") < page.ids.index("mattered")
    shown = "▼ contradicted Tanh < relu | always Claim 3 of the course. Test accuracy is higher"
    assert shown in page.text
    write_files(folder, {"claims.csv": b"text\nno verdict\n"})
    with pytest.raises(ReportError, match=r"claims\.csv cannot be read"):
        build_report(folder)


@pytest.mark.whole
def test_a_few_blocks_make_a_matrix_and_many_a_ladder(tmp_path: Path) -> None:
    few = page_of(without_curves(tmp_path / "few", make_cells(seeds=range(2))))
    assert re.search(r"3 pairs of levels of activation clearly differ in test accuracy", few.text)
    many = page_of(without_curves(tmp_path / "many", make_cells(seeds=range(9))))
    assert "ranks first (mean rank" in many.text or "tie for first" in many.text
    assert "A bar joins neighbours without a clear difference" in many.text


@pytest.mark.whole
def test_a_mixed_study_says_which_data_took_no_part(tmp_path: Path) -> None:
    cells = make_cells()
    regression = cells["data"] == "spirals"
    cells["test_r2"] = cells["test_accuracy"].where(regression)
    cells["test_accuracy"] = cells["test_accuracy"].mask(regression)
    text = page_of(without_curves(tmp_path, cells)).text
    assert "exists only for classification: spirals took no part" in text
    assert "12 pairs in 3 blocks" in text and "69 of 72 networks finished" in text


@pytest.mark.whole
def test_a_tuned_factor_is_chosen_and_said(tmp_path: Path) -> None:
    rates = [("adam", 0.001), ("adam", 0.01), ("sgd", 0.3)]
    levels = FACTORS | {"optimizer": ["adam lr=0.001", "adam lr=0.01", "sgd"]}
    report = {"metric": "test_accuracy", "tune": ["optimizer.lr"]}
    folder = without_curves(tmp_path, make_cells(optimizers=rates), factors=levels, report=report)
    text = page_of(folder).text
    assert "Tuned: optimizer.lr" in text and "adam lr=" not in text.split("What failed")[0]


# What can go wrong


def all_diverged(cells: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    cells = cells.copy()
    cells.loc[rows, ["test_accuracy", "test_loss", "val_loss"]] = None
    cells.loc[rows, "status"] = "diverged"
    cells.loc[rows, "diverged_at_step"] = 1
    return cells


CELLS = make_cells()
FIXED = (CELLS["activation"] == "relu") & (CELLS["init"] == "he_normal")
DEGENERATE: dict[str, tuple[pd.DataFrame, dict[str, list[str]], str]] = {
    "one seed": (make_cells(seeds=[0]), FACTORS, "no interval: one block per data set"),
    "no factor": (
        CELLS[FIXED & (CELLS["optimizer"] == "adam") & (CELLS["data"] == "digits")],
        {},
        "This study has one configuration and compares nothing: mean test accuracy (%) 94",
    ),
    "one cell": (CELLS.head(1), {}, "no interval: one block"),
    "all diverged": (all_diverged(CELLS, CELLS["seed"] >= 0), FACTORS, "No network finished"),
    "a level diverged": (
        all_diverged(CELLS, CELLS["activation"] == "tanh"),
        FACTORS,
        "undefined: none of 24 pairs has both values",
    ),
    "the baseline diverged": (
        all_diverged(CELLS, CELLS["activation"] == "relu"),
        FACTORS,
        "undefined: none of 24 pairs has both values",
    ),
    "one seed left": (
        all_diverged(CELLS, (CELLS["activation"] == "tanh") & (CELLS["seed"] > 0)),
        FACTORS,
        "undefined: one block per data set",
    ),
    "one level": (
        CELLS[CELLS["activation"] == "relu"],
        FACTORS | {"activation": ["relu"]},
        "Optimizer matters most: sgd loses ",
    ),
    "all ties": (
        CELLS.assign(test_accuracy=0.5, status="ok"),
        FACTORS,
        "undefined: all 6 blocks equal",
    ),
    "a crash": (
        CELLS.assign(status=np.where(CELLS.index == 0, "crashed", CELLS["status"])),
        FACTORS,
        "3 diverged and 1 crashed",
    ),
}


@pytest.mark.whole
@pytest.mark.parametrize("name", DEGENERATE)
def test_a_degenerate_study_still_gets_a_report(tmp_path: Path, name: str) -> None:
    cells, factors, expected = DEGENERATE[name]
    page = page_of(write_results(tmp_path, cells, factors=factors))
    assert expected in page.text
    shown = page.text.split("Method")[0]
    assert "nan" not in re.findall(r"[a-z]+", shown.lower())
    n, ok = len(cells), int((cells["status"] == "ok").sum())
    assert f"{ok} of {n}" in page.text


@pytest.mark.whole
def test_no_training_means_no_curves(tmp_path: Path) -> None:
    cells = make_cells()
    page = page_of(without_curves(tmp_path, cells))
    assert "training" not in page.ids and "mattered" in page.ids
    nothing = make_curves(cells).head(0)
    results = read_results(write_results(tmp_path, cells, nothing))
    assert training_section(results, analyse(results)) is None


@pytest.mark.whole
def test_a_study_without_prose_goes_by_its_name(tmp_path: Path) -> None:
    prose = dict.fromkeys(("title", "question", "prediction", "paper"), "")
    page = page_of(without_curves(tmp_path, make_cells(), **prose))
    assert page.text.startswith("synthetic · nnbench") and "Predicted" not in page.text


@pytest.mark.whole
def test_missing_cells_are_said(tmp_path: Path) -> None:
    folder = without_curves(tmp_path, make_cells())
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance["counts"]["missing"] = 8
    write_json(folder / "provenance.json", provenance)
    assert "69 of 80 networks finished; 3 diverged and 8 have not run" in answer_of(folder)


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "{% raw %}",
    "$\\frac{1}{0}$",
    "🦊🦊",
    "</style><script>alert(1)</script>",
    "</svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; \x00 \x1b",
    "https://example.org/x.png",
    "'; DROP TABLE cells; --",
]


@pytest.mark.whole
@pytest.mark.parametrize("first", range(0, len(PAYLOADS), 6))
def test_hostile_text_stays_text(tmp_path: Path, plain: Page, first: int) -> None:
    payloads = itertools.cycle(PAYLOADS[first:] + PAYLOADS[:first])
    cells = make_cells()
    for column in ("data", "activation", "init", "optimizer", "engine", "cell_id"):
        old = cells[column].iloc[0]
        cells[column] = cells[column].where(cells[column] != old, next(payloads))
    cells["init"] = cells["init"] + next(payloads)
    factors = {name: list(dict.fromkeys(cells[name])) for name in FACTORS}
    prose = {key: next(payloads) for key in ("title", "question", "prediction", "paper")}
    name = PAYLOADS[first]
    page = page_of(write_results(tmp_path, cells, factors=factors, name=name, **prose))
    assert set(page.tags) <= set(plain.tags)
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert not {name for name, _ in page.attributes if name.startswith("on")}
    links = [v for name, v in page.attributes if name in ("href", "src", "xlink:href")]
    assert all(link.startswith(("#", "../index.html")) for link in links)
    for text in (f"nnbench study · {name}", prose["question"]):
        visible = text.translate({0: "\ufffd", 27: "\ufffd"})
        assert " ".join(visible.split()) in page.text


# How numbers are written


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (0.942, 3, False, "0.942"),
        (-0.0521, 3, True, "−0.052"),
        (0.0521, 3, True, "+0.052"),
        (-0.0001, 3, True, "0.000"),
        (math.nan, 3, False, "–"),
        (math.inf, 3, False, "–"),
        (1e-9, None, False, "1.00·10⁻⁹"),
        (12_345_678.0, 2, False, "1.23·10⁷"),
        (123.4, None, False, "123"),
    ],
)
def test_numbers(value: float, decimals: int | None, signed: bool, text: str) -> None:
    assert numbers.number(value, decimals, signed) == text


def test_decimals_follow_the_interval_within_reason() -> None:
    assert numbers.decimals_for([0.942], [0.006]) == 3
    assert numbers.decimals_for([0.942], [0.3]) == 2
    assert numbers.decimals_for([0.25, 0.03], [0.012, 0.007]) == 3
    assert numbers.decimals_for([0.942], [1e-9]) == 3
    assert numbers.decimals_for([420.0], [30.0]) == 0
    assert numbers.decimals_for([0.0]) == 2


def test_an_interval_that_excludes_zero_excludes_it_as_printed() -> None:
    row = {"effect": 0.02, "effect_low": 0.0004, "effect_high": 0.0396, "verdict": "better"}
    row |= {"pairs_used": 9, "pairs": 9, "blocks": 9, "effect_reason": None}
    table = pd.DataFrame([row])
    text = sentences.effect_text(table.iloc[0], table_cells.effect_places(table))
    assert "[0.0004," in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.21, "4.2 s"), (200, "3 min 20 s"), (7512, "2 h 05 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_a_factor_that_tuning_leaves_one_level_ranks_last_and_is_no_row(tmp_path: Path) -> None:
    cells = make_cells(optimizers=[("sgd", 0.1), ("sgd", 0.3)])
    write_results(tmp_path, cells, report={"metric": "test_accuracy", "tune": ["optimizer.lr"]})
    analysis = analyse(read_results(tmp_path))
    assert analysis.ranking["factor"].iloc[0] == "activation"
    known = analysis.ranking["component"].dropna().tolist()
    assert known == sorted(known, reverse=True) and len(known) == 2
    assert analysis.ranking["factor"].iloc[-1] == "optimizer"
    assert "optimizer" not in set(analysis.shares["term"])


@pytest.mark.whole
def test_of_many_levels_the_largest_effects_are_drawn_in_their_order(tmp_path: Path) -> None:
    cells, _ = make_many(levels=20, seeds=2)
    cells = cells[cells["init"].eq("init_0") & cells["optimizer"].eq("optimizer_0")]
    cells = cells[cells["norm"].eq("norm_0")]
    levels = [f"activation_{i}" for i in range(20)]
    write_results(tmp_path, cells, factors={"data": ["digits", "spirals"], "activation": levels})
    strips, _ = strip_frames(analyse(read_results(tmp_path)))
    effects = strips.loc[strips["factor"] == "activation", "effect"].tolist()
    assert len(effects) == 12 and effects == sorted(effects, reverse=True)
    assert "the 12 largest of 19" in strips["heading"].iloc[0]


def test_a_seeds_line_is_its_median_over_the_other_factors() -> None:
    cells = make_cells(seeds=range(2))
    lines = frames.seed_curves(cells, make_curves(cells), "activation", "val_metric")
    summary = frames.curve_summary(lines, cells, "activation")
    seeds = frames.seed_medians(lines, summary)
    assert not seeds.duplicated(["data", "level", "seed", "epoch"]).any()
    one = (lines["data"] == "digits") & (lines["level"] == "relu") & (lines["epoch"] == 20)
    last = seeds[(seeds["data"] == "digits") & (seeds["level"] == "relu") & (seeds["epoch"] == 20)]
    assert last["seed"].tolist() == [0, 1]
    assert last["value"].tolist() == lines[one].groupby("seed")["value"].median().tolist()
