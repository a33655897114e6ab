"""## What it does
Finds an engine at the module level of a file that is run again and again: a Streamlit script (every interaction of
every user), or an Airflow DAG file that also connects at module level (every parse).

## Why it is bad
"Create it once at module level" is the wrong cure here: module level is the repeated code. Each rerun makes another
connection pool and drops the one before.

## Example
```python
import streamlit as st
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg2://app@db/app")
st.title("report")
```

## Use instead
```python
import streamlit as st
from sqlalchemy import create_engine

@st.cache_resource
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")

st.title(get_engine().url.database)
```
In Airflow, make the engine inside the task or take it from a hook.

## When it stays quiet
- The engine is made in a function with `@st.cache_resource`.
- A DAG file that only makes the engine and does not connect.
- Tests, in-memory SQLite.
- NullPool, or an engine that the script disposes of: info.

## Fix safety
Wrapping the call in a function with `@st.cache_resource` is unsafe: all uses of the name change, and the engine is then
shared by all users of the server, which is what it is made for.

## References
- [Streamlit: Caching](https://docs.streamlit.io/develop/concepts/architecture/caching)
- [Airflow: Top level
  code](https://airflow.apache.org/docs/apache-airflow/stable/best-practices.html#top-level-python-code)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder
from poollint.rules.base import Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import guarded_global, in_memory_database, in_tests, memoised
from poollint.rules.engine.reporting import repeated_severity, unhinted_confidence, verdict
from poollint.rules.engine.wording import call_name, sentence

if TYPE_CHECKING:
    from poollint.program.sites import EngineSite, ProgramSites

METADATA = Metadata(
    code="POL111",
    name="engine-in-rerun-module",
    summary="A file whose module level runs again and again makes an engine there",
    severity="error",
    confidence="high",
    fix="unsafe",
)

_MODULE_HOLDERS = (Holder.MODULE, Holder.CLASS_BODY)


def at_module_level(site: EngineSite) -> bool:
    """Importing or running the file makes the engine."""
    return site.holder in _MODULE_HOLDERS


def remade_by_rerun(site: EngineSite) -> bool:
    """The module level of the file repeats, and the engine is made there."""
    exemptions = (guarded_global, memoised, in_tests, in_memory_database)
    if not at_module_level(site) or any(holds(site) for holds in exemptions):
        return False
    return site.rerun == "streamlit" or (site.rerun == "airflow" and site.connects_at_import)


def judge(sites: ProgramSites) -> list[Verdict]:
    """One verdict for each engine at a module level that repeats."""
    return [_verdict(site) for site in sites.engines if remade_by_rerun(site)]


def _verdict(site: EngineSite) -> Verdict:
    if site.rerun == "streamlit":
        message = sentence(
            f"{call_name(site)} runs on every rerun of this Streamlit script", "", "build it under @st.cache_resource"
        )
        proven, fix_title = Severity.ERROR, "Make the engine in a function with @st.cache_resource"
    else:
        message = sentence(
            f"{call_name(site)} connects on every parse of this DAG file", "", "move it into the task or use a hook"
        )
        proven, fix_title = Severity.WARNING, "Make the engine inside the task"
    return verdict(
        METADATA,
        site,
        message,
        repeated_severity(site, proven),
        unhinted_confidence(site),
        fix_title=fix_title,
        fix_applicability="unsafe" if site.rerun == "streamlit" else "display",
    )


RULE = Rule(METADATA, page=__doc__ or "", judge=judge)
