"""Twins of what torch lacks, or has in another form: ordinary torch classes, written on their own.

The slow reference trains with these; nothing here is shared with the rules that they are held
against. An optimizer whose average is evaluated keeps it in its state as `ax`.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

Kept = dict[str, Any]  # a parameter's state, or a group's numbers


class Rule(Optimizer):
    """An optimizer written as one function of one parameter."""

    def __init__(
        self, parameters: Iterable[Tensor], weight_decay: float = 0.0, **hyper: float
    ) -> None:
        super().__init__(parameters, {"weight_decay": weight_decay, **hyper})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self.change(param, param.grad, self.state[param], group)
        return None

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        raise NotImplementedError


class MomentumEma(Rule):
    """v = beta v + (1 - beta) lr (g + wd p);  p = p - v."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        grad = grad.add(param, alpha=group["weight_decay"])
        velocity = state.setdefault("velocity", torch.zeros_like(param))
        velocity.mul_(group["momentum"]).add_(grad, alpha=(1 - group["momentum"]) * group["lr"])
        param.sub_(velocity)


class Lion(Rule):
    """Algorithm 2 of Chen et al. (2023), Symbolic Discovery of Optimization Algorithms."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        mean = state.setdefault("exp_avg", torch.zeros_like(param))
        update = torch.lerp(grad, mean, group["beta1"]).sign_()
        param.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
        mean.lerp_(grad, 1 - group["beta2"])


class AdEMAMix(Rule):
    """Algorithm 1 of Pagliardini et al. (2024), with the half-lives of beta3 as such."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        state["step"] = t = state.get("step", 0) + 1
        alpha, beta1, beta2, beta3 = (group[k] for k in ("alpha", "beta1", "beta2", "beta3"))
        if t < group["warmup"]:
            done = t / group["warmup"]
            alpha *= done
            life = [math.log(0.5) / math.log(beta) for beta in (beta1, beta3)]
            beta3 = min(0.5 ** (1 / (life[0] + done * (life[1] - life[0]))), beta3)
        means = [state.setdefault(k, torch.zeros_like(param)) for k in ("exp_avg", "exp_avg_slow")]
        means[0].lerp_(grad, 1 - beta1)
        means[1].lerp_(grad, 1 - beta3)
        square = state.setdefault("exp_avg_sq", torch.zeros_like(param))
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        root = square.div(1 - beta2**t).sqrt_().add_(group["eps"])
        update = means[0].div(1 - beta1**t).add_(means[1], alpha=alpha)
        param.mul_(1 - group["lr"] * group["weight_decay"]).addcdiv_(
            update, root, value=-group["lr"]
        )


class Shampoo(Rule):
    """Algorithm 1 of Gupta et al. (2018); vectors in its diagonal form."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        grad = grad.add(param, alpha=group["weight_decay"])
        if param.ndim == 1:
            total = state.setdefault("sum", torch.full_like(param, group["eps"]))
            param.addcmul_(grad, total.addcmul_(grad, grad).rsqrt(), value=-group["lr"])
            return
        update = grad
        for side, gram in {"left": grad @ grad.mT, "right": grad.mT @ grad}.items():
            start = group["eps"] * torch.eye(len(gram), dtype=gram.dtype)
            kept = state.setdefault(side, start).add_(gram)
            values, vectors = torch.linalg.eigh(kept.double())
            power = values.clamp(min=max(group["eps"], 1e-6 * float(values[-1]))).pow(-0.25)
            root = (vectors @ power.diag() @ vectors.mT).to(grad.dtype)
            update = root @ update if side == "left" else update @ root
        param.sub_(update, alpha=group["lr"])


class Soap(Rule):
    """Algorithm 3 of Vyas et al. (2024), its first step spent on the matrices."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        param.mul_(1 - group["lr"] * group["weight_decay"])
        beta1, beta2, count = group["beta1"], group["beta2"], state.get("count", 0)
        sizes = param.shape if param.ndim == 2 else ()
        if not state:
            state |= {name: torch.zeros_like(param) for name in ("exp_avg", "exp_avg_sq")}
            state["bases"] = [torch.eye(n, dtype=param.dtype) for n in sizes]
            state["grams"] = [torch.zeros(n, n, dtype=param.dtype) for n in sizes]
        if count:
            mean = state["exp_avg"].lerp_(grad, 1 - beta1)
            turned = self.turn(grad, state["bases"])
            square = state["exp_avg_sq"].mul_(beta2).addcmul_(turned, turned, value=1 - beta2)
            step = self.turn(mean, state["bases"]) / square.sqrt().add_(group["eps"])
            back = self.turn(step, [basis.mT for basis in state["bases"]])
            length = math.sqrt(1 - beta2**count) / (1 - beta1**count)
            param.sub_(back, alpha=group["lr"] * length)
        for place, gram in enumerate(state["grams"]):
            seen = grad @ grad.mT if place == 0 else grad.mT @ grad
            gram.lerp_(seen, 1 - beta2)
            if count % int(group["every"]) == 0:
                raised = gram.double() + 1e-6 * gram.double().trace() * torch.eye(len(gram))
                turned = torch.linalg.qr(raised @ state["bases"][place].double())[0]
                state["bases"][place] = turned.to(param.dtype)
        state["count"] = count + 1

    @staticmethod
    def turn(matrix: Tensor, bases: list[Tensor]) -> Tensor:
        """Into the bases of rows and columns; a vector has none."""
        return bases[0].mT @ matrix @ bases[1] if bases else matrix


class SophiaEF(Rule):
    """Algorithm 3 of Liu et al. (2023), its estimate that of the batch's own labels."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        count = state["count"] = state.get("count", -1) + 1
        mean = state.setdefault("exp_avg", torch.zeros_like(param))
        mean.lerp_(grad, 1 - group["beta1"])
        curvature = state.setdefault("hessian", torch.zeros_like(param))
        if count % int(group["every"]) == 0:
            curvature.lerp_(grad.square(), 1 - group["beta2"])
        ratio = mean / (group["gamma"] * curvature).clamp(min=group["eps"])
        param.mul_(1 - group["lr"] * group["weight_decay"])
        param.sub_(ratio.clamp(-1, 1), alpha=group["lr"])


class _OfDistance(Optimizer):
    """Adam with a rate that all parameters have in common: lr times a distance, which grows."""

    def __init__(
        self, parameters: Iterable[Tensor], d0: float, weight_decay: float = 0.0, **hyper: float
    ) -> None:
        super().__init__(parameters, {"weight_decay": weight_decay, **hyper})
        self.distance, self.above = d0, 0.0
        for param in self.parameters:
            zeros = (torch.zeros_like(param) for _ in range(3))
            self.state[param] = dict(zip(("exp_avg", "exp_avg_sq", "s"), zeros, strict=True))
            self.state[param]["start"] = param.detach().clone()

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, of the one group."""
        parameters: list[Tensor] = self.param_groups[0]["params"]
        return parameters

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter, then the distance."""
        group, below = self.param_groups[0], 0.0
        memory = group["beta2"] ** 0.5
        self.above *= memory
        for param in self.parameters:
            assert param.grad is not None
            state = self.state[param]
            self.above += (1 - memory) * self.change(param, param.grad, state, group)
            below += float(state["s"].abs().sum(dtype=torch.float64))
        if below > 0:
            self.distance = max(self.distance, self.above / below / self.unit(memory))
        return None

    def unit(self, memory: float) -> float:
        """What the quotient is divided by."""
        return 1.0

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> float:
        """Change one parameter in place; its part of the numerator."""
        raise NotImplementedError


class DAdaptAdam(_OfDistance):
    """Defazio & Mishchenko (2023), Learning-Rate-Free Learning by D-Adaptation: Adam's variant."""

    def unit(self, memory: float) -> float:
        """What the quotient is divided by."""
        return 1 - memory

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> float:
        """Change one parameter in place; its part of the numerator."""
        rate, memory = self.distance * group["lr"], group["beta2"] ** 0.5
        seen = state["s"] != 0
        before = state["exp_avg_sq"].sqrt() + group["eps"]
        along = float((grad * state["s"] / before)[seen].sum(dtype=torch.float64))
        state["exp_avg"].lerp_(rate * grad, 1 - group["beta1"])
        state["exp_avg_sq"].lerp_(grad.square(), 1 - group["beta2"])
        root = state["exp_avg_sq"].sqrt() + group["eps"]
        state["s"].lerp_(rate * grad, 1 - memory)
        param.mul_(1 - rate * group["weight_decay"]).sub_(state["exp_avg"] / root)
        return rate * along


class Prodigy(_OfDistance):
    """Mishchenko & Defazio (2024), Prodigy: Adam's variant."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> float:
        """Change one parameter in place; its part of the numerator."""
        d, lr, memory = self.distance, group["lr"], group["beta2"] ** 0.5
        along = float((grad * (state["start"] - param)).sum(dtype=torch.float64))
        state["exp_avg"].lerp_(d * grad, 1 - group["beta1"])
        state["exp_avg_sq"].lerp_((d * grad).square(), 1 - group["beta2"])
        state["s"].lerp_(lr * d * d * grad, 1 - memory)
        root = state["exp_avg_sq"].sqrt() + d * group["eps"]
        param.mul_(1 - d * lr * group["weight_decay"])
        param.addcdiv_(state["exp_avg"], root, value=-d * lr)
        return lr * d * d * along


class _ScheduleFree(Rule):
    """Defazio et al. (2024), The Road Less Scheduled: y in the parameter, z and x in the state.

    The form with three sequences, as in the authors' reference implementation.
    """

    def move(self, y: Tensor, update: Tensor, state: Kept, group: Kept) -> None:
        """Move z against the update, x towards z, and set y between the two."""
        if "ax" not in state:
            state |= {"ax": y.clone(), "z": y.clone(), "lr_max": 0.0, "weight_sum": 0.0}
        x, z = state["ax"], state["z"]
        state["lr_max"] = max(state["lr_max"], group["lr"])
        state["weight_sum"] += state["lr_max"] ** 2
        c = state["lr_max"] ** 2 / state["weight_sum"] if state["weight_sum"] else 0.0
        z.sub_(y, alpha=group["lr"] * group["weight_decay"]).sub_(update, alpha=group["lr"])
        x.mul_(1 - c).add_(z, alpha=c)
        y.copy_(x).mul_(group["beta1"]).add_(z, alpha=1 - group["beta1"])


class ScheduleFreeSgd(_ScheduleFree):
    """Schedule-free SGD."""

    def __init__(self, parameters: Iterable[Tensor], beta: float, **hyper: float) -> None:
        super().__init__(parameters, beta1=beta, **hyper)

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        self.move(param, grad, state, group)


class ScheduleFreeAdamW(_ScheduleFree):
    """Schedule-free AdamW."""

    def change(self, param: Tensor, grad: Tensor, state: Kept, group: Kept) -> None:
        """Change one parameter in place."""
        state["step"] = state.get("step", 0) + 1
        square = state.setdefault("exp_avg_sq", torch.zeros_like(param))
        square.mul_(group["beta2"]).addcmul_(grad, grad, value=1 - group["beta2"])
        root = square.div(1 - group["beta2"] ** state["step"]).sqrt_().add_(group["eps"])
        self.move(param, grad / root, state, group)


class Muon(Optimizer):
    """Liu et al. (2025), Muon is Scalable for LLM Training, in the parameters' own number type.

    All weight matrices but the last, which is the output layer's, are orthogonalised; torch's own
    AdamW has the rest.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        momentum: float,
        beta1: float,
        beta2: float,
        eps: float,
        **hyper: Any,
    ) -> None:
        parameters = list(parameters)
        matrices = [param for param in parameters if param.ndim == 2][:-1]
        hidden = {id(param) for param in matrices}
        rest = [param for param in parameters if id(param) not in hidden]
        self.hidden = matrices
        self.momentum = momentum
        self.adamw = torch.optim.AdamW(rest, betas=(beta1, beta2), eps=eps, **hyper)
        super().__init__(parameters, hyper)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter."""
        lr, decay = (self.param_groups[0][name] for name in ("lr", "weight_decay"))
        for param in self.hidden:
            assert param.grad is not None
            buffer = self.state[param].setdefault("momentum_buffer", torch.zeros_like(param))
            buffer.lerp_(param.grad, 1 - self.momentum)
            update = self.orthogonalised(param.grad.lerp(buffer, self.momentum))
            param.mul_(1 - lr * decay)
            param.add_(update, alpha=-0.2 * lr * max(param.shape) ** 0.5)
        self.adamw.param_groups[0]["lr"] = lr
        self.adamw.step()
        return None

    @staticmethod
    def orthogonalised(update: Tensor) -> Tensor:
        """Map all singular values s by five times 3.4445 s - 4.7750 s^3 + 2.0315 s^5."""
        tall = update.shape[0] > update.shape[1]
        x = (update.mT if tall else update) / update.norm().clamp(min=1e-7)
        for _ in range(5):
            gram = x @ x.mT
            x = 3.4445 * x + torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315) @ x
        return x.mT if tall else x


class _CoupledDecay(Optimizer):
    """L2 in the gradient, before an optimizer of torch's that has none, or has it decoupled."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, **hyper: Any) -> None:
        super().__init__(parameters, **hyper)
        self.l2 = weight_decay

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Add the decay times each parameter to its gradient, then step."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None and self.l2:
                    param.grad.add_(param, alpha=self.l2)
        return super().step(closure)


class Rprop(_CoupledDecay, torch.optim.Rprop):
    """torch.optim.Rprop with L2."""


class Adafactor(_CoupledDecay, torch.optim.Adafactor):
    """torch.optim.Adafactor with L2 in place of its decoupled decay."""


class _DoubleScalars(Optimizer):
    """Keeps the step's own numbers in float64; torch takes its default type, and rounds them."""

    def step(self, closure: Any = None) -> Any:
        """Step as torch does, its numbers in float64."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return super().step(closure)
        finally:
            torch.set_default_dtype(before)


class ASGD(_DoubleScalars, torch.optim.ASGD):
    """torch.optim.ASGD, whose eta and mu are float32 even for float64 parameters."""


class NAdam(_DoubleScalars, torch.optim.NAdam):
    """torch.optim.NAdam, whose product of all mu is float32 even for float64 parameters."""
