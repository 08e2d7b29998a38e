"""What a run needs of the machine and of what was said, seen to before anything is read."""

from nnbench.cli.ends import Exit, Failed


def need_machine(kind: str, device: str, engine: str) -> None:
    """See that this machine can run a kind of study as asked. Errors: Failed."""
    if kind != "training" and (device != "cpu" or engine == "native"):
        raise Failed(Exit.USAGE, f"a {kind} study takes neither --device nor --engine native")
    if engine == "native":
        _need_native(device)
    if device == "cuda":
        _need_cuda()


def need_cluster(cluster: str, mixed: bool, device: str, workers: int | None) -> None:
    """See that what is said of a cluster goes together. Errors: Failed."""
    if mixed and not cluster:
        raise Failed(Exit.USAGE, "--mixed needs --cluster ADDRESS")
    if cluster and device != "cpu":
        raise Failed(Exit.USAGE, "--cluster trains on its workers' CPUs: leave --device out")
    if cluster and workers is not None:
        raise Failed(Exit.USAGE, "--cluster has its own workers: leave --workers out")


def _need_native(device: str) -> None:
    from nnbench.training.native.compiler import CompilerError, find_compiler

    if device != "cpu":
        raise Failed(Exit.USAGE, "--engine native trains on the CPU: leave --device out")
    try:
        find_compiler()
    except CompilerError as problem:
        told = f"--engine native: {problem}; install gcc, or leave it out"
        raise Failed(Exit.USAGE, told) from None


def _need_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise Failed(Exit.USAGE, "--device cuda: this PyTorch finds no CUDA device; leave it out")
