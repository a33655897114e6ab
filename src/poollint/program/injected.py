"""Where a framework may give a function a session: the files, and the words of its signature, as the bytes tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from poollint.program.project import Project

SESSIONS = frozenset({b"Session", b"AsyncSession", b"Connection", b"AsyncConnection"})
"""The last words of the classes that `library/sqlalchemy_handles.yaml` has as handles."""
_DEPENDENCIES = re.compile(rb"Depends\(\s*(?:dependency\s*=\s*)?([\w.]+)").finditer
_DEFINED = re.compile(rb"(?:def|class)[ \t]+(\w+)").findall
_INJECTING = (b"Depends", b"Security")
_LIBRARIES = frozenset({"sqlalchemy", "sqlmodel"})
_ALIASES = re.compile(
    rb"^(\w+)\s*(?::[^=\n]*)?=\s*(?:[\w.]+\.)?Annotated\[[^=]*?\b(?:Depends|Security)\b", re.MULTILINE
).finditer


class Injected(Struct, frozen=True):
    """Files with a function that a framework gives a session to, the words that tell so in a signature (`Depends`, and
    aliases of it), and those that tell of a session.

    Other functions with a session parameter are judged through what calls them, or where they wait themselves: to read
    every one of them took a third of a cold run on a large program, for findings that are informational.
    """

    paths: tuple[str, ...] = ()
    words: frozenset[bytes] = frozenset()
    sessions: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, project: Project, homes: frozenset[str]) -> Injected:
        """What a program has; nothing in one that never mentions the library. `homes`: the files that make sessions."""
        if not project.naming(project.files, _LIBRARIES):
            return cls()
        aliases: dict[bytes, bool] = {}
        for path in project.mentioning("Annotated"):
            for match in _ALIASES(project.data(path)):
                aliases[match[1]] = aliases.get(match[1], False) or any(each in match[0] for each in SESSIONS)
        named = {path for alias in aliases for path in project.mentioning(alias.decode(errors="replace"))}
        named.update(project.calling("Depends"))
        sessions = SESSIONS.union(alias for alias, is_session in aliases.items() if is_session)
        if len(sessions) == len(SESSIONS) and not _gives_sessions(project, homes):
            return cls(sessions=sessions)
        return cls(tuple(sorted(named)), frozenset((*aliases, *_INJECTING)), sessions)


def _gives_sessions(project: Project, homes: frozenset[str]) -> bool:
    """Some dependency is called like a function or class of a file that makes sessions, or mentions their class."""
    names = {
        match[1].rpartition(b".")[2]
        for path in project.calling("Depends")
        for match in _DEPENDENCIES(project.data(path))
    }
    speaking = homes.union(project.naming(project.files, frozenset(map(bytes.decode, SESSIONS))))
    return any(not names.isdisjoint(_DEFINED(project.data(path))) for path in speaking)
