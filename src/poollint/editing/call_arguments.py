"""Keyword arguments that a call gets or loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import libcst as cst

    from poollint.editing.tree import FileTree
    from poollint.findings import Edit


def keyword(call: cst.Call, name: str) -> cst.Arg | None:
    """The keyword argument of that name."""
    return next((each for each in call.args if each.keyword is not None and each.keyword.value == name), None)


def changed(tree: FileTree, call: cst.Call, drop: Collection[str], add: str = "") -> tuple[Edit, ...]:
    """The edits that drop keyword arguments and add one, written `name=value`: in place of the first that goes, else
    at the end. A comment behind an argument that goes on its own line goes with it."""
    edits = []
    for run in _runs(call, drop):
        edits.append(_replaced(tree, call, run, add) if add else _dropped(tree, call, run))
        add = ""
    return (*edits, *_added(tree, call, add)) if add else tuple(edits)


def _runs(call: cst.Call, drop: Collection[str]) -> Iterator[tuple[int, int]]:
    """First and last position of the neighbours that go together."""
    goes = [each.keyword is not None and each.keyword.value in drop for each in call.args]
    first = None
    for index, each in enumerate([*goes, False]):
        if each and first is None:
            first = index
        if not each and first is not None:
            yield first, index - 1
            first = None


def _has_own_lines(tree: FileTree, call: cst.Call, run: tuple[int, int]) -> bool:
    """Nothing else stands on the lines of the arguments."""
    start, end = tree.location(call.args[run[0]]), tree.location(call.args[run[1]])
    before = tree.source.line_text(start.line)[: start.column - 1]
    behind = tree.source.line_text(end.end_line)[end.end_column - 1 :].strip()
    return not before.strip() and (behind in ("", ",") or behind.startswith("#") or _is_comment(behind))


def _is_comment(behind: str) -> bool:
    return behind.startswith(",") and behind[1:].lstrip().startswith("#")


def _replaced(tree: FileTree, call: cst.Call, run: tuple[int, int], add: str) -> Edit:
    start, end = tree.location(call.args[run[0]]), tree.location(call.args[run[1]])
    behind = tree.source.line_text(end.end_line)[end.end_column - 1 :]
    if _has_own_lines(tree, call, run) and "#" in behind:
        comma = "," if behind.startswith(",") else ""
        return tree.between((start.line, start.column), (end.end_line, end.end_column + len(behind)), add + comma)
    return tree.between((start.line, start.column), (end.end_line, end.end_column), add)


def _dropped(tree: FileTree, call: cst.Call, run: tuple[int, int]) -> Edit:
    start, end = tree.location(call.args[run[0]]), tree.location(call.args[run[1]])
    if _has_own_lines(tree, call, run):
        return tree.between((start.line, 1), (end.end_line + 1, 1), "")
    if run[1] + 1 < len(call.args):
        follower = tree.location(call.args[run[1] + 1])
        if follower.line == end.end_line:
            return tree.between((start.line, start.column), (follower.line, follower.column), "")
    if run[0] > 0:
        previous = tree.location(call.args[run[0] - 1])
        return tree.between((previous.end_line, previous.end_column), (end.end_line, end.end_column), "")
    return tree.between((start.line, start.column), (end.end_line, end.end_column), "")


def _added(tree: FileTree, call: cst.Call, add: str) -> Sequence[Edit]:
    if not call.args:
        place = tree.location(call)
        return (tree.insert(place.end_line, place.end_column - 1, add),)
    last = tree.location(call.args[-1])
    line = tree.source.line_text(last.end_line)
    behind = line[last.end_column - 1 :]
    before = tree.source.line_text(last.line)[: last.column - 1]
    if before.strip() or not _has_own_lines(tree, call, (len(call.args) - 1,) * 2):
        return (tree.insert(last.end_line, last.end_column, f", {add}"),)
    own_line = tree.newline + before + add
    if behind.lstrip().startswith(","):
        return (tree.insert(last.end_line, len(line) + 1, f"{own_line},"),)
    if not behind.strip():
        return (tree.insert(last.end_line, last.end_column, f",{own_line}"),)
    return (
        tree.insert(last.end_line, last.end_column, ","),
        tree.insert(last.end_line, len(line) + 1, own_line),
    )
