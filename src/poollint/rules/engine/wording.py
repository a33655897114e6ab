"""The sentences of all rules: what happens, where it runs, what to do; at most 120 characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.program.sites import Times

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, Frequency, Span

LONGEST = 120
_LONGEST_NAME = 40
SHORTEST_NAME = 11
LONG_NAME = 21
"""Names of so many code points are never cut: `create_async_engine()` stays whole, a clause is given up instead."""
_ARGUMENTS = re.compile(r"\(.*\)", re.DOTALL)
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=_|[A-Z])")
_TOKEN = re.compile(r"[^\s,:]+")


def clip(text: str, length: int) -> str:
    """`text` on one line, cut with an ellipsis when it is longer than `length` code points."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def short_name(name: str, length: int) -> str:
    """A name of at most `length` code points: without its first parts, then without the end of the last one."""
    call = "()" if name.endswith("()") else ""
    kept = name.removesuffix("()")
    if len(name) <= length:
        return name
    while "." in kept and len(kept) + len(call) + 1 > length:
        kept = kept.split(".", 1)[1]
        if len(kept) + len(call) + 1 <= length:
            return f"…{kept}{call}"
    return _cut_behind_a_word(kept.removeprefix("…"), length - len(call)) + call


def _cut_behind_a_word(name: str, length: int) -> str:
    """`session_context…` of `session_context_factory`: the longest beginning of whole words, if it is long enough."""
    if len(name) <= length:
        return name
    ends = [place.start() for place in _WORD_END.finditer(name) if SHORTEST_NAME <= place.start() < length]
    return f"{name[: ends[-1]]}…" if ends else clip(name, length)


def fitted(text: str, length: int, shortest: int) -> str:
    """`text` with its longest names shortened until it has at most `length` code points, or none is long any more.

    A reader can do without the end of a name. The number of a line, or what happens there, is what the message is for.
    """
    flat = " ".join(text.split())
    while len(flat) > length:
        tokens = sorted(_TOKEN.finditer(flat), key=lambda token: len(token.group()))
        longest, size = tokens[-1], len(tokens[-1].group())
        if size <= shortest:
            return flat
        others = min(len(tokens[-2].group()), size - 1) if len(tokens) > 1 else 0
        shorter = short_name(longest.group(), max(shortest, others, size - (len(flat) - length)))
        flat = flat[: longest.start()] + shorter + flat[longest.end() :]
    return flat


def as_call(written: str, length: int = _LONGEST_NAME) -> str:
    """A callee as written, on one line, with parentheses: `engine.connect()`."""
    flat = " ".join(written.split())
    return short_name(flat.removesuffix("()") + "()", length + len("()"))


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
    """`head (entry): advice`, with a shorter `entry`, or without it, with shorter names, or with fewer clauses.

    A clause is never cut in its middle, and the advice is what the reader acts on.
    """
    without_folders = re.sub(r"[^\s/]+/", "", entry)
    for parenthesis in (entry, without_folders):
        candidate = f"{head} ({parenthesis}): {advice}"
        if parenthesis and len(candidate) <= LONGEST:
            return candidate
    for start, shortest in ((head, LONG_NAME), (head.rpartition(", ")[0] or head, LONG_NAME), (head, SHORTEST_NAME)):
        short = fitted(start, LONGEST - len(advice) - 2, shortest)
        brief = fitted(advice, LONGEST - len(short) - 2, shortest)
        if len(short) + len(brief) + 2 <= LONGEST:
            return f"{short}: {brief}"
    return f"{clip(short, LONGEST - len(brief) - 2)}: {brief}"


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
        every = site.frequency.in_new_loop or not site.frequency.known
        return "use NullPool and dispose of it in the same loop" if every else "keep one for each event loop"
    if site.url_depends_on_parameters:
        return "keep one per URL, or use NullPool and dispose of it"
    if site.url_known_later:
        return "create it on first use and keep it by its URL"
    if site.scoped_without_null:
        return "scoped_session lacks its NullPool, create it once at import"
    if site.is_async:
        return "create it once at start-up"
    return "create it once at import"


def remedy_title(site: EngineSite) -> str:
    """What `keep_once` says, as the title of a suggestion."""
    advice = keep_once(site).removeprefix("scoped_session lacks its NullPool, ")
    capital = advice[0].upper() + advice[1:]
    return capital.replace("Create it ", "Create the engine ").replace("Keep one ", "Keep one engine ")
