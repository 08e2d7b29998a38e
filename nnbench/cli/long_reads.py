"""What a person sees while a large table is read."""

import logging
from typing import TextIO


class ReadingLine(logging.Handler):
    """On a terminal, what is being read, on a line that goes when it is read."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self.stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write what is read in place of what was."""
        text = record.getMessage()
        self.stream.write(f"\r\033[K{text} …" if text else "\r\033[K")
        self.stream.flush()


def show_long_reads(stream: TextIO) -> None:
    """Have long reads of tables told, where a person looks on."""
    reading = logging.getLogger("nnbench.reading")
    if stream.isatty() and not reading.handlers:
        reading.addHandler(ReadingLine(stream))
        reading.setLevel(logging.INFO)
        reading.propagate = False
