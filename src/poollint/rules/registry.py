"""All rules, and what they say together about a program.

Importing this module loads every rule file, and nothing of libcst: a rule file is light until its marker is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from poollint.findings import Confidence, Severity
from poollint.program.sites import ProgramSites, Span
from poollint.rules.base import Verdict
from poollint.rules.connection import (
    pol601_connection_never_closed,
    pol602_connection_close_not_guaranteed,
    pol603_chained_connect_execute,
    pol604_raw_connection_misuse,
    pol605_connection_write_without_commit,
    pol606_session_bound_to_fresh_connection,
    pol607_engine_begin_without_with,
    pol608_session_connection_closed,
    pol609_driver_state_leaks_into_pool,
    pol610_shared_connection,
    pol611_result_escapes_connection,
)
from poollint.rules.engine import (
    pol101_engine_per_call,
    pol102_engine_in_function,
    pol103_engine_in_loop,
    pol104_engine_in_property,
    pol105_engine_per_instance,
    pol106_engine_injected_per_request,
    pol107_engine_never_disposed,
    pol108_dispose_not_guaranteed,
    pol109_engine_cache_unbounded,
    pol110_engine_cache_evicts_undisposed,
    pol111_engine_in_rerun_module,
    pol112_engine_in_value_cache,
    pol113_lazy_init_race,
    pol114_duplicate_engine,
    pol115_engine_inline_argument,
    pol116_hidden_engine_factory,
    pol117_shared_engine_disposed_in_flight,
)
from poollint.rules.meta import (
    pol900_internal_error,
    pol901_syntax_error,
    pol902_unused_suppression,
    pol903_broken_configuration,
)
from poollint.rules.pool import (
    pol301_short_lived_engine_needs_nullpool,
    pol302_thread_shared_session_needs_scoped_session,
    pol303_inert_scoped_session,
    pol304_scoped_session_never_removed,
    pol305_scoped_session_in_asyncio,
    pol306_async_scoped_session_scope,
    pol307_session_factory_per_call,
    pol308_nullpool_on_hot_path,
    pol309_pool_argument_invalid,
    pol310_single_connection_pool_in_concurrent_code,
    pol311_double_pooling,
    pol312_sqlite_memory_mode_pool,
    pol313_half_of_the_nullpool_scoped_session_pair,
)
from poollint.rules.session import (
    pol201_session_never_closed,
    pol202_session_close_not_guaranteed,
    pol203_session_committed_but_not_closed,
    pol204_session_factory_without_owner,
    pol205_generator_session_without_finally,
    pol206_session_write_without_commit,
    pol207_error_swallowed_without_rollback,
    pol208_shared_session,
    pol209_session_crosses_thread_or_task,
    pol210_session_used_after_close,
    pol211_lazy_result_escapes_session,
    pol212_session_held_across_slow_call,
    pol213_session_outlives_loop,
    pol214_session_held_while_streaming,
    pol215_session_escapes_to_background_task,
    pol216_async_release_not_awaited,
    pol217_commit_then_read_reopens,
    pol218_async_session_expires_on_commit,
    pol219_factory_used_as_session,
    pol220_close_all_sessions,
    pol221_flask_app_context_never_popped,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poollint.program.holding.sites import HeldSite
    from poollint.program.lifetimes.registry_sites import KeptSite
    from poollint.program.lifetimes.sites import HandleSite
    from poollint.program.misuses.sites import Misuse
    from poollint.program.pooling.sites import PoolSite
    from poollint.program.sites import DisposeSite, EngineSite
    from poollint.rules.base import Judge, Rule

RULES: tuple[Rule, ...] = (
    pol101_engine_per_call.RULE,
    pol102_engine_in_function.RULE,
    pol103_engine_in_loop.RULE,
    pol104_engine_in_property.RULE,
    pol105_engine_per_instance.RULE,
    pol106_engine_injected_per_request.RULE,
    pol107_engine_never_disposed.RULE,
    pol108_dispose_not_guaranteed.RULE,
    pol109_engine_cache_unbounded.RULE,
    pol110_engine_cache_evicts_undisposed.RULE,
    pol111_engine_in_rerun_module.RULE,
    pol112_engine_in_value_cache.RULE,
    pol113_lazy_init_race.RULE,
    pol114_duplicate_engine.RULE,
    pol115_engine_inline_argument.RULE,
    pol116_hidden_engine_factory.RULE,
    pol117_shared_engine_disposed_in_flight.RULE,
    pol201_session_never_closed.RULE,
    pol202_session_close_not_guaranteed.RULE,
    pol203_session_committed_but_not_closed.RULE,
    pol204_session_factory_without_owner.RULE,
    pol205_generator_session_without_finally.RULE,
    pol206_session_write_without_commit.RULE,
    pol207_error_swallowed_without_rollback.RULE,
    pol208_shared_session.RULE,
    pol209_session_crosses_thread_or_task.RULE,
    pol210_session_used_after_close.RULE,
    pol211_lazy_result_escapes_session.RULE,
    pol212_session_held_across_slow_call.RULE,
    pol213_session_outlives_loop.RULE,
    pol214_session_held_while_streaming.RULE,
    pol215_session_escapes_to_background_task.RULE,
    pol216_async_release_not_awaited.RULE,
    pol217_commit_then_read_reopens.RULE,
    pol218_async_session_expires_on_commit.RULE,
    pol219_factory_used_as_session.RULE,
    pol220_close_all_sessions.RULE,
    pol221_flask_app_context_never_popped.RULE,
    pol301_short_lived_engine_needs_nullpool.RULE,
    pol302_thread_shared_session_needs_scoped_session.RULE,
    pol303_inert_scoped_session.RULE,
    pol304_scoped_session_never_removed.RULE,
    pol305_scoped_session_in_asyncio.RULE,
    pol306_async_scoped_session_scope.RULE,
    pol307_session_factory_per_call.RULE,
    pol308_nullpool_on_hot_path.RULE,
    pol309_pool_argument_invalid.RULE,
    pol310_single_connection_pool_in_concurrent_code.RULE,
    pol311_double_pooling.RULE,
    pol312_sqlite_memory_mode_pool.RULE,
    pol313_half_of_the_nullpool_scoped_session_pair.RULE,
    pol601_connection_never_closed.RULE,
    pol602_connection_close_not_guaranteed.RULE,
    pol603_chained_connect_execute.RULE,
    pol604_raw_connection_misuse.RULE,
    pol605_connection_write_without_commit.RULE,
    pol606_session_bound_to_fresh_connection.RULE,
    pol607_engine_begin_without_with.RULE,
    pol608_session_connection_closed.RULE,
    pol609_driver_state_leaks_into_pool.RULE,
    pol610_shared_connection.RULE,
    pol611_result_escapes_connection.RULE,
    pol900_internal_error.RULE,
    pol901_syntax_error.RULE,
    pol902_unused_suppression.RULE,
    pol903_broken_configuration.RULE,
)
"""In the order of their codes."""

CODES: tuple[str, ...] = tuple(rule.metadata.code for rule in RULES)

PRECEDENCE: tuple[str, ...] = (
    "POL112",
    "POL111",
    "POL106",
    "POL104",
    "POL103",
    "POL116",
    "POL115",
    "POL101",
    "POL110",
    "POL109",
    "POL105",
    "POL102",
    "POL107",
    "POL108",
    "POL301",
    "POL313",
    "POL204",
    "POL208",
    "POL210",
    "POL205",
    "POL213",
    "POL201",
    "POL202",
    "POL206",
    "POL212",
    "POL302",
    "POL203",
    "POL606",
    "POL607",
    "POL610",
    "POL604",
    "POL603",
    "POL601",
    "POL602",
    "POL605",
)
"""Which rule of a family reports a site that several of them judge: the first one here."""

ISSUES_URL = "https://github.com/poollint/poollint/issues"

_BY_CODE = dict(zip(CODES, RULES, strict=True))


def rule(code: str) -> Rule:
    """The rule with this code. Raises KeyError for a code that does not exist."""
    return _BY_CODE[code]


def verdicts(sites: ProgramSites, rules: Iterable[Rule] = RULES) -> list[Verdict]:
    """What all `rules` say about all sites, in a fixed order.

    Several rules of a family can judge one site: the caller drops the codes that are not enabled and then keeps one
    verdict for each family and `Verdict.site`, by `PRECEDENCE`. Never raises: a rule that does gives one POL900 verdict
    and what it says about the other sites.
    """
    found = (judged for each in rules if each.judge is not None for judged in _judged(each, each.judge, sites))
    return sorted(found, key=_order)


def _order(verdict: Verdict) -> tuple[Span, str, str, Span]:
    return (verdict.span, verdict.code, verdict.message, verdict.site)


def _judged(failing: Rule, judge: Judge, sites: ProgramSites) -> list[Verdict]:
    try:
        return list(judge(sites))
    except Exception as error:
        return _judged_one_by_one(failing, judge, sites, error)


def _judged_one_by_one(failing: Rule, judge: Judge, sites: ProgramSites, error: Exception) -> list[Verdict]:
    """The verdicts of a rule that failed, without the sites that it fails on, and one POL900 for the first of these."""
    found: list[Verdict] = []
    fault: Verdict | None = None
    for single in (replace(single, versions=sites.versions) for single in _single(sites)):
        try:
            found.extend(judge(single))
        except Exception as error_here:
            fault = fault or _internal_error(failing, error_here, single)
    return [*found, fault or _internal_error(failing, error, sites)]


def _single(sites: ProgramSites) -> Iterator[ProgramSites]:
    for engine in sites.engines:
        yield ProgramSites(engines=(engine,))
    for disposal in sites.disposals:
        yield ProgramSites(disposals=(disposal,))
    for handle in sites.handles:
        yield ProgramSites(handles=(handle,))
    for kept in sites.kept.singles():
        yield ProgramSites(kept=kept)
    for held in sites.held:
        yield ProgramSites(held=(held,))
    for misuse in sites.misuses:
        yield ProgramSites(misuses=(misuse,))
    for pool in sites.pools:
        yield ProgramSites(pools=(pool,))


def _internal_error(failing: Rule, error: Exception, sites: ProgramSites) -> Verdict:
    """POL900 at the first of `sites`; the path is empty where there is none."""
    candidates: tuple[EngineSite | DisposeSite | HandleSite | HeldSite | Misuse | KeptSite | PoolSite, ...] = (
        *sites.engines,
        *sites.disposals,
        *sites.handles,
        *sites.kept.records(),
        *sites.held,
        *sites.misuses,
        *sites.pools,
    )
    site = candidates[0] if candidates else None
    span = Span("", 1, 0, 1, 0) if site is None else site.span
    return Verdict(
        code="POL900",
        site=span,
        span=span,
        chunk_line=span.line,
        symbol="" if site is None else site.symbol,
        message=internal_error_message(failing.metadata.code, error),
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
    )


def internal_error_message(code: str, error: Exception) -> str:
    """What POL900 says about a rule that raised `error`; the position of the finding names the file."""
    return f"{code} failed here ({type(error).__name__[:30]}), please report it: {ISSUES_URL}"
