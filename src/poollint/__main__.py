"""`python -m poollint` and the console script."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process. Ctrl-C ends quietly with 130, also while modules are loaded.

    Looking for garbage takes a tenth of a short run's time, and freeing object by object what an analysis has made
    nearly as much: the system takes it back at once. An analysis collects what the one before it left.
    """
    gc.disable()
    try:
        from poollint.frontends.cli import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
