"""A factory that keeps the engine it makes: what speaks against it, and the decorator that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.program.sites import RUNS_AGAIN, Escape, Release
from poollint.rules.engine.exemptions import null_pool

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.program.sites import EngineSite
    from poollint.rules.mending import FixTarget

TITLE = "Decorate the factory with @functools.lru_cache(maxsize=None)"


def reason_against_one(site: EngineSite) -> str:
    """Why one engine, wherever it is kept, cannot serve all runs of the function; "" when it can."""
    if null_pool(site):
        return "its NullPool keeps nothing that could be shared"
    if site.release is not Release.NEVER:
        return "the function disposes of the engine"
    if site.is_async and "new_loop" in site.frequency.contexts:
        every = site.frequency.in_new_loop or not site.frequency.known
        return "each run has an event loop of its own" if every else "some callers run an event loop of their own"
    if "process" in site.frequency.contexts:
        return "each run may have a process of its own"
    return ""


def reason_against_caching(site: EngineSite) -> str:
    """Why the function must not give the same engine to all of its callers; "" when nothing speaks against it."""
    if Escape.RETURNED_INSIDE in site.escapes:
        return "the function does more than return the engine"
    if site.url_depends_on_parameters:
        return "the URL comes from the caller"
    reason = reason_against_one(site)
    if reason:
        return reason
    return RUNS_AGAIN if site.bound_to_its_function == RUNS_AGAIN else ""


def cache_factory(target: FixTarget) -> Proposal | Refusal:
    """Decorates the function around the call, which has no parameters and does nothing else."""
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    tree = target.tree
    call = target.node(cst.Call)
    function = tree.function(call) if call is not None else None
    reason = target.verdict.facts.name("against caching")
    if reason or call is None or function is None:
        return Refusal(reason or "it is not made in the body of a function")
    reason = reason_against_decorating(tree, function, call)
    if reason:
        return Refusal(reason)
    imported = tree.imports.name_for("functools", "lru_cache", function)
    if imported is None:
        return Refusal("lru_cache stands for something else in the file")
    decorator = f"@{imported.name}(maxsize=None){tree.newline}{tree.indentation(function)}"
    return Proposal(TITLE, Applicability.UNSAFE, (*imported.edits, tree.before(function, decorator)))


def reason_against_decorating(tree: FileTree, function: cst.FunctionDef, call: cst.Call) -> str:
    """Why the function is no plain factory without arguments; "" when it is one."""
    import libcst as cst

    from poollint.editing.moving import bound_by

    parameters = function.params
    if parameters.params or parameters.kwonly_params or parameters.posonly_params or parameters.star_kwarg is not None:
        return "the factory has parameters"
    if isinstance(parameters.star_arg, cst.Param):
        return "the factory has parameters"
    if any(isinstance(outer, (cst.FunctionDef, cst.ClassDef)) for outer in tree.around(function)):
        return "the factory is no function of the module"
    if function.asynchronous is not None or function.decorators:
        return "the factory is a coroutine or decorated"
    body = [line for line in function.body.body if isinstance(line, cst.SimpleStatementLine)]
    if len(body) < max(len(function.body.body), 1) or not all(map(_only_builds, body)):
        return "the factory does more than build the engine"
    last = body[-1].body[-1]
    bound = bound_by(tree, call)
    returned = last.value if isinstance(last, cst.Return) else None
    is_engine = returned is call or (
        bound is not None and isinstance(returned, cst.Name) and returned.value == bound.name
    )
    return "" if is_engine else "the factory does more than return the engine"


def _only_builds(line: cst.SimpleStatementLine) -> bool:
    """An assignment, an import, a docstring or the return."""
    import libcst as cst

    plain = (cst.Assign, cst.AnnAssign, cst.Import, cst.ImportFrom, cst.Return)
    strings = (cst.SimpleString, cst.ConcatenatedString)
    return all(
        isinstance(part, plain) or (isinstance(part, cst.Expr) and isinstance(part.value, strings))
        for part in line.body
    )
