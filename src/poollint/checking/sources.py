"""The files of one root, as bytes and as text; unsaved buffers stand in for files."""

# ruff: noqa: PTH118, PTH123 - strings of os.path: this reads each file of a program

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poollint.editing.tree import FileTree
    from poollint.source import SourceFile


class FileReader:
    """Reads files of a root by their relative path; a plain object, so that worker processes can be given it."""

    __slots__ = ("buffers", "root")

    def __init__(self, root: str, buffers: Mapping[str, bytes]) -> None:
        self.root = root
        self.buffers = dict(buffers)
        """Unsaved content by root-relative path."""

    def __call__(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        buffer = self.buffers.get(path)
        return buffer if buffer is not None else self.from_disk(path)

    def from_disk(self, path: str) -> bytes:
        """The bytes of a file whatever buffer stands in for it. Raises OSError."""
        with open(os.path.join(self.root, path), "rb", buffering=0) as stream:
            return stream.read()

    def absolute(self, path: str) -> str:
        """The absolute path of a file, with `/`."""
        return os.path.join(self.root, path).replace(os.sep, "/")


class Sources:
    """Texts of a root's files, each read and decoded once; None for what cannot be read."""

    __slots__ = ("_files", "_trees", "reader")

    def __init__(self, reader: FileReader) -> None:
        self.reader = reader
        self._files: dict[str, SourceFile | None] = {}
        self._trees: dict[str, FileTree | None] = {}

    def get(self, path: str) -> SourceFile | None:
        """The file at a root-relative path."""
        if path not in self._files:
            from poollint.source import SourceFile

            try:
                self._files[path] = SourceFile(self.reader.absolute(path), self.reader(path), lenient=True)
            except (OSError, ValueError):
                self._files[path] = None
        return self._files[path]

    def tree(self, path: str) -> FileTree | None:
        """The concrete tree of a file, parsed once; None for what cannot be read or parsed. Imports libcst."""
        if path not in self._trees:
            from poollint.editing.tree import FileTree

            source = self.get(path)
            self._trees[path] = FileTree.of(source) if source is not None else None
        return self._trees[path]


def is_python(path: str, data: bytes) -> bool:
    """Whether a file is one of Python: by its ending, by its first line, or because it can be parsed."""
    if path.endswith((".py", ".pyi", ".pyw")):
        return True
    first = data.partition(b"\n")[0]
    if first.startswith(b"#!") and b"python" in first:
        return True
    from poollint.facts.extract import extract
    from poollint.facts.model import SyntaxProblem

    return not isinstance(extract(data, path), SyntaxProblem)
