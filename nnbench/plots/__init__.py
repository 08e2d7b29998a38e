"""Figures of a study: frame in, figure out, one function per question; nothing is computed here."""

from nnbench.plots.contestants import budget_lines, cost_scatter, profile_lines
from nnbench.plots.grids import difference_matrix, growth_maps, heat_maps
from nnbench.plots.lines import learning_curves, line_panels, point_panels
from nnbench.plots.rows import effect_strips, good_regions, rank_ladder, score_rows, share_bars
from nnbench.plots.sizes import size_lines
from nnbench.plots.style import MOST_KEPT, MOST_SERIES, MOST_THIN, cut_apart, shorten
from nnbench.plots.trainability import trainability_map
