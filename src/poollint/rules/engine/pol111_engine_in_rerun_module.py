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
Wrapping the call in a function with `@st.cache_resource` is unsafe: the engine is then shared by all users of the
server, which is what it is made for. It is held back where a widget may choose the URL or another argument.

## References
- [Streamlit: Caching](https://docs.streamlit.io/develop/concepts/architecture/caching)
- [Airflow: Top level
  code](https://airflow.apache.org/docs/apache-airflow/stable/best-practices.html#top-level-python-code)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.findings import Severity
from poollint.program.sites import Holder, Release
from poollint.rules.base import FixFacts, Metadata, Rule, Verdict
from poollint.rules.engine.exemptions import guarded_global, in_memory_database, in_tests, memoised
from poollint.rules.engine.reporting import repeated_severity, unhinted_confidence, verdict
from poollint.rules.engine.wording import call_name, sentence

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.program.sites import EngineSite, ProgramSites
    from poollint.rules.mending import FixTarget

METADATA = Metadata(
    code="POL111",
    name="engine-in-rerun-module",
    summary="A file whose module level runs again and again makes an engine there",
    severity="error",
    confidence="high",
    fix="unsafe",
)

_FUNCTIONS = ("get_engine", "make_engine")
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
        facts=FixFacts(names=(("against", reason_against_caching(site)),)),
    )


def reason_against_caching(site: EngineSite) -> str:
    """Why a cached function must not make the engine; "" when nothing speaks against it."""
    if site.rerun != "streamlit":
        return "which task needs the engine is for a person to decide"
    if not site.url or f"{site.span.path}:" in site.url:
        return "the script may choose another URL in its next run"
    return "the script disposes of the engine" if site.release is not Release.NEVER else ""


def fix(target: FixTarget) -> Proposal | Refusal:
    """Makes the engine in a cached function; the variable of the script gets what it returns."""
    import libcst as cst

    from poollint.editing.module_names import ModuleNames
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree, reason = target.tree, target.verdict.facts.name("against")
    call = target.node(cst.Call)
    line = tree.statement(call) if call is not None else None
    if reason or call is None or not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return Refusal(reason or "it is no statement of its own")
    part = line.body[0]
    value = part.value if isinstance(part, (cst.Assign, cst.AnnAssign)) else None
    if value is not call or line not in tree.module.body:
        return Refusal("no plain variable of the script holds the engine")
    if not all(_is_literal(argument.value) and not argument.star for argument in call.args[1:]):
        return Refusal("the script may choose other arguments in its next run")
    names = ModuleNames(tree)
    name = next((each for each in _FUNCTIONS if not names.is_bound(each) and not names.has_star), "")
    imported = tree.imports.name_for("streamlit", "cache_resource", line)
    if not name or imported is None:
        return Refusal("no name is free for the function")
    newline, indent = tree.newline, tree.indent
    text = tree.source.text_of(tree.location(call))
    if newline in text:
        return Refusal("the call spans several lines")
    header = f"@{imported.name}{newline}def {name}():{newline}{indent}return {text}{newline * 3}"
    edits = (*imported.edits, tree.before(line, header), tree.replace(call, f"{name}()"))
    return Proposal(target.verdict.fix_title, Applicability.UNSAFE, edits)


def _is_literal(value: cst.BaseExpression) -> bool:
    """The value is the same in each run of the script."""
    import libcst as cst

    if isinstance(value, cst.Name):
        return value.value in ("True", "False", "None")
    return isinstance(value, (cst.SimpleString, cst.Integer, cst.Float))


RULE = Rule(METADATA, page=__doc__ or "", judge=judge, fixer=fix)
