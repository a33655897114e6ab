"""`poolclass=NullPool` for an engine whose pool has no second user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.rules.base import FixFacts

if TYPE_CHECKING:
    import libcst as cst

    from poollint.editing.proposal import Proposal, Refusal
    from poollint.editing.tree import FileTree
    from poollint.program.sites import EngineSite
    from poollint.rules.mending import FixTarget

TITLE = "Add poolclass=NullPool"
SIZES = frozenset({"pool_size", "max_overflow", "pool_timeout", "pool_use_lifo"})
"""What NullPool raises TypeError for (POL309)."""
_MODULE = "sqlalchemy.pool"
_SQLITE = "SQLite keeps the data of a database in memory in its pool"
_FACTORIES = frozenset({"sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine"})
_FROM_CONFIGURATION = frozenset({"sqlalchemy.engine_from_config", "sqlalchemy.ext.asyncio.async_engine_from_config"})


def null_pool_facts(site: EngineSite) -> FixFacts:
    """What `add_null_pool` needs: the reason against it."""
    return FixFacts(names=(("against", reason_against_null_pool(site)),))


def reason_against_null_pool(site: EngineSite) -> str:
    """Why the engine cannot be given a NullPool; "" when nothing speaks against it."""
    if site.in_memory or site.url.startswith(("'sqlite", "('sqlite")):
        return _SQLITE
    if site.factory in _FROM_CONFIGURATION and not site.in_migration:
        return "the configuration may hold sizes that NullPool refuses"
    if site.factory not in _FACTORIES | _FROM_CONFIGURATION:
        return "it is not known which arguments the call takes"
    return ""


def add_null_pool(target: FixTarget) -> Proposal | Refusal:
    """Adds the pool class and its import, in place of the sizes that it does not take."""
    return with_null_pool(target, target.verdict.facts.name("against"))


def with_null_pool(target: FixTarget, reason: str) -> Proposal | Refusal:
    """The edits, unless there is a `reason` against it."""
    import libcst as cst

    from poollint.editing.call_arguments import changed, keyword
    from poollint.editing.proposal import Proposal, Refusal
    from poollint.findings import Applicability

    call = target.node(cst.Call)
    if reason or call is None:
        return Refusal(reason or "the call is not written out")
    if "sqlite" in target.tree.text(call):
        return Refusal(_SQLITE)
    if _is_returned(target.tree, call):
        return Refusal("whoever the engine is returned to may use it again")
    if any(argument.star for argument in call.args) or keyword(call, "pool") is not None:
        return Refusal("its pool may be chosen by other arguments")
    imported = target.tree.imports.name_for(_MODULE, "NullPool", call)
    if imported is not None and imported.edits and not target.tree.imports.has_package("sqlalchemy", "sqlmodel"):
        return Refusal("the file imports SQLAlchemy only where it is needed")
    if imported is None:
        return Refusal("NullPool stands for something else in the file")
    chosen = keyword(call, "poolclass")
    if chosen is None:
        edits = changed(target.tree, call, SIZES, f"poolclass={imported.name}")
    else:
        edits = (target.tree.replace(chosen.value, imported.name), *changed(target.tree, call, SIZES))
    return Proposal(TITLE, Applicability.UNSAFE, (*imported.edits, *edits))


def _is_returned(tree: FileTree, call: cst.Call) -> bool:
    """The function returns the engine itself."""
    import libcst as cst

    from poollint.editing.moving import bound_by
    from poollint.editing.variables import Variables

    if isinstance(tree.parents.get(call), cst.Return):
        return True
    bound, function = bound_by(tree, call), tree.function(call)
    if bound is None or function is None:
        return False
    return any(isinstance(tree.parents.get(read), cst.Return) for read in Variables(tree, function)[bound.name].reads)
