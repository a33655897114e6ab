"""What a file imports from the program, as far as its bytes tell: for files that need not be parsed otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.program.tokens import occurrences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poollint.program.project import Project

IMPORTS = re.compile(rb"import[ \t]*(\((?:[^)#]|#[^\n]*)*\)|[ \t](?:[^\n#;\\]|\\\r?\n)+)").finditer
"""Every `import` with what stands behind it: group 1, with the brackets. Also in comments and texts."""
_FROM = re.compile(rb"\bfrom[ \t]+(\.*)[ \t]*([\w.]*)[ \t]*(?:\\\r?\n[ \t]*)?$").search
_STATEMENT = re.compile(rb"(?:^|[;:\r])[ \t]*$").search
_COMMENTS = re.compile(rb"#[^\n]*").sub
_DOTTED = re.compile(rb"[\w.]+").findall


class Written(Struct, frozen=True):
    """The files that the import statements of a file name, and the names that stand in those statements.

    Function-level imports are among them, and some that stand in comments and texts.
    """

    files: frozenset[str]
    names: frozenset[bytes]


class WrittenImports:
    """Answers for one program."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._memo: dict[str, Written] = {}

    def of(self, path: str) -> Written:
        """What a file imports from the program."""
        found = self._memo.get(path)
        if found is None:
            files: set[str] = set()
            names: set[bytes] = set()
            for imported, bound in self._read(path):
                files.update(imported)
                names.update(bound)
            found = self._memo[path] = Written(frozenset(files), frozenset(names))
        return found

    def leads_to(self, path: str, targets: frozenset[str]) -> bool:
        """The file imports one of the files, or a package whose `__init__` does."""
        for imported in self.of(path).files:
            if imported in targets:
                return True
            if imported.endswith("__init__.py") and not targets.isdisjoint(self.of(imported).files):
                return True
        return False

    def may_name(self, path: str, name: str) -> bool:
        """The file may name what a module of the program calls so: it imports the name, or reads it as an attribute."""
        if path in self._project.starring:
            return True
        word = name.encode(errors="surrogateescape")
        if word in self.of(path).names:
            return True
        data = self._project.data(path)
        for place in occurrences(data, word):
            before = data[place - 1 : place]
            if before in (b":", b'"', b"'") or (before == b"." and not _is_in_import(data, place)):
                return True
        return False

    def _read(self, path: str) -> Iterator[tuple[list[str], list[bytes]]]:
        """(files, names) of each statement that leads into the program."""
        project, data = self._project, self._project.data(path)
        for match in IMPORTS(data):
            before = data[_line_start(data, match.start()) : match.start()]
            words = _DOTTED(_COMMENTS(b"", match[1]))
            names = [word.decode(errors="surrogateescape") for word in words]
            source = _FROM(before)
            if source is not None:
                module = self._module(path, len(source[1]), source[2].decode(errors="surrogateescape"))
                if module is not None:
                    submodules = (project.submodule(module, name) for name in names)
                    yield [module, *(found for found in submodules if found is not None)], words
            elif _STATEMENT(before):
                for word, name in zip(words, names, strict=True):
                    imported = project.module(path, name)
                    if imported is not None:
                        yield [imported], [*words, word.partition(b".")[0]]

    def _module(self, path: str, level: int, dotted: str) -> str | None:
        return self._project.relative(path, level, dotted) if level else self._project.module(path, dotted)


def _line_start(data: bytes, place: int) -> int:
    """Where the statement around the place starts: its line, and the one before that a backslash ends."""
    start = data.rfind(b"\n", 0, place) + 1
    if data[:start].rstrip(b"\r\n").endswith(b"\\"):
        start = data.rfind(b"\n", 0, start - 1) + 1
    return start


def _is_in_import(data: bytes, place: int) -> bool:
    return data[data.rfind(b"\n", 0, place) + 1 : place].lstrip().startswith((b"import ", b"from "))
