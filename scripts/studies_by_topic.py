"""Print studies under their topics, in the order of a lecture: for `make help`, without set-up.

python scripts/studies_by_topic.py NAME...
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nnbench.study.topics import OTHER, TOPICS, topic_of


def lines(names: Iterable[str]) -> list[str]:
    """A topic a line, of those that have a study among the names; the best study first."""
    found = []
    known = list(names)
    for topic in (*TOPICS, OTHER):
        own = [name for name in known if topic_of(name) == topic]
        own.sort(key=lambda name: topic.studies.index(name) if name in topic.studies else 0)
        if own:
            text = f"{topic.title}: {', '.join(own)}"
            found.append(textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="      "))
    return found or ["    (studies/ has no .toml file yet)"]


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1:])))
