"""The process's streams: results go to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from poollint.frontends.status import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE = 1.0
"""Seconds that a run may take before a terminal is told what is going on."""


class Terminal:
    """Where a command writes to, and what it knows about its surroundings."""

    def __init__(
        self, out: TextIO, err: TextIO, input: TextIO, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.out = out
        self.err = err
        self.input = input
        self.environment = environment
        self.pipe_closed = False
        self.failed = False
        """Results could not be written."""

    @classmethod
    def of_process(cls) -> Terminal:
        """The streams of this process; what they cannot encode is escaped, never an error."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, ValueError):
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        return cls(sys.stdout, sys.stderr, sys.stdin, os.environ)

    def write(self, text: str) -> None:
        """Results. A reader that has gone away (`| head`) is no error."""
        if self.pipe_closed:
            return
        try:
            self.out.write(text)
            self.out.flush()
        except OSError as error:
            self._lost(error)

    def write_bytes(self, data: bytes) -> None:
        """Results as they are, in whatever encoding; through text where the stream knows no bytes."""
        buffer = getattr(self.out, "buffer", None)
        if buffer is None:
            self.write(data.decode("utf-8", "surrogateescape"))
            return
        self.write("")
        try:
            buffer.write(data)
            buffer.flush()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        self.close_pipe()
        if not isinstance(error, BrokenPipeError):  # A full disk, and the like.
            self.failed = True
            self.complain(f"the results cannot be written: {error.strerror or error}")

    def close_pipe(self) -> None:
        """Point standard output at nothing, so that the interpreter does not fail when it flushes at exit."""
        self.pipe_closed = True
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.out.fileno())
            os.close(nowhere)

    def note(self, text: str) -> None:
        """Something beside the results."""
        with contextlib.suppress(BrokenPipeError):
            self.err.write(f"{text}\n")
            self.err.flush()

    def complain(self, text: str) -> None:
        """Something that went wrong."""
        self.note(f"poollint: error: {text}")

    def finish(self, status: int) -> int:
        """Flush, and give `status` back, or that of a failure where results are lost."""
        self.write("")
        return FAILED if self.failed else status

    @contextlib.contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """While the block runs longer than `PATIENCE`, a terminal shows `text` on a line that goes away again."""
        if not self.err.isatty():
            yield
            return
        from threading import Timer

        shown: list[bool] = []

        def show() -> None:
            shown.append(True)
            self.err.write(text)
            self.err.flush()

        timer = Timer(PATIENCE, show)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if shown:
                self.err.write("\r\x1b[K")
                self.err.flush()
