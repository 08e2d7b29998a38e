"""Print studies under their topics, in the order of a lecture: for `make help`, without set-up.

python scripts/studies_by_topic.py NAME...
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nnbench.study.topics import OTHER, TOPICS, topic_of

TIMES = Path(__file__).with_name("study_times.json")  # made by scripts/study_times.py


def timed(name: str, seconds: int | None) -> str:
    """`quickstart (70 s)` or `deep (4 min)`; its name alone where nobody has planned it."""
    if seconds is None:
        return name
    time = f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} min"
    return f"{name} ({time})".replace(" ", "\N{NO-BREAK SPACE}")


def lines(names: Iterable[str]) -> list[str]:
    """A topic a line, of those that have a study among the names; the best study first."""
    found = []
    known = list(names)
    times = json.loads(TIMES.read_text(encoding="utf-8"))
    for topic in (*TOPICS, OTHER):
        own = [name for name in known if topic_of(name) == topic]
        own.sort(key=lambda name: topic.studies.index(name) if name in topic.studies else 0)
        if own:
            text = f"{topic.title}: {', '.join(timed(name, times.get(name)) for name in own)}"
            filled = textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="      ")
            found.append(filled.replace("\N{NO-BREAK SPACE}", " "))
    return found or ["    (studies/ has no .toml file yet)"]


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1:])))
