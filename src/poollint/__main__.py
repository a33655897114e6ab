"""`python -m poollint` and the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; the exit status. Ctrl-C ends quietly with 130, also while modules are loaded."""
    try:
        from poollint.frontends.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
