"""What keeps a finding out of a report at its place: per-file ignores and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.checking.selection import longest, normalised

if TYPE_CHECKING:
    from poollint.checking.root_run import RootRun
    from poollint.checking.sources import Sources
    from poollint.suppress import Suppressions
    from poollint.workspace.ignore import IgnoreFile


class Silence:
    """Per-file ignores and suppression comments of one root. Paths are relative to the root."""

    __slots__ = ("_applies_noqa", "_comments", "_ignores", "_run", "_sources")

    def __init__(self, run: RootRun, sources: Sources, applies_noqa: bool) -> None:
        self._run = run
        self._sources = sources
        self._applies_noqa = applies_noqa
        self._ignores = compiled(run.settings.per_file_ignores)
        self._comments: dict[str, Suppressions | None] = {}

    def is_ignored(self, code: str, path: str) -> bool:
        """Whether a per-file ignore leaves out `code` in `path`."""
        return any(longest(codes, code) >= 0 and files.leaves_out(path) for files, codes in self._ignores)

    def is_suppressed(self, code: str, path: str, line: int) -> bool:
        """Whether a comment suppresses `code` at a line. A comment of ours counts as used by that."""
        comments = self.comments(path)
        if comments is None:
            return False
        from poollint.suppress import IGNORE

        by = comments.suppresses(code, line)
        return by is not None and (by == IGNORE or self._applies_noqa)

    def comments(self, path: str) -> Suppressions | None:
        """The suppressions of a file, None when it has none: most files are not even opened to find out."""
        if path not in self._comments:
            self._comments[path] = self._read(path)
        return self._comments[path]

    def _read(self, path: str) -> Suppressions | None:
        if path not in self._run.files or not self._run.stamp(path).has_comments:
            return None
        source = self._sources.get(path)
        if source is None:
            return None
        from poollint.suppress import Suppressions

        return Suppressions.of(source)


def compiled(per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[IgnoreFile, tuple[str, ...]]]:
    """The per-file ignores, ready to be asked: files, and the selectors of what is left out there."""
    if not per_file_ignores:
        return []
    from poollint.workspace.ignore import IgnoreFile

    return [(IgnoreFile((pattern,)), normalised(codes)) for pattern, codes in per_file_ignores]
