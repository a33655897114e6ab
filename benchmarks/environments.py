"""Where the measured programs come from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

SWITCHES = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONHASHSEED")
"""Variables that a user's shell does not have, and that change what starting Python costs."""


def environment_of_user() -> dict[str, str]:
    """The process's environment without what only a build machine sets: compiled modules are kept and used."""
    return {name: value for name, value in os.environ.items() if name not in SWITCHES}


@dataclass(frozen=True, slots=True)
class Tools:
    """Finds programs beside the running interpreter, then in the folders given, then on the path."""

    folders: tuple[Path, ...] = ()

    def find(self, name: str) -> str | None:
        """The path of a program, None when it is not installed."""
        own = Path(sys.executable).parent
        for folder in (own, *self.folders):
            if os.access(folder / name, os.X_OK):
                return str(folder / name)
        return shutil.which(name)

    def version(self, name: str) -> str | None:
        """The version that a program tells, None when it is not installed or tells none."""
        program = self.find(name)
        if program is None:
            return None
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        number = re.search(r"\d+(\.\d+)+", told)
        return number.group() if number else None


def make_twins(folder: Path) -> tuple[str, str]:
    """Two environments with links to the running one's packages: without poollint, and with it.

    Returns:
        Their interpreters. flake8 loads every plugin that is installed, so "bare" takes an environment of its own.
    """
    return make_linked(folder / "bare", without="poollint"), make_linked(folder / "plugin", without="")


def make_linked(folder: Path, without: str) -> str:
    """An environment that links each installed package except one; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    scheme = {"base": str(folder), "platbase": str(folder)}
    for kind in ("purelib", "platlib"):
        target = Path(sysconfig.get_path(kind, vars=scheme))
        for entry in Path(sysconfig.get_path(kind)).iterdir():
            hidden = bool(without) and without in entry.name
            if not hidden and not (target / entry.name).exists():
                (target / entry.name).symlink_to(entry)
    return str(folder / "bin" / "python")
