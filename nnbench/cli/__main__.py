"""`python -m nnbench.cli` is `nnbench`."""

from nnbench.cli.main import main

if __name__ == "__main__":
    main()
