"""Entry-point strings of pyproject.toml and setup.cfg: which functions a console script runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.program.project import Project

_TARGET = re.compile(r"""=\s*["']?([A-Za-z_][\w.]*):([A-Za-z_]\w*)["']?""")


def console_scripts(project: Project, manifests: Iterable[str]) -> frozenset[tuple[str, str]]:
    """(file, function) of every `name = "pkg.mod:func"` in the manifests.

    The text is scanned line by line: a broken manifest still names its scripts, and nothing else in such a file has
    this form.
    """
    found: set[tuple[str, str]] = set()
    for manifest in manifests:
        text = project.data(manifest).decode("utf-8", "replace")
        for module, function in _TARGET.findall(text):
            path = project.module(manifest, module)
            if path is not None and not path.endswith("/"):
                found.add((path, function))
    return frozenset(found)
