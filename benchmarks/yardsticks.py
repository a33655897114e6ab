"""What the least possible work costs in Python. Run as: python -I yardsticks.py read|ast|libcst FOLDER..."""

from __future__ import annotations

# Nothing dearer than os.path: the yardstick for reading is the least that Python can do.
# ruff: noqa: PTH118, PTH123
import os
import sys

SKIPPED = frozenset({"__pycache__", "site-packages", "node_modules", ".poollint_cache"})


def python_files(folders: list[str]) -> list[str]:
    """All .py files below the folders, the ones of skipped folders excepted."""
    found = []
    for folder in folders:
        for parent, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in SKIPPED]
            found += [os.path.join(parent, name) for name in files if name.endswith(".py")]
    return sorted(found)


def read(paths: list[str]) -> None:
    """Read all files and keep nothing."""
    for path in paths:
        with open(path, "rb") as stream:
            stream.read()


def parse_with_ast(paths: list[str]) -> None:
    """Parse each file with the standard library; what is no Python of this version is skipped."""
    import ast
    import warnings

    warnings.simplefilter("ignore")
    for path in paths:
        with open(path, "rb") as stream:
            data = stream.read()
        try:
            ast.parse(data)
        except (SyntaxError, ValueError):
            continue


def parse_with_libcst(paths: list[str]) -> None:
    """Parse each file with libcst; what it cannot parse is skipped."""
    import libcst

    for path in paths:
        with open(path, "rb") as stream:
            data = stream.read()
        try:
            libcst.parse_module(data)
        except (libcst.ParserSyntaxError, UnicodeDecodeError, SyntaxError, ValueError):
            continue


WORK = {"read": read, "ast": parse_with_ast, "libcst": parse_with_libcst}

if __name__ == "__main__":
    WORK[sys.argv[1]](python_files(sys.argv[2:]))
