"""What can train networks, and where: the words of a run's options."""

DEVICES = ("cpu", "cuda")
ENGINES = ("auto", "native", "stacked", "reference")
