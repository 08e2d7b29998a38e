"""What is wrong with an entry of one's own is found, and what is right is proven."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nnbench.catalog.own.entries import read_entries, register, withdraw
from nnbench.cli.prove import FAILS, PROVEN, UNKNOWN, Shown, prove_all
from tests.command import start

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

def memory(p): return {"m": torch.zeros_like(p)}
"""
GOOD = """
ACTIVATIONS = {
    "smooth": nb.Activation(lambda x, b=4.0: (x + (x * x + b).sqrt()) / 2),
    "kinked": nb.Activation(lambda x: x.clamp(-1, 1), twin=torch.nn.Hardtanh),
}
OPTIMIZERS = {"plain": nb.Optimizer(sgd, lr=0.1, twin=torch.optim.SGD)}
"""
# a deliberately wrong entry, and the check that finds it
WRONG = [
    ("activation", "nb.Activation(lambda x: Half.apply(x))", "derivative"),
    ("activation", "nb.Activation(lambda x: x.tanh().nan_to_num())", "a NaN passes"),
    ("activation", "nb.Activation(lambda x: x.exp() / (1 + x.exp()))", "finite, with its slope"),
    ("activation", "nb.Activation(lambda x: x - x.mean())", "each element"),
    ("activation", "nb.Activation(lambda x: x if x.sum() > 0 else -x)", "in a stack"),
    ("activation", "nb.Activation(lambda x: x.tanh(), twin=Off)", "as its twin"),
    ("activation", "nb.Activation(lambda x: x + torch.rand_like(x), gain=1.0)", "each element"),
    ("optimizer", "nb.Optimizer(sgd, lr=0.1, twin=Slow)", "as its twin"),
    ("optimizer", "nb.Optimizer(growing, lr=0.1)", "changes nothing in place"),
    ("optimizer", "nb.Optimizer(inner, init=memory, lr=0.1)", "changes nothing in place"),
    (
        "optimizer",
        "nb.Optimizer(lambda g, s, p, h, t: (p - h['lr'] * g.nan_to_num(), s), lr=0.1)",
        "a NaN passes",
    ),
]


@pytest.fixture(autouse=True)
def _none_stay() -> Iterator[None]:
    yield
    withdraw()


def shown_of(folder: Path, text: str) -> list[Shown]:
    (folder / "mine.py").write_text(HEAD + text)
    register(read_entries([folder / "mine.py"]))
    return prove_all()


def test_what_is_right_is_proven_and_what_has_no_twin_is_said(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, GOOD)
    assert not [one for one in shown if one.outcome == FAILS]
    unknown = [(one.name, one.check) for one in shown if one.outcome == UNKNOWN]
    assert unknown == [("smooth", "as its twin in plain PyTorch")]
    assert {one.name for one in shown if "native" in one.check and one.outcome == PROVEN} == {
        *("smooth", "kinked", "plain")
    }


@pytest.mark.parametrize(("kind", "entry", "check"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_found(tmp_path: Path, kind: str, entry: str, check: str) -> None:
    shown = shown_of(tmp_path, f"{kind.upper()}S = {{'wrong': {entry}}}")
    assert [one for one in shown if one.outcome == FAILS and one.check.startswith(check)], shown


def test_the_command_ends_with_4_where_a_check_fails(tmp_path: Path) -> None:
    kind, entry, _ = WRONG[1]
    (tmp_path / "mine.py").write_text(HEAD + f"{kind.upper()}S = {{'wrong': {entry}}}")
    ended = start("prove", "mine.py", cwd=tmp_path).end()
    assert ended.returncode == 4 and "checks fail" in ended.stderr
    assert "activation wrong: a NaN passes through: FAILS" in ended.stdout.replace("\n  ", " ")
