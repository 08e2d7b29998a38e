"""What is wrong with an entry of one's own is found, and what is right is proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nnbench as nb
import nnbench.cli.prove
from nnbench.catalog.own.entries import CODES, EntryError, read_entries, register
from nnbench.cli.prove import Shown, checks_of, prove_all
from nnbench.cli.prove_training import AGREE, FAILS, PROVEN, UNKNOWN, cells_with, gap_of
from nnbench.training.native.choice import train_cells
from nnbench.training.reference.train import train_cell
from tests.command import start
from tests.own import FURTHER

pytestmark = pytest.mark.usefixtures("none_stay")

HEAD = """
import torch
import nnbench as nb

class Half(torch.autograd.Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(x): return x.tanh()
    @staticmethod
    def setup_context(ctx, inputs, output): ctx.save_for_backward(output)
    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * (1 - y * y) / 2

class Off(torch.nn.Module):
    def forward(self, x): return x.tanh() + 1e-6

class Slow(torch.optim.SGD):
    def __init__(self, params, lr, weight_decay=0.0): super().__init__(params, lr=lr / 2)

COUNT = [0.0]

def sgd(grad, state, param, hyper, step):
    return param - hyper["lr"] * grad, state

def growing(grad, state, param, hyper, step):
    COUNT[0] += 1.0
    return param - COUNT[0] * hyper["lr"] * grad, state

def inner(grad, state, param, hyper, step):
    state["m"].mul_(0.9).add_(grad)
    return param - hyper["lr"] * state["m"], state

def signs(grad, state, param, hyper, step):
    m = 0.9 * state["m"] + 0.1 * grad
    return param - hyper["lr"] * torch.sign(m), {"m": m}

def memory(p): return {"m": torch.zeros_like(p)}
"""
GOOD = """
ACTIVATIONS = {
    "smooth": nb.Activation(lambda x, b=4.0: (x + (x * x + b).sqrt()) / 2),
    "kinked": nb.Activation(lambda x: x.clamp(-1, 1), twin=torch.nn.Hardtanh),
}
OPTIMIZERS = {
    "plain": nb.Optimizer(sgd, lr=0.1, twin=torch.optim.SGD),
    "signs": nb.Optimizer(signs, memory, lr=0.01),
}
"""
# a deliberately wrong entry, and the check that finds it
WRONG = [
    ("activation", "nb.Activation(lambda x: Half.apply(x))", "derivative"),
    ("activation", "nb.Activation(lambda x: x.tanh().nan_to_num())", "a NaN passes"),
    ("activation", "nb.Activation(lambda x: x.exp() / (1 + x.exp()))", "no NaN in value or slope"),
    ("activation", "nb.Activation(lambda x: x - x.mean())", "each element"),
    ("activation", "nb.Activation(lambda x: x if x.sum() > 0 else -x)", "the same beside others"),
    ("activation", "nb.Activation(lambda x: x.tanh(), twin=Off)", "the same as in plain"),
    ("activation", "nb.Activation(lambda x: x + torch.rand_like(x), gain=1.0)", "each element"),
    ("optimizer", "nb.Optimizer(sgd, lr=0.1, twin=Slow)", "the same as in plain"),
    ("optimizer", "nb.Optimizer(growing, lr=0.1)", "changes nothing in place"),
    ("optimizer", "nb.Optimizer(inner, init=memory, lr=0.1)", "changes nothing in place"),
    (
        "optimizer",
        "nb.Optimizer(lambda g, s, p, h, t: (p - h['lr'] * g.nan_to_num(), s), lr=0.1)",
        "a NaN passes",
    ),
    ("activation", "nb.Activation(lambda x: x.tanh(), gain=3.0)", "its gain is as stated"),
    ("activation", "nb.Activation(lambda x: x.tanh(), saturates='left')", "saturates as stated"),
    ("activation", "nb.Activation(lambda x: x if len(x) > 1 else 2 * x)", "each element"),
    ("norm", "nb.Norm(lambda x, w, b: w * x / x.std(0) + b)", "trains with one example"),
]


def shown_of(folder: Path, text: str) -> list[Shown]:
    (folder / "mine.py").write_text(HEAD + text)
    register(read_entries([folder / "mine.py"]))
    return prove_all()


@pytest.mark.whole
def test_what_is_right_is_proven_and_what_has_no_twin_is_said(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, GOOD)
    assert not [one for one in shown if one.outcome == FAILS]
    unknown = [(one.name, one.check) for one in shown if one.outcome == UNKNOWN]
    assert unknown == [(name, "the same as in plain PyTorch") for name in ("smooth", "signs")]
    assert {one.name for one in shown if "compiled" in one.check and one.outcome == PROVEN} == {
        *("smooth", "kinked", "plain", "signs")
    }


def test_a_loss_whose_rounding_hangs_on_its_place_is_proven_and_that_is_said(
    tmp_path: Path,
) -> None:
    smooth = "torch.nn.functional.softplus(-o * (2 * t - 1)).mean()"
    text = f"LOSSES = {{'smooth': nb.Loss(lambda o, t: {smooth}, targets='numbers')}}"
    shown = {one.check: one for one in shown_of(tmp_path, text)}
    assert {one.outcome for one in shown.values()} <= {PROVEN, UNKNOWN}
    stack = shown["the same beside others as alone, bit for bit"]
    assert stack.outcome == PROVEN
    if stack.why:  # by the processor's vectors
        assert stack.why.startswith("whichever networks are beside it; its place among them")


@pytest.mark.whole
def test_neighbours_that_change_the_last_digits_are_no_matter_of_rounding(tmp_path: Path) -> None:
    leaking = """
class Leak(torch.autograd.Function):
    generate_vmap_rule = False
    @staticmethod
    def forward(x): return x * 1.0
    @staticmethod
    def setup_context(ctx, inputs, output): pass
    @staticmethod
    def backward(ctx, grad): return grad
    @staticmethod
    def vmap(info, in_dims, x):
        return x + 1e-14 * x.mean(), in_dims[0]
LOSSES = {"leaky": nb.Loss(lambda o, t: ((Leak.apply(o) - t) ** 2).mean(), targets="numbers")}
"""
    shown = {one.check: one for one in shown_of(tmp_path, leaking)}
    assert shown["the same beside others as alone, bit for bit"].outcome == FAILS


@pytest.mark.whole
def test_a_function_is_enough_for_every_other_kind(tmp_path: Path) -> None:
    """And the reference trains with it as the engines do, though that proves nothing of it."""
    shown = shown_of(tmp_path, FURTHER)
    assert not [one for one in shown if one.outcome == FAILS]
    names = {"narrow", "halving", "ramp", "power", "entropy", "scaled"}
    assert {one.name for one in shown if one.check.startswith("the same beside others")} == names
    twins = [one for one in shown if one.check.startswith("the same as in plain")]
    assert {one.outcome for one in twins} == {UNKNOWN} and len(twins) == len(names)
    for kind, name in CODES:
        cells = cells_with(kind, name)[:2]
        mine = [row for cell in cells for row in train_cell(cell).cells]
        theirs = train_cells(cells, "stacked", "cpu", lambda share: None).cells
        assert gap_of(mine, theirs) < AGREE, name


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: nb.Init(lambda noise: noise[0]),
            "init f: must return a tensor of its first argument's shape",
        ),
        (lambda: nb.Loss(lambda o, t: o, targets="numbers"), "loss f: must return a single number"),
        (lambda: nb.Loss(lambda o, t: o.mean(), targets="hot"), "use one of class, numbers"),
        (lambda: nb.Schedule(lambda c, lr, n: lr, unit="day"), 'use "epoch" or "step"'),
        (lambda: nb.Norm(lambda x, w, b: x @ x), "norm f: RuntimeError"),
        (lambda: nb.Norm(lambda x, w, b, eps: x), "eps has no default"),
    ],
)
def test_what_cannot_be_called_is_said(make: Callable[[], object], told: str) -> None:
    with pytest.raises(EntryError, match=told):
        make()


@pytest.mark.parametrize(("kind", "entry", "check"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, entry: str, check: str
) -> None:
    def that_one(*about: Any) -> list[tuple[str, Any]]:
        return [one for one in checks_of(*about) if one[0].startswith(check)]

    monkeypatch.setattr(nnbench.cli.prove, "checks_of", that_one)
    shown = shown_of(tmp_path, f"{kind.upper()}S = {{'wrong': {entry}}}")
    assert [one.outcome for one in shown] == [FAILS], shown


def test_the_command_ends_with_4_where_a_check_fails(tmp_path: Path) -> None:
    kind, entry, _ = WRONG[1]
    (tmp_path / "mine.py").write_text(HEAD + f"{kind.upper()}S = {{'wrong': {entry}}}")
    ended = start("prove", "mine.py", cwd=tmp_path).end()
    assert ended.returncode == 4 and "checks fail" in ended.stderr
    assert "activation wrong: a NaN passes through: FAILS" in ended.stdout.replace("\n  ", " ")
