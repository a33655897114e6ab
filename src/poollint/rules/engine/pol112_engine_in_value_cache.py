"""## What it does
Finds a function that returns an engine, sessionmaker, session or connection and is cached by value: `st.cache_data`,
`flask_caching` memoize, `joblib.Memory.cache`.

## Why it is bad
A value cache stores a pickled copy. An engine cannot be pickled: the call fails with "Can't pickle local object
'create_engine.<locals>.connect'".

## Example
```python
import streamlit as st
from sqlalchemy import create_engine

@st.cache_data
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")
```

## Use instead
```python
import streamlit as st
from sqlalchemy import create_engine

@st.cache_resource
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")
```

## When it stays quiet
- The cached function uses an engine and returns plain data: POL101 and POL102 look at those.
- The cache keeps the object itself (`st.cache_resource`, `functools.cache`).
- Tests.

## Fix safety
`st.cache_data` → `st.cache_resource` is safe: the call fails as it stands. `max_entries`, `ttl` and `show_spinner` are
kept; `persist` has no counterpart, so a decorator that has it is left alone.

## References
- [Streamlit: Caching](https://docs.streamlit.io/develop/concepts/architecture/caching)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import in_tests, only_its_data_is_cached
from poollint.rules.engine.reporting import unhinted_confidence, verdict
from poollint.rules.engine.wording import clip, sentence

if TYPE_CHECKING:
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Edit
    from poollint.program.sites import EngineSite, ProgramSites
    from poollint.rules.mending import FixTarget
    from poollint.rules.visitor import CallMarker

METADATA = Metadata(
    code="POL112",
    name="engine-in-value-cache",
    summary="A cache that pickles its values is asked to keep an engine",
    severity="error",
    confidence="high",
    fix="safe",
)


def pickled_by_cache(site: EngineSite) -> bool:
    """The engine, or what holds it, is the value that the cache pickles."""
    value_cached = site.memo is not None and site.memo.value_cache
    return value_cached and not only_its_data_is_cached(site) and not in_tests(site)


def from_streamlit(site: EngineSite) -> bool:
    """The cache is `streamlit.cache_data`, which has a counterpart for objects."""
    return site.memo is not None and site.memo.fqn.startswith("streamlit.")


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine that a value cache is asked to pickle."""
    return [_verdict(site) for site in sites.engines if pickled_by_cache(site)]


def _verdict(site: EngineSite) -> Verdict:
    name = clip(site.memo.fqn.rsplit(".", 1)[-1], 40) if site.memo and site.memo.fqn else "the cache"
    advice = "use st.cache_resource" if from_streamlit(site) else "keep the engine at module level"
    return verdict(
        METADATA,
        site,
        sentence(f"{name} pickles what it caches, and an engine cannot be pickled", "", advice),
        Severity.ERROR,
        unhinted_confidence(site),
        fix_title="Replace cache_data with cache_resource"
        if from_streamlit(site)
        else "Keep the engine at module level",
        fix_applicability="safe" if from_streamlit(site) else "display",
    )


def marker() -> type[CallMarker]:
    """The visitor: it looks at the decorator that the fix changes."""
    import libcst as cst

    from poollint.rules.visitor import CallMarker, decorator_names

    class ValueCacheMarker(CallMarker):
        def fix_applicability(self, proposed: str) -> str:
            function = self.innermost(cst.FunctionDef)
            replaceable = function is not None and "cache_data" in decorator_names(function) and not persists(function)
            return proposed if replaceable else "display"

    def persists(function: cst.FunctionDef) -> bool:
        return any(
            argument.keyword is not None and argument.keyword.value == "persist"
            for decorator in function.decorators
            if isinstance(decorator.decorator, cst.Call)
            for argument in decorator.decorator.args
        )

    return ValueCacheMarker


def fix(target: FixTarget) -> Proposal | Refusal:
    """Replaces the decorator, and keeps its arguments."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    for decorator in function.decorators if function is not None else ():
        used = decorator.decorator
        arguments = used.args if isinstance(used, cst.Call) else ()
        name = used.func if isinstance(used, cst.Call) else used
        last = name.attr if isinstance(name, cst.Attribute) else name
        if not isinstance(last, cst.Name) or last.value != "cache_data":
            continue
        if any(each.keyword is None or each.keyword.value not in _SHARED for each in arguments):
            return Refusal("st.cache_resource does not take the arguments of the decorator")
        if isinstance(name, cst.Attribute):
            edits: tuple[Edit, ...] = (tree.replace(last, "cache_resource"),)
        else:
            imported = tree.imports.name_for("streamlit", "cache_resource", decorator)
            if imported is None:
                return Refusal("cache_resource stands for something else in the file")
            edits = (*imported.edits, tree.replace(name, imported.name))
        return Proposal(target.verdict.fix_title, Applicability.SAFE, edits)
    return Refusal("the function is not decorated with st.cache_data itself")


_SHARED = frozenset({"ttl", "max_entries", "show_spinner", "show_time", "hash_funcs"})
"""What both decorators take."""

RULE = Rule(METADATA, page=__doc__ or "", judge=judge, marker=marker, fixer=fix)
