"""Statistics of a study: frame in, frame out, with an explicit generator and no drawing.

The currency is the *labelled frame* of `label_cells`: one row per cell, one column of text per
factor, and the result columns. A cell that diverged keeps its row and has a null metric; every
average here says how many cells stand behind it (`used` of `n`), and no null becomes a number.

The unit of replication is the *block*, one (data set, seed) pair: cells of a block share their
split, batches and underlying noise, so they are not independent of each other; blocks are.
"""

from nnbench.stats.anova import TERM_SEPARATOR, divergence_shares, variance_shares
from nnbench.stats.arms import ARM_COLUMNS, summarise_arms
from nnbench.stats.choice import SETTINGS, choose_tuned, tried_words, uneven_levels
from nnbench.stats.contrasts import contrast, correct_family, holm, verdict
from nnbench.stats.cost import arm_costs, pareto_front, time_to_target
from nnbench.stats.intervals import (
    GeneratorFor,
    Interval,
    bootstrap_interval,
    student_intervals,
    unseen_share,
    wilson_ends,
    wilson_interval,
)
from nnbench.stats.labels import (
    baseline_level,
    factor_columns,
    format_level,
    label_cells,
    level_labels,
    order_levels,
    sort_by_levels,
    top_factors,
)
from nnbench.stats.pairing import (
    applicable,
    block_differences,
    counted,
    paired_differences,
    status_counts,
    usable,
)
from nnbench.stats.power import ALPHA
from nnbench.stats.profiles import performance_profile, profile_kind
from nnbench.stats.ranks import (
    MOST_CONTESTANTS,
    block_scores,
    contestant_labels,
    friedman,
    mean_ranks,
    pairwise_differences,
    pairwise_ranks,
    problem_scores,
    rank_cliques,
)
from nnbench.stats.shared import Shared, shared_cells
from nnbench.stats.signed_rank import LEAST_BLOCKS, signed_rank
from nnbench.stats.summaries import (
    Question,
    effects_by_data,
    importance,
    mean_interval,
    summarise_effects,
    summarise_levels,
)
from nnbench.stats.tuning import choice_chances, default_tolerance, expected_best, good_region
from nnbench.study.metrics import METRICS, Metric
