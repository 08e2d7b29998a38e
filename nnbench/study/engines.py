"""What can train networks, and where: the words of a run's options."""

DEVICES = ("cpu", "cuda")
ENGINES = ("auto", "native", "stacked", "reference")
DIFFERS = " on "  # between an engine's name and how the machine differs that trained by it
