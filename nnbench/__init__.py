"""nnbench: paired benchmarks and ablation studies of the basics of training neural networks."""

import os

__version__ = "0.1.0"

# MKL rounds a matrix product by how its memory is aligned, which depends on a network's place in
# its stack; the strict mode does not. MKL reads this once, at its first product.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
