"""A worker's program: `worker.py PIPE`. It learns first where to import from, then what to do."""

import sys
from contextlib import suppress
from multiprocessing.connection import Connection

if __name__ == "__main__":
    pipe = Connection(int(sys.argv[1]))
    with suppress(EOFError, OSError):  # the parent is gone already
        sys.path[:] = pipe.recv()

        from nnbench.training.workers import serve

        serve(pipe)
