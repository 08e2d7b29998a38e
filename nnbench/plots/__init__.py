"""Figures of a study: frame in, figure out, one function per question; nothing is computed here."""

from __future__ import annotations

from nnbench.plots.cost import budget_lines, cost_scatter, good_regions
from nnbench.plots.curves import learning_curves
from nnbench.plots.effects import effect_strips, hero_png
from nnbench.plots.heat import heat_maps
from nnbench.plots.labels import Note, stacked, told_apart, wrapped, write_clear, write_lines
from nnbench.plots.ranks import difference_matrix, profile_lines, rank_ladder
from nnbench.plots.shares import share_bars
from nnbench.plots.style import (
    BETTER,
    DARK,
    INK,
    LIGHT,
    MARKERS,
    MOST_PRINTED,
    MOST_SERIES,
    MOST_THIN,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    STYLE,
    TEXT,
    VERDICT_MARKS,
    WORSE,
    Look,
    end_labels,
    house_style,
    ink_on,
    luminance,
    new_figure,
    place_axes,
    shorten,
    spread_out,
    write,
)
from nnbench.plots.ticks import log_tick, log_ticks, short_number

__all__ = [
    "BETTER",
    "DARK",
    "INK",
    "LIGHT",
    "MARKERS",
    "MOST_PRINTED",
    "MOST_SERIES",
    "MOST_THIN",
    "PAPER",
    "QUIET",
    "RULE",
    "SERIES",
    "STYLE",
    "TEXT",
    "VERDICT_MARKS",
    "WORSE",
    "Look",
    "Note",
    "budget_lines",
    "cost_scatter",
    "difference_matrix",
    "effect_strips",
    "end_labels",
    "good_regions",
    "heat_maps",
    "hero_png",
    "house_style",
    "ink_on",
    "learning_curves",
    "log_tick",
    "log_ticks",
    "luminance",
    "new_figure",
    "place_axes",
    "profile_lines",
    "rank_ladder",
    "share_bars",
    "short_number",
    "shorten",
    "spread_out",
    "stacked",
    "told_apart",
    "wrapped",
    "write",
    "write_clear",
    "write_lines",
]
