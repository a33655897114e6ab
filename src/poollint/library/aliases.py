"""Folding the names under which one object can be imported, and following base classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from poollint.library.model import TypeRow


def alias_table(rows: Iterable[Any]) -> dict[str, str]:
    """Alias to canonical name, for every row with `also`. Chains of aliases are followed to their end."""
    direct = {alias: row.fqn for row in rows for alias in row.also if alias != row.fqn}
    return {alias: _end_of_chain(direct, alias) for alias in direct}


def fold(aliases: Mapping[str, str], fqn: str) -> str:
    """The canonical spelling: the name itself, or the longest prefix of it that is an alias, replaced."""
    found = aliases.get(fqn)
    if found is not None:
        return found
    prefix = fqn
    while True:
        prefix, dot, _ = prefix.rpartition(".")
        if not dot:
            return fqn
        found = aliases.get(prefix)
        if found is not None:
            return fold(aliases, found + fqn[len(prefix) :])


def transitive_bases(rows: Iterable[TypeRow], aliases: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Class to all of its base classes, breadth first, each once."""
    direct = {
        fold(aliases, name): tuple(fold(aliases, base) for base in row.bases)
        for row in rows
        if row.bases
        for name in (row.fqn, *row.likewise)
    }
    return {name: _reachable(direct, name) for name in direct}


def _reachable(direct: Mapping[str, tuple[str, ...]], start: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = list(direct[start])
    for name in waiting:
        if name not in found and name != start:
            found[name] = None
            waiting.extend(direct.get(name, ()))
    return tuple(found)


def _end_of_chain(direct: Mapping[str, str], alias: str) -> str:
    seen = {alias}
    while (following := direct.get(alias)) is not None and following not in seen:
        seen.add(following)
        alias = following
    return alias
