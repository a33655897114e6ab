"""What `poollint explain` says about a line that makes a session or connection: who owns it, where it is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.lifetimes.observations import Escape

if TYPE_CHECKING:
    from collections.abc import Collection

    from poollint.program.lifetimes.sites import HandleSite, Leak

_KINDS = {"session": "a session", "connection": "a connection", "raw_connection": "a raw connection"}
_OWNERS = {
    Escape.RETURNED: "who calls this function",
    Escape.RETURNED_INSIDE: "who gets what this function returns",
    Escape.YIELDED: "this generator, once its consumer is done",
    Escape.STORED: "the object, module or container that keeps it",
    Escape.PASSED: "the code that it is passed to, which may keep or close it",
    Escape.MANAGED: "what will call its close method",
    Escape.CAPTURED: "a function that captures it",
}
_WAYS = {
    "raise": "line {} raises",
    "return": "line {} returns",
    "end": "the end is reached at line {}",
    "lost": "line {} puts something else into its variable",
}


def about_handle(site: HandleSite) -> list[str]:
    """Sentences about one session or connection."""
    if site.exit_method:
        return [f"{site.spelled}.close() is skipped when {_way(leak)}." for leak in site.leaks]
    found = [f"{site.spelled}() makes {_KINDS[site.kind]} here ({site.factory}), in {site.symbol or 'the module'}."]
    found.extend(f"  It comes fresh from the function at {span.path}:{span.line}." for span in site.through)
    if site.registry:
        found.append("  Owner: the scoped_session, until remove() is called.")
    else:
        owners = [_OWNERS[escape] for escape in Escape if escape in site.escapes] or ["this function"]
        found.append(f"  Owner: {', or '.join(owners)}.")
    if not site.takes and Escape.YIELDED in site.escapes:
        found.append("  No statement runs on it here: its consumer runs them.")
    elif not site.takes:
        found.append("  No statement was seen to run on it: it holds no connection.")
    ends = [
        f"{what} at {_lines(lines)}"
        for what, lines in (("closed", site.closes), ("committed", site.commits), ("rolled back", site.rollbacks))
        if lines
    ]
    found.append(f"  Given back: {', '.join(ends)}." if ends else "  Nothing here gives it back.")
    found.extend(f"  Not given back when {_way(leak)}." for leak in site.leaks)
    if site.in_test or site.in_migration:
        found.append("  It is in a test, a fixture or a migration: quiet.")
    return found


def _lines(lines: Collection[int]) -> str:
    return ("line " if len(lines) == 1 else "lines ") + ", ".join(map(str, sorted(lines)))


def _way(leak: Leak) -> str:
    return _WAYS[leak.how].format(leak.line)
