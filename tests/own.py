"""Entries of one's own of each kind that a function is enough for, as text of a file."""

FURTHER = """
INITS = {"narrow": nb.Init(lambda noise, power=0.5: noise / noise.shape[1] ** power)}
SCHEDULES = {
    "halving": nb.Schedule(lambda count, lr, total, every=2: lr * 0.5 ** (count // every)),
    "ramp": nb.Schedule(lambda count, lr, total: lr * (count + 1) / total, unit="step"),
}
LOSSES = {
    "power": nb.Loss(lambda o, t, p=3.0: ((o - t).abs() ** p).mean(), targets="numbers"),
    "entropy": nb.Loss(lambda o, t: torch.nn.functional.cross_entropy(o, t)),
}

def scaled(x, weight, bias, eps=1e-5):
    return weight * x / (x.abs().mean(-1, keepdim=True) + eps) + bias

NORMS = {"scaled": nb.Norm(scaled)}
"""
