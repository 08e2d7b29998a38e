"""Statistics of a study: frame in, frame out, with an explicit generator and no drawing.

The currency is the *labelled frame* of `label_cells`: one row per cell, one column of text per
factor, and the result columns. A cell that diverged keeps its row and has a null metric; every
average here says how many cells stand behind it (`used` of `n`), and no null becomes a number.

The unit of replication is the *block*, one (data set, seed) pair: cells of a block share their
split, batches and underlying noise, so they are not independent of each other; blocks are.
"""

from __future__ import annotations

from nnbench.stats.anova import TERM_SEPARATOR, divergence_shares, variance_shares
from nnbench.stats.arms import ARM_COLUMNS, interquartile_means, summarise_arms
from nnbench.stats.blocks import Blocks, Spread, gather_blocks, spread_of
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
from nnbench.stats.power import ALPHA, POWER, detectable_difference, seeds_needed
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
from nnbench.stats.signed_rank import LEAST_BLOCKS, SignedRank, signed_rank
from nnbench.stats.summaries import (
    effects_by_data,
    importance,
    mean_interval,
    summarise_effects,
    summarise_factor,
    summarise_levels,
)
from nnbench.stats.tuning import choice_chances, default_tolerance, expected_best, good_region
from nnbench.study.metrics import METRICS, Metric

__all__ = [
    "ALPHA",
    "ARM_COLUMNS",
    "LEAST_BLOCKS",
    "METRICS",
    "MOST_CONTESTANTS",
    "POWER",
    "SETTINGS",
    "TERM_SEPARATOR",
    "Blocks",
    "GeneratorFor",
    "Interval",
    "Metric",
    "Shared",
    "SignedRank",
    "Spread",
    "applicable",
    "arm_costs",
    "baseline_level",
    "block_differences",
    "block_scores",
    "bootstrap_interval",
    "choice_chances",
    "choose_tuned",
    "contestant_labels",
    "contrast",
    "correct_family",
    "counted",
    "default_tolerance",
    "detectable_difference",
    "divergence_shares",
    "effects_by_data",
    "expected_best",
    "factor_columns",
    "format_level",
    "friedman",
    "gather_blocks",
    "good_region",
    "holm",
    "importance",
    "interquartile_means",
    "label_cells",
    "level_labels",
    "mean_interval",
    "mean_ranks",
    "order_levels",
    "paired_differences",
    "pairwise_differences",
    "pairwise_ranks",
    "pareto_front",
    "performance_profile",
    "problem_scores",
    "profile_kind",
    "rank_cliques",
    "seeds_needed",
    "shared_cells",
    "signed_rank",
    "sort_by_levels",
    "spread_of",
    "status_counts",
    "student_intervals",
    "summarise_arms",
    "summarise_effects",
    "summarise_factor",
    "summarise_levels",
    "time_to_target",
    "top_factors",
    "tried_words",
    "uneven_levels",
    "unseen_share",
    "usable",
    "variance_shares",
    "verdict",
    "wilson_ends",
    "wilson_interval",
]
