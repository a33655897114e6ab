"""Small programs of one file, mended in memory: what tests of single fixes are written with."""

from __future__ import annotations

from harness import PYPROJECT, library_read_once, neutral_folder

from poollint.check import CheckOptions
from poollint.fixing.mending import mend


def mended(data: bytes, unsafe: bool = False, select: tuple[str, ...] | None = None) -> bytes:
    """A program after `--fix`, with `--unsafe-fixes` too where they are wanted."""
    with neutral_folder() as folder, library_read_once():
        (folder / PYPROJECT).write_text("[tool.poollint]\n")
        file = folder / "program.py"
        file.write_bytes(data)
        result = mend([str(folder)], CheckOptions(select=select, cache=False), unsafe, lambda _path: "")
    return result.after.get(str(file), data)
