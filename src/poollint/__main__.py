"""`python -m poollint` and the console script."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command line; the exit status. Ctrl-C ends quietly with 130, also while modules are loaded.

    The process ends with the command: looking for garbage on the way to it takes a tenth of a short run's time, and
    freeing what an analysis left behind as much of a long one's. An analysis collects what the one before it left.
    """
    gc.disable()
    try:
        from poollint.frontends.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
