"""What `list`, `show` and `doctor` say: complete over the registries, quick, and narrow enough."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nnbench.atlas.listing import (
    allowed,
    another,
    kind_of,
    picture_path,
    registries,
    rows,
    settable,
    show,
    toml,
)
from nnbench.catalog import KEYS, VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.cli import doctor, reading
from nnbench.cli.ends import Exit
from nnbench.cli.listing import NARROW, list_text, show_text
from nnbench.study import shelf
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.study.vocabulary import Parameter
from tests.command import nnbench
from tests.places import ROOT

ENTRIES = [(kind, name) for kind, entries in registries().items() for name in entries]
FIELDS = ["kind", "name", "aliases", "summary", "reference", "torch"]


def test_every_entry_of_every_registry_is_listed() -> None:
    listed = rows()
    assert sorted((row["kind"], row["name"]) for row in listed if row["kind"] != "study") == sorted(
        (kind, name) for kind, entries in (VOCABULARY.registries | KEYS).items() for name in entries
    )
    assert all(set(row) == set(FIELDS) for row in listed)
    assert all(row["name"] and row["summary"] for row in listed)


# the names of the course's sections 1 to 7, as a study file or a reader of the course writes them
COURSE = {
    "activations": "identity threshold heaviside sign softsign tanhshrink softshrink hardshrink "
    "sigmoid logsigmoid tanh hardsigmoid hardtanh relu prelu leaky_relu relu6 rrelu softplus gelu "
    "gelu_tanh swish silu hardswish mish elu selu celu softmax logsoftmax softmin",
    "inits": "zero random_small constant normal lecun_normal lecun_uniform xavier_normal "
    "xavier_uniform he_normal he_uniform torch_default orthogonal truncated_normal critical lsuv",
    "optimizers": "gd sgd momentum momentum_ema nesterov asgd adagrad rmsprop adadelta adam adamw "
    "adafactor nadam radam adamax lion muon schedulefree_sgd schedulefree_adamw rprop",
    "gradients": "one_sample_sgd mini_batch full_batch clip_norm clip_value",
    "schedules": "constant_lr none step multistep exponential polynomial linear cosine cyclic "
    "plateau chained sequential warmup_cosine onecycle cosine_restarts inverse_sqrt wsd",
    "layers": "linear lazy_linear batchnorm_before batchnorm_after dropout alpha_dropout residual",
    "norms": "none batchnorm layernorm rmsnorm",
    "regularisers": "l1 l2 elastic decoupled label_smoothing weight_decay",
    "stoppings": "patience",
    "losses": "mse mae huber smooth_l1 bce bce_with_logits nll cross_entropy",
    "data": "moons circles blobs spirals xor checkerboard teacher linear_sparse rare_features "
    "outliers label_noise friedman1 sine_wave mnist1d gaussian_signal digits iris wine "
    "breast_cancer diabetes csv parquet",
}


@pytest.mark.parametrize("kind", COURSE)
def test_every_item_of_the_course_is_listed(kind: str) -> None:
    listed = {name for row in rows(kind) for name in (row["name"], *row["aliases"])}
    assert set(COURSE[kind].split()) <= listed
    assert all(show(kind, name)["formula"] for name in COURSE[kind].split())


def test_list_as_json_is_a_list_of_the_six_fields() -> None:
    ended = nnbench("list", "--json", cwd=ROOT)
    listed = json.loads(ended.stdout)
    assert ended.returncode == 0 and not ended.stderr
    assert listed == rows()
    assert {row["kind"] for row in listed} == {*registries(), "study"}
    (silu,) = (row for row in listed if "silu" in row["aliases"])
    assert list(silu) == FIELDS
    assert silu["torch"] == "torch.nn.SiLU" and "Ramachandran" in silu["reference"]


def test_list_imports_no_torch() -> None:
    script = (
        "import sys; sys.argv = ['nnbench', 'list', '--json']\n"
        "from nnbench.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'pandas', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("columns", [30, NARROW, 80, 200])
def test_lists_fit_the_terminal(columns: int) -> None:
    text = list_text(rows(), columns)
    longest_label = max(len(", ".join([row["name"], *row["aliases"]])) for row in rows()) + 2
    assert max(map(len, text.splitlines())) <= max(columns, longest_label)
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert all(row["name"] in text for row in rows())


def test_summaries_stand_in_one_column() -> None:
    lines = list_text(rows("losses"), 80).splitlines()
    column = max(len(row["name"]) for row in rows("losses")) + 2
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("activations", "activation"),
        ("activation", "activation"),
        ("losses", "loss"),
        ("data", "data"),
        ("stoppings", "early_stopping"),
        ("studies", "study"),
        ("study", "study"),
    ],
)
def test_kinds_are_known_in_singular_and_plural(word: str, kind: str) -> None:
    assert kind_of(word) == kind
    assert {row["kind"] for row in rows(word)} <= {kind}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list", "activatons"), 'there is no kind "activatons"; did you mean "activations"?'),
        (("show", "activation", "leaky_rleu"), 'did you mean "leaky_relu"?'),
        (("show", "optimisers", "adam"), 'there is no kind "optimisers"; did you mean "optimiz'),
        (("show", "study", "quickstrat"), 'did you mean "quickstart"?'),
        (("show", "regularizer", "dropout"), "try nnbench show layer dropout"),
        (("show", "activation"), "Missing argument"),
    ],
)
def test_a_wrong_name_is_exit_2_and_the_nearest_right_one(
    arguments: tuple[str, ...], words: str
) -> None:
    ended = nnbench(*arguments, cwd=ROOT)
    assert ended.returncode == 2 and not ended.stdout
    assert words in ended.stderr and ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=lambda value: str(value))
def test_every_entry_can_be_shown(kind: str, name: str) -> None:
    shown = show(kind, name)
    entry = registries()[kind][name]
    assert json.loads(json.dumps(shown)) is not None
    for columns in (40, 80):
        text = show_text(shown, columns)
        assert text.startswith(f"{kind} {name}")
        assert all(f"{key} = " in text for key in settable(entry))
    wide = show_text(shown, 80).partition("\nin a study")[0]
    assert max(map(len, wide.splitlines())) <= 80


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=lambda value: str(value))
def test_every_snippet_is_a_few_lines_that_make_a_study(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = show(kind, name)["snippet"].splitlines()
    entry = registries()[kind][name]
    assert len(lines) == (1 + len(entry.levels) if isinstance(entry, Key) else 2)
    document = tomllib.loads("\n".join(lines))
    _complete(document, kind, name)
    monkeypatch.chdir(tmp_path)
    if entry.reader is not None:
        import pandas as pd

        table = pd.DataFrame({"x": [i**0.5 for i in range(60)], "column": ["a", "b", "c"] * 20})
        table.to_csv("my.csv", index=False)
        table.to_parquet("my.parquet")
    cells = make_study(document, VOCABULARY).cells()
    if isinstance(entry, Key):
        assert all(_is_a_level(key, level, cells) for key, level in entry.levels.items())
    else:
        assert name in {cell.recipe[kind] for cell in cells}


def _is_a_level(key: str, level: object, cells: list[Cell]) -> bool:
    """Tell whether a cell has a level, which a table gives by its name and parameters."""
    wanted = {key: level}
    if isinstance(level, dict):
        wanted = {f"{key}.{name}": value for name, value in level.items() if name != "name"}
        wanted[key] = level["name"]
    return any(wanted.items() <= cell.recipe.items() for cell in cells)


def _complete(document: dict[str, Any], kind: str, name: str) -> None:
    """Add what a study needs beyond the snippet: a name, seeds, and data that suit the entry."""
    document["name"] = "test"
    grid = document["grid"]
    if "kind" not in document:
        grid["seeds"] = 1
        targets = getattr(registries()[kind][name], "targets", {"classification": ""})
        grid.setdefault("data", "iris" if "classification" in targets else "diabetes")
    elif kind == "landscape":
        grid["seeds"] = 1


@pytest.mark.parametrize(
    ("kind", "name", "known"),
    [
        ("activation", "relu6", {"saturates": "on both sides", "units die": "below 0 and above 6"}),
        ("activation", "selu", {"gain": "0.75", "max slope": "1.758", "units die": "nowhere"}),
        ("activation", "hardshrink", {"units die": "between -0.5 and 0.5"}),
        ("activation", "prelu", {"learned": "slope, 0.25 at first"}),
        ("init", "critical", {"looks at": "the activation", "bias": "drawn too"}),
        ("optimizer", "muon", {"weight decay": "0.1 by default, decoupled"}),
        ("optimizer", "gd", {"batch": "all examples at each step"}),
        ("optimizer", "asgd", {"evaluated": "the average of the iterates"}),
        ("optimizer", "adam", {"memory": "2 floats of state per parameter"}),
        ("schedule", "onecycle", {"changes": "every step"}),
        ("loss", "bce", {"trains": "classification, on one-hot codes", "outputs": "sigmoid"}),
        ("norm", "batchnorm", {"running": "mean, var", "batch": "two examples at least"}),
        ("data", "teacher", {"task": "classification or regression"}),
        ("landscape", "double_well", {"domain": "[-2, 2]"}),
        ("expression", "log_of_softmax", {}),
    ],
)
def test_what_is_known_of_an_entry_is_shown(kind: str, name: str, known: dict[str, str]) -> None:
    shown = show(kind, name)
    assert known.items() <= shown["facts"].items()
    assert all(" ".join(words.split()) in show_text(shown, 100) for words in known.values())


def test_memory_says_what_momentum_takes() -> None:
    memory = show("optimizer", "rmsprop")["facts"]["memory"]
    assert memory == (
        "2 floats of state per parameter; 1 would do while momentum is 0, as in torch"
    )
    assert "0.03125 floats" in show("optimizer", "adafactor")["facts"]["memory"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_tables_page_has_what_its_level_may_set(form: str) -> None:
    shown = {one["name"]: one for one in show("data", form)["parameters"]}
    assert list(shown) == [
        "target",
        "task",
        "categorical",
        "numeric",
        "dates",
        "drop",
        "missing",
        "decimal",
        "rows",
        "sheet",
        "group",
        "time",
    ]
    assert shown["task"]["default"] == "auto"
    assert shown["drop"]["allowed"] == "a list of names" and toml(shown["drop"]["default"]) == "[]"


def test_an_alias_shows_its_entry() -> None:
    assert show("activations", "silu")["name"] == "swish"


def test_a_study_is_shown_with_the_command_that_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = show("studies", "quickstart")
    assert shown["run"] == "nnbench run quickstart" and shown["path"] == "studies/quickstart.toml"
    assert "nnbench run quickstart" in show_text(shown, 80)
    paper = show("studies", "he_2015")
    assert paper["path"] == "studies/papers/he_2015.toml"
    assert "Delving Deep into Rectifiers" in show_text(paper, 400)


def test_a_study_that_cannot_be_read_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match='there is no study "mine"'):
        show("study", "mine")
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.toml").write_text("name = ")
    row = next(row for row in rows("studies") if row["name"] == "mine")
    assert row["summary"].startswith("(cannot be read: ")


def test_shipped_studies_are_named_anywhere_and_those_here_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"quickstart", "he_2015", "own_table"} <= {row["name"] for row in rows("studies")}
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "quickstart.toml").write_text('question = "mine"')
    assert show("study", "quickstart")["summary"] == "mine"
    monkeypatch.setattr(shelf, "IN_CLONE", tmp_path / "nowhere")
    monkeypatch.setattr(shelf, "installed", lambda: tmp_path / "studies")
    assert [row["name"] for row in rows("studies")] == ["quickstart"]


def test_the_picture_is_named_once_the_atlas_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert show("activation", "relu")["picture"] is None
    assert "make atlas" in show_text(show("activation", "relu"), 80)
    path = picture_path(Path("results/atlas"), "activation", "relu")
    path.parent.mkdir(parents=True)
    path.write_text("<svg/>")
    assert show("activation", "relu")["picture"] == "results/atlas/activation/relu.svg"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, '"none"'),
        (True, "true"),
        ("before", '"before"'),
        ((10, 15), "[[10, 15]]"),
        (["none", {"name": "a", "b": 0.5}], '["none", { name = "a", b = 0.5 }]'),
        (1e-10, "1e-10"),
        (3, "3"),
    ],
)
def test_values_are_written_as_toml(value: object, text: str) -> None:
    assert toml(value) == text
    tomllib.loads(f"a = {text}")


def test_what_a_parameter_takes_is_said() -> None:
    assert allowed(Parameter(0.5, "", low=0, high=1, open_high=True)) == "[0, 1)"
    assert allowed(Parameter("a", "", choices=("a", "b"))) == "a, b"
    assert allowed(Parameter((1, 2), "", low=0)) == "each in [0, inf)"
    assert allowed(Parameter(None, "", low=1, whole=True, optional=True)) == "[1, inf), none"
    assert allowed(Parameter("relu", "", registry="activation")) == "one of activations"


def test_another_value_is_allowed_and_different() -> None:
    assert another(Parameter(0.1, "", low=0, high=1)) == 1.0
    assert another(Parameter(0.5, "", low=0, high=1, open_high=True)) == 0.05
    assert another(Parameter(10, "", low=1)) == 20
    assert another(Parameter(10, "", low=1, high=10)) == 5
    assert another(Parameter(0.0, "")) is None and another(Parameter(True, "")) is None


# doctor -----------------------------------------------------------------------------------------


def test_doctor_has_a_word_and_a_way_out_for_everything(tmp_path: Path) -> None:
    findings = doctor.examine(tmp_path / "results")
    assert all(one.word in ("ok", "warn", "broken") and one.found for one in findings)
    assert all(bool(one.mend) == (one.word != "ok") for one in findings)
    assert not doctor.is_broken(findings)
    assert list(tmp_path.iterdir()) == []  # it leaves nothing behind
    names = [one.name for one in findings]
    assert len(set(names)) == len(names)
    assert {"python", "libraries", "compiler", "cuda", "results", "browser"} <= set(names)
    text = doctor.as_text(findings, 80)
    assert all(one.name in text for one in findings)


def test_doctor_is_exit_0_on_a_sound_machine(tmp_path: Path) -> None:
    sound = nnbench("doctor", "--json", cwd=tmp_path)
    assert sound.returncode == 0
    assert set(json.loads(sound.stdout)[0]) == {"name", "found", "word", "mend"}


def test_doctor_is_exit_1_without_a_place_for_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should go")
    assert reading.doctor(tmp_path / "taken" / "results") == Exit.FAULT
    said = " ".join(capsys.readouterr().out.split())  # however the lines were broken
    assert "broken results" in said and "--out FOLDER" in said


def test_a_missing_library_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=2.0", "no-such-library>=1; python_version > '3'", 'x; extra == "dev"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    found = doctor.libraries()
    assert found.word == "broken" and found.found == "missing: no-such-library"
    assert found.mend == "Install them: pip install no-such-library"


def test_a_missing_compiler_or_browser_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert doctor.compiler().word == doctor.browser().word == "warn"
    assert "PyTorch trains all networks instead, which is slower" in doctor.compiler().mend
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert "unset CC" in doctor.compiler().mend


def test_a_compiler_that_does_not_run_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false = shutil.which("false")
    assert false is not None
    (tmp_path / "gcc").symlink_to(false)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert doctor.compiler().word == "warn"


def test_schema_is_printed_as_json() -> None:
    ended = nnbench("schema", cwd=ROOT)
    assert ended.returncode == 0
    assert "2020-12" in json.loads(ended.stdout)["$schema"]
