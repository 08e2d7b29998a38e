"""What a study says while it is still running, in one clause."""

from collections import Counter

from nnbench import stats
from nnbench.report.claims.table import claims_table
from nnbench.report.page.numbers import number
from nnbench.report.page.units import scale_of, unit_of
from nnbench.report.page.words import amount, tallied
from nnbench.results.read import Results
from nnbench.stats.ranks import contestant_labels

LEAST_SHARE = 0.5  # of the networks of the arm with most, from which on an arm may lead


def answer_so_far(results: Results) -> str:
    """How the claims stand, or which arm leads; nothing where too little has finished to say.

    An arm may lead that has half as many finished networks as any, on as many data sets.
    """
    if results.study.get("claims"):
        counts = Counter(claims_table(results)["verdict"].astype(str))
        of = amount(sum(counts.values()), "claim")
        return f"of {of}, {tallied(counts)} so far"
    metric = (results.study.get("report") or {}).get("metric") or ""
    if metric not in stats.METRICS or metric not in results.cells:
        return ""
    factors = stats.top_factors(results.study.get("factors") or {}, results.cells.columns)
    known = results.cells[stats.usable(results.cells, metric)]
    if known.empty or not factors:
        return ""
    arms = contestant_labels(stats.label_cells(known, factors), factors)
    by_arm = known.reset_index(drop=True).groupby(arms)
    found = by_arm.agg(count=(metric, "size"), mean=(metric, "mean"), data=("data", "nunique"))
    found = found[found["data"] == found["data"].max()]
    found = found[found["count"] >= LEAST_SHARE * found["count"].max()]
    about = stats.METRICS[metric]
    mean = found["mean"].astype(float)
    leader = mean.idxmax() if about.higher_is_better else mean.idxmin()
    value = f"{number(scale_of(metric) * mean[leader])} {unit_of(metric)}".strip()
    of = amount(int(found.loc[leader, "count"]), "network")
    return f"{leader} leads so far, with {about.label} {value} over {of}"
