"""The sentences of family 1xx: what happens, where it runs, what to do; at most 120 characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.program.sites import Times

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, Frequency, Span

LONGEST = 120
_LONGEST_NAME = 40
_ARGUMENTS = re.compile(r"\(.*\)", re.DOTALL)


def clip(text: str, length: int) -> str:
    """`text` on one line, cut with an ellipsis when it is longer than `length` code points."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def as_call(written: str, length: int = _LONGEST_NAME) -> str:
    """A callee as written, on one line, with parentheses: `engine.connect()`."""
    return clip(written, length).removesuffix("()") + "()"


def call_name(site: EngineSite) -> str:
    """The called name with parentheses: `create_engine()`, or `SQLDatabase.from_uri()` for a hidden factory."""
    written = _ARGUMENTS.sub("", site.spelled)
    parts = [part for part in written.split(".") if part] or site.factory.split(".")
    kept = parts[-2:] if site.hidden else parts[-1:]
    return clip(".".join(kept).removesuffix("()"), _LONGEST_NAME) + "()"


def symbol_name(symbol: str) -> str:
    """The last part of a qualified name as a call, or "this code" where it has none."""
    last = symbol.rsplit(".", 1)[-1]
    return clip(last, _LONGEST_NAME) + "()" if last.isidentifier() else "this code"


def skipped_words(site: EngineSite) -> str:
    """What skips dispose(): "line 12 raises and skips dispose()"; the first way out that no exception takes."""
    leak = next((each for each in site.leaks if each.how != "raise"), site.leaks[0]) if site.leaks else None
    if leak is None:
        return "an exception skips dispose()"
    return {
        "raise": f"dispose() is skipped when line {leak.line} raises",
        "return": f"dispose() is skipped when line {leak.line} returns",
        "lost": f"dispose() is skipped before line {leak.line} replaces it",
    }.get(leak.how, "dispose() is skipped on a way to the end")


def per(frequency: Frequency) -> str:
    """How often, in words: "once per request"."""
    if frequency.unit:
        return f"once per {clip(frequency.unit, _LONGEST_NAME)}"
    return "once per thread" if frequency.times is Times.PER_THREAD else "again and again"


def place(span: Span) -> str:
    """A span as `file.py:12`; the related places hold the whole path."""
    return f"{clip(span.path.rsplit('/', 1)[-1], _LONGEST_NAME)}:{span.line}"


def sentence(head: str, entry: str, advice: str) -> str:
    """`head (entry): advice`, with a shorter `entry`, without it, or with a clipped `head` until it fits.

    The advice is never cut, because it is what the reader acts on.
    """
    without_folders = re.sub(r"[^\s/]+/", "", entry)
    for parenthesis in (entry, without_folders):
        candidate = f"{head} ({parenthesis}): {advice}"
        if parenthesis and len(candidate) <= LONGEST:
            return candidate
    return f"{clip(head, LONGEST - len(advice) - 2)}: {advice}"


def keep_once(site: EngineSite) -> str:
    """What to do about an engine that is made again and again, for this site.

    A pooled async engine must not be cached across event loops, and an engine whose URL is an argument has no single
    place at import; both would be wrong remedies.
    """
    if site.dead_guard:
        return f"assign the engine to {clip(site.dead_guard, _LONGEST_NAME)}, not to a local"
    if site.rerun == "streamlit":
        return "build it in a function with @st.cache_resource"
    if site.is_async and "new_loop" in site.frequency.contexts:
        return "use NullPool and dispose of it in the same loop"
    if site.url_depends_on_parameters:
        return "keep one per URL, or use NullPool and dispose of it"
    if site.scoped_without_null:
        return "scoped_session lacks its NullPool, create it once at import"
    if site.is_async:
        return "create it once at start-up"
    return "create it once at import"
