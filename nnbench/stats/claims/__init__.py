"""Claims of a study and their verdicts: claim and cells in, one verdict out, nothing drawn.

A claim names two sides of a study's cells. Its verdict comes from the paired differences between
them, with a 95 % interval over blocks; a cell that diverged is a result and is counted as one.
"""

from nnbench.stats.claims.judge import judge_all
from nnbench.stats.claims.verdict import CONTRADICTED, SUPPORTED, UNDECIDED, VERDICTS, Verdict
