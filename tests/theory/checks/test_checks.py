"""Checks agree with the engine as it is, and disagree with wrong laws and with a broken engine."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.meanfield import MeanField, mean_field
from nnbench.catalog.norms import NORMS
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.cli.main import main
from nnbench.results.read import ReportError
from nnbench.study.mistakes import StudyError
from nnbench.theory import laws
from nnbench.theory.checks import batchnorm, death, edge, finite_width, nets, trainability
from nnbench.theory.checks import measure as checks
from nnbench.theory.checks.base import FIVE_PERCENT, QUARTER
from nnbench.theory.checks.mean_field import critical_points
from nnbench.theory.checks.measure import CHECKS, Check, Settings, measure_all, read_settings
from nnbench.theory.checks.page import build_theory_page, chance_said, row, written
from nnbench.theory.checks.record import closing_lines, write_theory
from nnbench.training import threads
from nnbench.training.stacked import network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(  # torch's own, when forward derivatives are first taken
        "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
    ),
]
theory_mode = laws.linear_mode
theory_correlation = laws.relu_correlation
SMALL = Settings(width=64, depth=8, batch=16)
SMALLEST = Settings(width=64, depth=6, batch=8, activation="tanh", sw2=1.3, sb2=0.1)
QUICK_SIZES = "width=64,depth=8,batch=16"
QUICK = ("dropout", "batch normalisation", "born dead", "linear networks", "gradient noise",
         "first steps", "SELU")  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with threads.one_thread():
        yield


@pytest.fixture(autouse=True)
def fewer_networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is measured as finely as for the page where a test says that it is slow."""
    if all(mark.name != "slow" for mark in request.node.own_markers):
        quicken(monkeypatch)


def quicken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batchnorm, "BATCHES", (8, 16, 32, 64))
    monkeypatch.setattr(death, "NETWORKS", 20_000)
    monkeypatch.setattr(finite_width, "NETWORKS", 4000)


def failing(found: Sequence[Check]) -> list[str]:
    return [check.name for check in found if not check.agrees]


# What a check is --------------------------------------------------------------------------------


def a_check(**changed: Any) -> Check:
    given: dict[str, Any] = {
        "name": "a", "group": "b", "predicted": 1.0, "measured": 1.03, "standard_error": 0.01,
        "rival": 1.1, "mistake": "c", "law": "d",
    }  # fmt: skip
    return Check(**(given | changed))


def test_four_standard_errors_agree_and_more_do_not() -> None:
    assert a_check(measured=1.0399).agrees
    assert not a_check(measured=1.0401).agrees
    assert a_check(measured=1.0401, allowance=0.001).agrees


@pytest.mark.parametrize(
    ("relation", "below", "above"), [("at least", False, True), ("at most", True, False)]
)
def test_a_bound_is_checked_on_its_own_side(relation: str, below: bool, above: bool) -> None:
    assert a_check(relation=relation, measured=0.5).agrees is below
    assert a_check(relation=relation, measured=1.5).agrees is above
    assert a_check(relation=relation, measured=1.0).agrees


@pytest.mark.parametrize(
    ("relation", "below", "above"),
    [("equals", True, True), ("at least", True, False), ("at most", False, True)],
)
def test_a_mistake_is_told_where_neither_chance_nor_allowance_can_hide_it(
    relation: str, below: bool, above: bool
) -> None:
    """Four standard errors and the allowance are 0.05: to either side of 1 and of the rival."""
    check = a_check(relation=relation, allowance=0.01)
    assert replace(check, rival=0.89).tells_mistake is below
    assert replace(check, rival=1.11).tells_mistake is above
    assert not replace(check, rival=0.91).tells_mistake
    assert not replace(check, rival=1.09).tells_mistake
    assert not replace(check, rival=1.11, standard_error=math.nan).tells_mistake


@pytest.mark.parametrize("measured", [math.nan, math.inf])
def test_what_is_no_number_never_agrees(measured: float) -> None:
    for relation in ("equals", "at least", "at most"):
        assert not a_check(measured=measured, relation=relation).agrees
    assert a_check(measured=measured).document()["measured"] is None


def test_an_error_that_is_no_number_never_agrees() -> None:
    assert not a_check(measured=1.0, standard_error=math.nan).agrees


def test_json_row_has_the_five_keys() -> None:
    row = a_check().row()
    assert list(row) == ["name", "predicted", "measured", "standard_error", "agrees"]


def test_what_only_an_allowance_saves_is_said() -> None:
    saved = a_check(measured=1.0405, allowance=0.001, allows="the second order")
    assert saved.needs_allowance and saved.errors_off == pytest.approx(4.05)
    assert not a_check(allowance=0.001).needs_allowance
    assert not a_check(measured=1.2, allowance=0.001).needs_allowance, "it does not agree"
    assert a_check(relation="at most", measured=0.9).errors_off == 0.0
    assert a_check(relation="at least", measured=0.9).errors_off == pytest.approx(10.0)
    lines = closing_lines([saved, a_check()])
    assert lines[1] == (
        "  of 2 with a random component, 2 lie beyond two standard errors, 1 beyond four"
    )
    assert lines[2] == "  by allowance: a: 0.001 for the second order"
    found = [saved.document(), a_check().document()]
    assert row(found[0])["allowed"] == "allows 0.00100 for the second order, and needs it"
    assert row(found[1])["allowed"] == ""
    said = "Of 2 with a random component, 2 lie beyond two standard errors (0 would by chance)"
    assert chance_said(found) == f"{said} and 1 beyond four. Agree only by their allowance: a."


# Settings ---------------------------------------------------------------------------------------


def test_settings_are_read() -> None:
    assert read_settings("") == Settings()
    assert read_settings("width=64, depth=12") == Settings(64, 12, Settings().batch)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("with=64", 'unknown "with"'),
        ("width=wide", "whole number"),
        ("width", "whole number"),
        ("width=0", "between 64 and 512"),
        ("depth=-1", "between"),
        ("batch=2", "between 8"),
        ("width=64,depth=20", "too deep"),
        ("width=512,depth=50", "13.1 million weights would take hours"),
        ("width=64,width=32", "given twice"),
        ("activation=tanh", "go together"),
        ("sw2=2,sb2=0", "go together"),
        ("activation=tnah,sw2=2,sb2=0", 'did you mean "tanh"'),
        ("activation=softmax,sw2=2,sb2=0", "no activation with a mean field"),
        ("activation=tanh,sw2=much,sb2=0", "sw2 must be a number"),
        ("activation=tanh,sw2=nan,sb2=0", "between 0.01 and 100"),
        ("activation=tanh,sw2=2,sb2=-1", "between 0 and 100"),
        ("activation=relu,sw2=3,sb2=0.1", "without bound .* no fixed point: take a smaller sw2"),
        ("activation=tanh,sw2=0.5,sb2=0", "signals die out"),
    ],
)
def test_senseless_settings_are_one_sentence(text: str, word: str) -> None:
    with pytest.raises(StudyError, match=word):
        read_settings(text)


def test_a_pair_of_one_s_own_is_read_with_its_fixed_point() -> None:
    settings = read_settings("activation=silu, sw2=1.5, sb2=0.1")
    assert settings.activation == "swish" and settings.point is not None
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    x = math.sqrt(settings.point.q) * nodes
    square = weights @ (x / (1 + np.exp(-x))) ** 2 / math.sqrt(2 * math.pi)
    assert settings.point.q == pytest.approx(1.5 * square + 0.1, rel=1e-9)
    assert Settings().point is None and CHECKS["a mean field of one's own"](Settings()) == []


# Agreement --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_quick_checks_agree_and_tell_their_mistake(name: str) -> None:
    found = CHECKS[name](SMALL)
    assert failing(found) == []
    assert [check.name for check in found if not check.tells_mistake] == []


@pytest.mark.parametrize(
    ("pair", "rows"),
    [
        ("tanh,sw2=1.3,sb2=0.1", 3),
        ("tanh,sw2=3,sb2=0.05", 2),  # chaotic: no depth scale of signals
        ("relu,sw2=2,sb2=0", 2),  # critical: an infinite one
        ("sign,sw2=1,sb2=0.1", 1),  # nothing comes back
    ],
)
def test_a_pair_of_one_s_own_agrees_and_tells_its_mistake(pair: str, rows: int) -> None:
    found = CHECKS["a mean field of one's own"](read_settings(f"{QUICK_SIZES},activation={pair}"))
    assert len(found) == rows
    assert failing(found) == []
    assert [check.name for check in found if not check.tells_mistake] == []


@pytest.mark.slow
@pytest.mark.parametrize("settings", [Settings(), Settings(64, 6, 8)])
def test_every_check_agrees_and_tells_its_mistake(settings: Settings) -> None:
    found = measure_all(settings)
    assert failing(found) == []
    assert [check.name for check in found if not check.tells_mistake] == []
    names = [check.name for check in found]
    assert len(names) == len(set(names)) > 100


def test_the_same_settings_give_the_same_numbers() -> None:
    first, second = (CHECKS["gradient noise"](SMALL) for _ in range(2))
    assert first == second


def test_critical_points_are_those_that_exist() -> None:
    found = critical_points()
    assert {"relu", "tanh", "gelu", "swish", "sigmoid", "selu", "rrelu"} <= set(found)
    assert not {"sign", "heaviside", "hardshrink", "softmax"} & set(found)


# A broken engine or a wrong law is noticed --------------------------------------------------------


def scaled_start(scale: float) -> Callable[..., Tensor]:
    whole = network.initial_params
    return lambda *given: whole(*given) * scale


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "factor", "mistake"),
    [
        pytest.param("variance propagation", 1.05, FIVE_PERCENT, marks=SLOW),
        ("variance propagation", 0.95, FIVE_PERCENT),
        pytest.param("finite width", 1.05, FIVE_PERCENT, marks=SLOW),
        pytest.param("finite width", 0.95, FIVE_PERCENT, marks=SLOW),
        ("critical pairs", 1.05, FIVE_PERCENT),
        ("critical pairs", 0.95, FIVE_PERCENT),
        pytest.param("critical pairs", 1.25, QUARTER, marks=SLOW),
        pytest.param("critical pairs", 0.8, QUARTER, marks=SLOW),
        pytest.param("phases", 1.25, QUARTER, marks=SLOW),
        pytest.param("phases", 0.8, QUARTER, marks=SLOW),
        ("SELU", 1.05, FIVE_PERCENT),
        ("SELU", 0.95, FIVE_PERCENT),
        pytest.param("SELU", 1.25, QUARTER, marks=SLOW),
        pytest.param("SELU", 0.8, QUARTER, marks=SLOW),
        ("a mean field of one's own", 1.05, FIVE_PERCENT),
        ("a mean field of one's own", 0.95, FIVE_PERCENT),
    ],
)
def test_weights_of_another_variance_are_noticed_at_the_smallest_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, factor: float, mistake: str
) -> None:
    """Every check that names this mistake catches it, whichever way the weights are off."""
    monkeypatch.setattr(nets, "initial_params", scaled_start(math.sqrt(factor)))
    if name == "critical pairs" and mistake == FIVE_PERCENT:
        points = {key: critical_points()[key] for key in ("tanh", "relu", "gelu", "selu")}
        monkeypatch.setattr("nnbench.theory.checks.mean_field.critical_points", lambda: points)
        monkeypatch.setattr("nnbench.theory.checks.mean_field._many_steps", lambda *given: [])
    found = [check for check in CHECKS[name](SMALLEST) if check.mistake == mistake]
    assert found
    assert [check.name for check in found if check.agrees] == []
    if factor > 1:  # what it measures is then what the check calls its rival
        strange = [check.name for check in found if not check.accepts(check.rival)]
        assert strange == []


def test_a_slope_below_zero_is_noticed_and_is_the_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    leaking = replace(
        ACTIVATIONS["relu"], function=lambda x: torch.nn.functional.leaky_relu(x, 0.1)
    )
    monkeypatch.setitem(ACTIVATIONS, "relu", leaking)
    monkeypatch.setattr(batchnorm, "BATCHES", (32, 64))
    found = [*CHECKS["ReLU correlations"](SMALL), *CHECKS["batch normalisation"](SMALL)]
    limits = [check for check in found if check.mistake == "a slope of 0.1 below zero"]
    assert len(limits) == 2
    assert failing(limits) == [check.name for check in limits]
    assert all(check.accepts(check.rival) for check in limits)


def test_batch_normalisation_is_measured_at_the_settings_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batchnorm, "BATCHES", (8, 16))
    names = [check.name for check in CHECKS["batch normalisation"](replace(SMALL, batch=24))]
    for kind in ("ReLU", "linear"):
        rows = [name for name in names if name.startswith(f"BatchNorm, {kind}, batch of")]
        batches = {int(name.split("batch of ")[1].partition(":")[0]) for name in rows[:3]}
        assert batches == {8, 16, 24}


def test_networks_that_do_not_train_are_noticed_at_the_edge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nets.Law, "step", lambda law, network, *given: (network, None))
    monkeypatch.setattr(edge, "LOOK_EVERY", 150)
    found = CHECKS["edge of stability"](SMALL)
    assert len(failing(found)) == len(found) == len(edge.RATES)
    assert [check.measured for check in found] == pytest.approx([check.rival for check in found])


def test_variance_without_gradient_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(
        x: Tensor, running: Any, training: bool, weight: Tensor, bias: Tensor, **rest: Any
    ) -> Any:
        centred = x - x.mean(0)
        deviation = (centred * centred).mean(0).sqrt().detach()
        return centred / deviation * weight + bias, running

    entry = replace(NORMS["batchnorm"], function=careless)
    monkeypatch.setitem(NORMS, "batchnorm", entry)
    assert len(failing(CHECKS["batch normalisation"](SMALL))) >= 5


@pytest.mark.parametrize(
    ("check", "law", "wrong"),
    [
        ("batch normalisation", "batchnorm_linear_growth", lambda b: (b - 2) / (b - 1)),
        ("dropout", "dropout_growth", lambda sw2, keep: sw2 / 2),
        pytest.param(
            "variance propagation", "relu_growth", lambda sw2: sw2, marks=pytest.mark.slow
        ),
        ("finite width", "second_moment", lambda kind, w: math.prod(1 + 2.5 / n for n in w)),
        ("ReLU correlations", "relu_correlation", lambda c: theory_correlation(c) / 2),
        ("SELU", "selu_gradient_growth", lambda: 1.0718 / 1.0507),
        pytest.param(
            "batch normalisation",
            "batchnorm_relu_growth",
            lambda b: math.pi / (math.pi - 1),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "stability", "largest_rate", lambda h, b=0.0: (1 + b) / h, marks=pytest.mark.slow
        ),
        ("born dead", "dead_at_least", lambda w, hidden: 1 - (1 - 2.0**-w) ** hidden),
        ("born dead", "width_enough", lambda hidden, p: math.ceil(math.log2(hidden / p)) - 1),
        ("born dead", "dead_for_one_input", lambda w: 1 - math.prod(1 - 2.0 ** (1 - n) for n in w)),
        ("gradient noise", "stationary_variance", lambda lr, h, s2, b=0.0: lr * s2 / h),
        ("linear networks", "linear_mode", lambda s, u, t: theory_mode(s, u, t / 2)),
        ("first steps", "adam_first_step", lambda lr, g, eps: lr * g / math.sqrt(g * g + eps)),
        ("first steps", "decayed", lambda lr, wd, t: (1 - wd * lr / 2) ** t),
    ],
)
def test_a_wrong_law_is_noticed(
    monkeypatch: pytest.MonkeyPatch, check: str, law: str, wrong: Callable[..., float]
) -> None:
    monkeypatch.setattr(laws, law, wrong)
    assert failing(CHECKS[check](SMALL))


@pytest.mark.parametrize(
    ("check", "name", "twin"),
    [
        ("stability", "momentum", "momentum_ema"),
        ("stability", "nesterov", "momentum"),
        ("gradient noise", "momentum", "nesterov"),
        ("first steps", "adam", "rmsprop_like"),
    ],
)
def test_another_optimizer_s_update_is_noticed(
    monkeypatch: pytest.MonkeyPatch, check: str, name: str, twin: str
) -> None:
    def uncorrected(grad: Tensor, state: Any, param: Tensor, hyper: Any, step: Tensor) -> Any:
        return OPTIMIZERS["adamw"].update(grad, state, param, hyper, step + 1)

    update = uncorrected if twin == "rmsprop_like" else OPTIMIZERS[twin].update
    monkeypatch.setitem(OPTIMIZERS, name, replace(OPTIMIZERS[name], update=update))
    assert failing(CHECKS[check](SMALL))


def test_a_sharpness_of_twice_the_size_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = edge.sharpness
    monkeypatch.setattr(edge, "sharpness", lambda *given: 2 * whole(*given))
    monkeypatch.setattr(edge, "LOOK_EVERY", 150)
    assert len(failing(CHECKS["edge of stability"](SMALL))) == len(edge.RATES)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 / 3, 3])
def test_a_depth_scale_of_another_size_is_noticed(
    monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    xi = mean_field("tanh").depth_scale(trainability.ORDERED**2, 0.0)
    assert xi == pytest.approx(-1 / math.log(trainability.ORDERED**2))
    monkeypatch.setattr(trainability, "DEEP", 4)  # what is not asked about may be quick
    monkeypatch.setattr(MeanField, "depth_scale", lambda field, sw2, sb2: factor * xi)
    scales = [check for check in CHECKS["trainability"](SMALL) if "depth scales" in check.name]
    assert len(failing(scales)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "row"), [(0.45, "6 depth"), (1.27, "18 depth"), (0.45, "He,")])
def test_weights_of_another_depth_scale_train_otherwise(
    monkeypatch: pytest.MonkeyPatch, scale: float, row: str
) -> None:
    """0.45 and 1.27 times sigma_w = 0.7 have about a third and three times its depth scale."""
    monkeypatch.setattr(nets, "initial_params", scaled_start(scale))
    assert any(row in name for name in failing(CHECKS["trainability"](SMALL)))


# The page and the command -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_checks() -> list[Check]:
    names = ("dropout", "born dead", "first steps", "batch normalisation")
    with threads.one_thread(), pytest.MonkeyPatch.context() as monkeypatch:
        quicken(monkeypatch)
        return [check for name in names for check in CHECKS[name](SMALL)]


def test_the_page_needs_no_torch(tmp_path: Path, small_checks: list[Check]) -> None:
    write_theory(tmp_path, SMALL, small_checks, 1.0)
    before = (tmp_path / "index.html").read_bytes()
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] == 'torch': raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from pathlib import Path\n"
        "from nnbench.theory.checks.page import build_theory_page\n"
        f"build_theory_page(Path({str(tmp_path)!r}))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "index.html").read_bytes() == before


def test_the_page_shows_every_check_with_its_verdict(
    tmp_path: Path, small_checks: list[Check]
) -> None:
    wrong = replace(small_checks[0], predicted=7.0, name="a wrong prediction")
    broken = replace(small_checks[1], measured=math.nan, name="a broken measurement")
    page = write_theory(tmp_path, SMALL, [*small_checks, wrong, broken], 1.0).read_text()
    rows = page.split("<tbody>", 1)[1]
    assert rows.count("✓</span> agrees") == len(small_checks)
    assert rows.count("✗</span> disagrees") == 2
    assert "not: a wrong prediction; a broken measurement" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") >= 3


def test_a_figure_s_title_does_not_claim_what_was_not_measured(
    tmp_path: Path, small_checks: list[Check]
) -> None:
    title = "Narrow and deep ReLU networks are dead before training begins"
    assert title in write_theory(tmp_path, SMALL, small_checks, 1.0).read_text()
    wrong = [
        replace(check, predicted=0.01) if check.detail.get("figure") == "dead" else check
        for check in small_checks
    ]
    assert title not in write_theory(tmp_path, SMALL, wrong, 1.0).read_text()


@pytest.mark.parametrize("content", [None, "[]", "{", '{"checks": []}'])
def test_a_missing_or_damaged_file_is_a_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "theory.json").write_text(content)
    with pytest.raises(ReportError, match="nnbench theory writes it"):
        build_theory_page(tmp_path)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.0, 0.0026, "1.0000"),
        (0.16717, 0.00092, "0.16717"),
        (1.5e-5, 1.2e-6, "1.50e−05"),
        (0.0, 0.1, "0"),
        (None, 0.1, "–"),
    ],
)
def test_numbers_are_written_to_two_digits_of_their_error(
    value: float | None, error: float, text: str
) -> None:
    assert written(value, error) == text


def run_cli(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["nnbench", "theory", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def only(monkeypatch: pytest.MonkeyPatch, *found: Check) -> None:
    monkeypatch.setattr(checks, "CHECKS", {"one": lambda settings: list(found)})


def test_command_prints_json_of_the_five_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, a_check(), a_check(name="nothing", measured=math.nan))
    assert run_cli(monkeypatch, "--json", "--out", str(tmp_path)) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"name": "a", "predicted": 1.0, "measured": 1.03, "standard_error": 0.01,
                       "agrees": True}  # fmt: skip
    assert rows[1]["measured"] is None and rows[1]["agrees"] is False
    assert (tmp_path / "index.html").is_file()


@pytest.mark.parametrize(
    ("predicted", "gate", "code"), [(1.0, True, 0), (2.0, True, 4), (2.0, False, 0)]
)
def test_gate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, predicted: float, gate: bool, code: int
) -> None:
    only(monkeypatch, a_check(predicted=predicted, rival=9.0))
    flags = ["--gate"] if gate else []
    assert run_cli(monkeypatch, "--out", str(tmp_path), *flags) == code


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(settings: Settings) -> list[Check]:
        raise AssertionError("measured")

    monkeypatch.setattr(checks, "CHECKS", {"one": never})
    (tmp_path / "file").write_text("")
    assert run_cli(monkeypatch, "--out", str(tmp_path / "file")) == 5
    assert capsys.readouterr().err.count("\n") == 1


def test_bad_settings_end_with_two_and_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(monkeypatch, "--set", "width=3", "--out", str(tmp_path)) == 2
    err = capsys.readouterr().err
    assert err.startswith("nnbench: width=3") and err.count("\n") == 1


def test_measuring_leaves_torch_s_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, a_check())
    before = torch.get_num_threads()
    assert len(measure_all(SMALL)) == 1
    assert torch.get_num_threads() == before
