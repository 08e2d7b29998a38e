"""The command line as a user meets it: real processes, exit codes, one clear sentence each."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from nnbench.cli.progress import Progress
from nnbench.results.store import Survey
from tests.cli.tiny import STUDY
from tests.command import nnbench

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.toml").write_text(STUDY)
    ended = nnbench("run", "tiny.toml", "--workers", "1", "--json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert (outcome["cells"], outcome["missing"], outcome["crashed"]) == (12, 0, 0)
    assert outcome["diverged"] == 2  # relu at lr = 1e9; tanh saturates and stays finite
    return folder


def test_a_run_writes_every_table_and_the_report(finished: Path) -> None:
    folder = finished / "results" / "tiny"
    cells = pd.read_parquet(folder / "cells.parquet")
    assert len(cells) == 12
    assert list(cells.columns[:4]) == ["cell_id", "study", "data", "seed"]
    assert set(cells["engine"]) == {"stacked-eager"}
    good = cells[cells["status"] == "ok"]
    assert good["epochs_to_target"].notna().any()
    assert cells.loc[cells["status"] == "diverged", "test_accuracy"].isna().all()
    assert len(pd.read_csv(folder / "cells.csv")) == 12
    curves = pd.read_parquet(folder / "curves.parquet")
    assert set(curves.loc[curves["cell_id"] == good["cell_id"].iloc[0], "epoch"]) == {0, 1, 2, 3}
    assert json.loads((folder / "provenance.json").read_text())["counts"]["diverged"] == 2
    page = (folder / "report.html").read_text()
    assert "Does it run?" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_running_again_trains_nothing(finished: Path) -> None:
    ended = nnbench("run", "tiny.toml", "--workers", "1", cwd=finished)
    assert ended.returncode == 0
    assert "0 to train" in ended.stderr
    assert "10 of 12 networks finished, 2 diverged" in ended.stdout


def test_status_verify_and_report(finished: Path) -> None:
    status = json.loads(nnbench("status", "tiny.toml", "--json", cwd=finished).stdout)
    assert (status["finished"], status["to_run"], status["stale"]) == (12, 0, 0)
    told = nnbench("status", "tiny.toml", cwd=finished).stdout
    assert told == "tiny: 12 of 12 networks finished, nothing to run\n"
    assert nnbench("verify", "tiny", cwd=finished).returncode == 0
    before = (finished / "results/tiny/report.html").read_bytes()
    assert nnbench("report", "tiny", cwd=finished).returncode == 0
    assert (finished / "results/tiny/report.html").read_bytes() == before


def test_results_are_named_by_their_folder_or_by_their_study(finished: Path) -> None:
    (finished / "studies").mkdir(exist_ok=True)
    (finished / "studies" / "other.toml").write_text(STUDY)  # a file of another name than its study
    for place in ("results/tiny", "tiny", "studies/other.toml", "other"):
        status = json.loads(nnbench("status", place, "--json", cwd=finished).stdout)
        assert (status["study"], status["cells"], status["to_run"]) == ("tiny", 12, 0)
        assert nnbench("verify", place, cwd=finished).stdout == "results/tiny: sound\n"
    lines = nnbench("report", "other", cwd=finished).stdout.splitlines()
    assert lines[:2] == ["results/tiny/report.html", "results/tiny/report.md"]
    assert lines[-1] == (finished / "results/tiny/report.html").resolve().as_uri()
    assert all((finished / line).is_file() for line in lines[:-1])


def test_a_name_stands_for_a_file_in_this_folder_too(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    by_name, by_file = (
        nnbench("run", it, "--dry-run", cwd=tmp_path) for it in ("tiny", "tiny.toml")
    )
    assert by_name.returncode == 0 and by_name.stdout == by_file.stdout
    ended = nnbench("run", "tiniest", "--dry-run", cwd=tmp_path)
    assert ended.returncode == 2 and 'there is no study "tiniest"' in ended.stderr


def test_help_says_whole_sentences(tmp_path: Path) -> None:
    ended = nnbench("--help", cwd=tmp_path, env=os.environ | {"COLUMNS": "80"})
    commands = ended.stdout.partition("Commands:")[2].strip().splitlines()
    assert len(commands) >= 13
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


def test_dry_run_says_what_and_trains_nothing(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    ended = nnbench("run", "tiny.toml", "--dry-run", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.startswith("tiny: 12 networks\n") and "expected: about" in ended.stdout
    assert not (tmp_path / "results").exists()
    as_json = json.loads(nnbench("run", "tiny.toml", "--dry-run", "--json", cwd=tmp_path).stdout)
    assert sum(as_json["stacks"]) == as_json["cells"] == 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("activation", "activaton"), 'unknown key "activaton"; did you mean "activation"?'),
        (('"tanh"', '"tahn"'), 'unknown name "tahn"; did you mean "tanh"?'),
        (('"iris"', '"irish"'), 'unknown name "irish"; did you mean "iris"?'),
        (('["relu", "tanh"]', "[]"), "activation is an empty list"),
        (("seeds = 2", "seeds = 1000000000"), "seeds"),
        (("width = 8", "width = "), "is not valid TOML"),
        (('"tiny"', '"../tiny"'), "is not allowed"),
        (("lr = 0.01", "learning_rate = 0.01"), 'unknown parameter "learning_rate"'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_study_is_one_sentence_and_exit_2(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    assert change[0] in STUDY
    (tmp_path / "tiny.toml").write_text(STUDY.replace(*change))
    ended = nnbench("run", "tiny.toml", cwd=tmp_path)
    assert ended.returncode == 2
    assert words in ended.stderr and ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr and not ended.stdout
    assert not (tmp_path / "results").exists()


def test_figures_are_written_for_print_and_for_slides(finished: Path) -> None:
    ended = nnbench("figures", "tiny", "--format", "png", "--only", "1", cwd=finished)
    lines = ended.stdout.splitlines()
    assert (ended.returncode, len(lines)) == (0, 2)
    assert lines[0].startswith("results/tiny/figures/01-") and lines[0].endswith("-print.png")
    assert lines[1].endswith("-slide.png")
    assert all((finished / line).read_bytes().startswith(b"\x89PNG") for line in lines)
    ended = nnbench("figures", "tiny", "--only", "99", cwd=finished)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert "--only 99: the report of tiny has " in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "no-such-study"), 2, 'there is no study "no-such-study"'),
        (("run", "tiny.toml", "--engine", "jax"), 2, "must be one of auto, native, stacked, ref"),
        (("run", "tiny.toml", "--wokers", "2"), 2, "No such option"),
        (("run", "tiny.toml", "--out", "taken"), 5, "taken"),
        (("report", "nothing"), 2, "no results there"),
        (("figures", "nothing"), 2, "no results there"),
        (("figures", "nothing", "--format", "gif"), 2, "must be one of svg, pdf, png"),
        (("verify", "/etc"), 2, "/etc: no results there"),
        (("compare", "results/nothing", "stopped"), 2, "results/nothing: no results there"),
        (("report", "stopped"), 2, "its run was stopped; run the study again"),
        (("verify", "stopped"), 0, ""),
        (("run", "tiny.toml", "--engine", "native", "--device", "cuda"), 2, "leave --device out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_has_an_exit_code_and_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    (tmp_path / "taken").write_text("a file where the results should go")
    (tmp_path / "stopped" / "parts").mkdir(parents=True)
    ended = nnbench(*arguments, cwd=tmp_path)
    assert ended.returncode == code
    assert words in ended.stderr and "Traceback" not in ended.stderr


def test_a_flipped_bit_in_a_table_ends_with_5(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "results", tmp_path / "results")
    shutil.copytree(finished / "results" / "tiny", tmp_path / "results" / "other")
    table = tmp_path / "results" / "tiny" / "cells.parquet"
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    before = (table.parent / "report.html").read_bytes()
    for arguments in (("report", "tiny"), ("compare", "other", "tiny")):
        ended = nnbench(*arguments, cwd=tmp_path)
        assert ended.returncode == 5 and not ended.stdout, arguments
        assert "cells.parquet does not match its checksum: run the study again" in ended.stderr
    assert (table.parent / "report.html").read_bytes() == before


def test_a_report_that_cannot_be_written_ends_with_5(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "results", tmp_path / "results")
    page = tmp_path / "results" / "tiny" / "report.html"
    page.unlink()
    page.mkdir()
    ended = nnbench("report", "tiny", cwd=tmp_path)
    assert ended.returncode == 5 and "Traceback" not in ended.stderr
    assert "report.html: Is a directory" in ended.stderr


def test_help_is_quick_and_imports_no_torch(tmp_path: Path) -> None:
    script = "import sys; sys.argv = ['nnbench', '--help']; from nnbench.cli.main import main\n"
    script += "try: main()\nexcept SystemExit as end: assert not end.code\n"
    script += "assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path).returncode == 0


def test_the_reference_engine_runs_a_study(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(
        STUDY.replace("epochs = 3", 'epochs = 1\ndtype = "float64"')
    )
    for engine in ("stacked", "reference"):
        arguments = ("--engine", engine, "--out", engine, "--workers", "1")
        assert nnbench("run", "tiny.toml", *arguments, cwd=tmp_path).returncode == 0
    tables = [
        pd.read_parquet(tmp_path / engine / "tiny/cells.parquet")
        for engine in ("stacked", "reference")
    ]
    pd.testing.assert_frame_equal(*[t.drop(columns=["seconds", "engine"]) for t in tables])
    assert set(tables[1]["engine"]) == {"reference"}


def in_a_shell(words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line from nothing, in a shell that may send its output elsewhere."""
    command = f"{sys.executable} -m nnbench.cli {words}"
    return subprocess.run(
        command, shell=True, cwd=cwd, capture_output=True, text=True, env=os.environ | env
    )


def test_output_survives_a_narrow_world(finished: Path) -> None:
    narrow = {"LC_ALL": "C", "COLUMNS": "40", "PYTHONIOENCODING": ""}
    ended = in_a_shell("run tiny.toml", finished, **narrow)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr
    piped = in_a_shell("run tiny.toml --dry-run | head -1", finished, **narrow)
    assert "Traceback" not in piped.stderr and piped.stdout.startswith("tiny: 12 networks")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_output_that_nobody_can_take(finished: Path) -> None:
    shutil.copytree(finished / "results" / "tiny", finished / "résumé")
    shown = in_a_shell("verify résumé", finished, PYTHONIOENCODING="ascii")
    assert shown.returncode == 0 and shown.stdout == "r?sum?: sound\n", shown.stderr
    closed = in_a_shell("list losses >&-", finished)
    assert (closed.returncode, closed.stderr) == (0, "")
    full = in_a_shell("list losses > /dev/full", finished)
    assert full.returncode == 5
    assert full.stderr == "nnbench: the output: No space left on device\n"


def test_a_bad_study_is_refused_before_the_heavy_imports(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("name = 1\n[grid]\ndata = 'moons'\n")
    script = "import sys\nfrom nnbench.cli.main import main\n"
    script += "sys.argv = ['nnbench', 'run', 'bad.toml']\n"
    script += "try: main()\nexcept SystemExit as end: assert end.code == 2\n"
    script += "heavy = {'torch', 'pandas', 'scipy', 'pyarrow', 'matplotlib', 'sklearn'}\n"
    script += "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path).returncode == 0


def test_a_run_tells_apart_what_it_does_not_use() -> None:
    said = io.StringIO()
    survey = Survey(frozenset(), frozenset(), frozenset("ab"), frozenset("c"), 1, 2)
    Progress(said).planned(3, survey, [])
    text = said.getvalue()
    assert "2 results from another engine: kept" in text
    assert "1 result from other sources or library versions: stale, to be replaced" in text
    assert "2 damaged parts set aside, in damaged/" in text


def test_limit_is_nested_and_spread(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    for limit in ("3", "5"):
        few = ("--limit", limit, "--workers", "1")
        ended = nnbench("run", "tiny.toml", *few, "--json", cwd=tmp_path)
        counts = json.loads(ended.stdout)
        assert (counts["cells"], counts["missing"]) == (12, 12 - int(limit))
        for place in ("results/tiny", "tiny.toml"):
            told = nnbench("status", place, cwd=tmp_path).stdout
            assert told == f"tiny: {limit} of 12 networks finished, {12 - int(limit)} to run\n"
    assert "5 networks: 3 already finished" in ended.stderr
    folder = tmp_path / "results" / "tiny"
    assert "<dt>complete</dt><dd>no, 7 not run</dd>" in (folder / "report.html").read_text()
    provenance = json.loads((folder / "provenance.json").read_text())
    assert (provenance["limit"], provenance["counts"]["missing"]) == (5, 7)
    few = ("--limit", "3", "--workers", "1")
    nnbench("run", "tiny.toml", *few, cwd=tmp_path)  # what has finished stays in
    assert len(pd.read_parquet(folder / "cells.parquet")) == 5
