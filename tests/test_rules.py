"""What each rule says about a site. The sites are built here; where they come from is the program layer's business."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from kept_matrix import kept_matrix
from msgspec.structs import replace
from pool_matrix import pool_matrix

from poollint import findings
from poollint.checking.analysing import rule_rows
from poollint.checking.results import stored_verdict
from poollint.checking.selection import choose, decide
from poollint.findings import Severity
from poollint.program.holding.sites import HeldBy, HeldSite
from poollint.program.lifetimes import observations as handles
from poollint.program.lifetimes.sites import HandleSite, Leak
from poollint.program.misuses.sites import Misuse, MisuseKind
from poollint.program.sites import (
    Confidence,
    DisposeSite,
    EngineSite,
    Escape,
    Frequency,
    Holder,
    Loop,
    Memo,
    Pool,
    ProgramSites,
    Release,
    Span,
    Step,
    Times,
)
from poollint.rules import registry
from poollint.rules.engine import exemptions
from poollint.rules.engine.wording import LONGEST, SHORTEST_NAME, sentence
from poollint.rules.registry import PRECEDENCE, RULES, rule, verdicts

if TYPE_CHECKING:
    from poollint.rules.base import Rule, Verdict

PLACE = Span("app/db.py", 10, 13, 10, 31)
LOOP_PLACE = Span("app/db.py", 8, 4, 12, 20)
CHAIN = (Step(Span("main.py", 14, 0, 14, 40), "worker() is the callback of add_done_callback()"),)
MANY = Frequency(Times.MANY, True, "callback", "registered at main.py:14", CHAIN, contexts=frozenset({"callback"}))
ONCE = Frequency(Times.ONCE, True, "import")
UNKNOWN = Frequency(Times.ONCE, False)
HINTED = replace(MANY, confidence=Confidence.LOW)
PER_THREAD = Frequency(Times.PER_THREAD, True, "thread", "started at main.py:9", contexts=frozenset({"thread"}))
INSIDE = frozenset({Escape.RETURNED_INSIDE})
DATABASES = Loop(LOOP_PLACE, "for", argument_depends=True, stored=False)
ROWS = Loop(LOOP_PLACE, "for", argument_depends=False, stored=False)
MAPPED = Memo("", keyed="key", parameters=1, request_key=True)
CACHED = Memo("functools.cache", keyed="none")


def site(**changes: object) -> EngineSite:
    """An engine in a public function that runs per callback; `changes` are fields of EngineSite."""
    plain = EngineSite(
        span=PLACE,
        chunk_line=10,
        factory="sqlalchemy.create_engine",
        spelled="create_engine",
        symbol="get_session",
        holder=Holder.FUNCTION,
        frequency=MANY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def disposal(**changes: object) -> DisposeSite:
    """dispose() on a module-level engine in a callback."""
    plain = DisposeSite(PLACE, 10, "view", MANY, "app.db.engine", True, False, False)
    return replace(plain, **changes)  # type: ignore[arg-type]


def said(*engines: EngineSite, disposals: tuple[DisposeSite, ...] = ()) -> dict[str, Verdict]:
    """All verdicts by code; at most one of a code."""
    found = verdicts(ProgramSites(engines, disposals))
    assert len({verdict.code for verdict in found}) == len(found)
    return {verdict.code: verdict for verdict in found}


def winner(engine: EngineSite, select: tuple[str, ...] = ()) -> Verdict | None:
    """The verdict that is shown for one site."""
    found = verdicts(ProgramSites((engine,)))
    selection = choose(rule_rows(), select, (), ())
    shown = decide([stored_verdict(verdict) for verdict in found], selection).shown
    assert len(shown) <= 1
    return found[shown[0]] if shown else None


class TestRepeatedEngines:
    def test_proven_repetition_is_an_error_that_names_the_entry_point(self) -> None:
        verdict = said(site(escapes=INSIDE))["POL101"]
        assert verdict.message == (
            "create_engine() runs once per callback (registered at main.py:14): create it once at import"
        )
        assert verdict.severity is Severity.ERROR
        assert verdict.confidence is findings.Confidence.HIGH
        assert verdict.chain == CHAIN

    def test_once_per_thread_is_repetition(self) -> None:
        assert said(site(frequency=PER_THREAD))["POL101"].message.startswith("create_engine() runs once per thread")

    @pytest.mark.parametrize("times", [Times.NEVER, Times.ONCE, Times.PER_PROCESS, Times.PER_KEY])
    def test_known_and_not_repeated_is_quiet(self, times: Times) -> None:
        frequency = replace(MANY, times=times)
        assert not set(said(site(frequency=frequency, escapes=INSIDE))) & {"POL101", "POL102", "POL105", "POL115"}

    def test_a_hint_gives_low_confidence(self) -> None:
        assert said(site(frequency=HINTED))["POL101"].confidence is findings.Confidence.LOW

    def test_unknown_keyword_arguments_lower_the_confidence(self) -> None:
        assert said(site(pool=Pool.UNKNOWN))["POL101"].confidence is findings.Confidence.MEDIUM

    def test_null_pool_reconnects_and_is_info(self) -> None:
        verdict = said(site(pool=Pool.NULL))["POL101"]
        assert verdict.severity is Severity.INFO
        assert "NullPool reconnects on every call" in verdict.message

    def test_a_disposed_engine_is_info(self) -> None:
        verdict = said(site(release=Release.ALWAYS))["POL101"]
        assert verdict.severity is Severity.INFO
        assert "connects and disposes once per callback" in verdict.message

    def test_dispose_on_the_happy_path_is_a_warning(self) -> None:
        verdict = said(site(release=Release.HAPPY_PATH))["POL101"]
        assert verdict.severity is Severity.WARNING
        assert "an exception skips dispose()" in verdict.message

    @pytest.mark.parametrize(
        ("changes", "advice"),
        [
            ({"url_depends_on_parameters": True}, "keep one per URL, or use NullPool and dispose of it"),
            ({"dead_guard": "self._engine"}, "assign the engine to self._engine, not to a local"),
            ({"scoped_without_null": True}, "scoped_session lacks its NullPool, create it once at import"),
            ({"rerun": "streamlit"}, "build it in a function with @st.cache_resource"),
            ({"is_async": True}, "create it once at start-up"),
            ({"url_known_later": True}, "create it on first use and keep it by its URL"),
            (
                {"is_async": True, "frequency": replace(MANY, contexts=frozenset({"new_loop"}), in_new_loop=True)},
                "use NullPool and dispose of it in the same loop",
            ),
            (
                {"is_async": True, "frequency": replace(MANY, contexts=frozenset({"task", "new_loop"}))},
                "keep one for each event loop",
            ),
        ],
    )
    def test_the_advice_fits_the_site(self, changes: dict[str, object], advice: str) -> None:
        assert said(site(**changes))["POL101"].message.endswith(f": {advice}")


class TestExemptions:
    @pytest.mark.parametrize(
        ("changes", "predicate"),
        [
            ({"guarded_once": True}, exemptions.guarded_global),
            ({"memo": CACHED}, exemptions.memoised),
            ({"in_test": True}, exemptions.in_tests),
            ({"in_migration": True}, exemptions.in_migration),
            ({"one_shot_script": True}, exemptions.one_shot_script),
            ({"in_memory": True}, exemptions.in_memory_database),
        ],
    )
    @pytest.mark.parametrize(
        "shape",
        [
            {},
            {"loop": ROWS},
            {"holder": Holder.PROPERTY},
            {"holder": Holder.INIT},
            {"holder": Holder.DEPENDENCY},
            {"holder": Holder.DEFAULT_FACTORY},
            {"inline_into": "pandas.read_sql"},
            {"hidden": True},
            {"frequency": UNKNOWN},
            {"frequency": UNKNOWN, "holder": Holder.INIT},
            {"release": Release.HAPPY_PATH},
        ],
    )
    def test_each_exemption_silences_every_rule_about_repeated_engines(
        self, changes: dict[str, object], predicate: object, shape: dict[str, object]
    ) -> None:
        exempted = site(**shape, **changes)
        assert exemptions.exemption(exempted) is predicate
        assert said(site(**shape))
        piles_up_in_one_run = predicate is exemptions.one_shot_script and "loop" in shape
        assert bool(said(exempted)) is piles_up_in_one_run

    def test_nothing_is_exempt_by_default(self) -> None:
        assert exemptions.exemption(site()) is None

    def test_every_exemption_says_why(self) -> None:
        assert all(predicate.__doc__ for predicate in exemptions.EXEMPTIONS)

    @pytest.mark.parametrize("holder", [Holder.FUNCTION, Holder.PROPERTY, Holder.INIT])
    def test_unreferenced_private_code_is_dead(self, holder: Holder) -> None:
        assert not said(site(holder=holder, frequency=UNKNOWN, public=False, release=Release.HAPPY_PATH))

    def test_private_code_with_a_known_caller_is_not_dead(self) -> None:
        assert "POL101" in said(site(public=False))

    def test_one_stored_engine_per_database_is_no_repetition(self) -> None:
        stored = replace(DATABASES, stored=True)
        looped = replace(MANY, contexts=frozenset())
        assert not said(site(loop=stored, frequency=looped, escapes=frozenset({Escape.STORED_IN_CONTAINER})))
        assert "POL101" in said(site(loop=stored, escapes=frozenset({Escape.STORED_IN_CONTAINER})))


class TestUnknownCallers:
    @pytest.mark.parametrize("escapes", [frozenset(), INSIDE])
    def test_an_engine_that_nobody_outside_can_hold_is_a_warning(self, escapes: frozenset[Escape]) -> None:
        verdict = said(site(frequency=UNKNOWN, escapes=escapes))["POL102"]
        assert verdict.severity is Severity.WARNING
        assert verdict.confidence is findings.Confidence.MEDIUM
        assert verdict.message == "each call of get_session() runs create_engine(): create it once at import"

    def test_dispose_on_the_happy_path_is_named(self) -> None:
        verdict = said(site(frequency=UNKNOWN, release=Release.HAPPY_PATH))["POL102"]
        assert verdict.severity is Severity.WARNING
        assert verdict.message.endswith("an exception skips dispose(): move it into finally")

    @pytest.mark.parametrize("escape", sorted(set(Escape) - {Escape.RETURNED_INSIDE}))
    def test_an_engine_with_an_owner_is_info(self, escape: Escape) -> None:
        found = said(site(frequency=UNKNOWN, escapes=frozenset({escape, Escape.RETURNED_INSIDE})))
        assert found["POL102"].severity is Severity.INFO

    def test_a_builder_for_its_callers_is_quiet(self) -> None:
        assert not said(site(frequency=UNKNOWN, escapes=frozenset({Escape.RETURNED}), url_depends_on_parameters=True))

    def test_a_disposed_engine_is_quiet(self) -> None:
        assert not said(site(frequency=UNKNOWN, release=Release.ALWAYS))

    @pytest.mark.parametrize("changes", [{"pool": Pool.NULL}, {"hidden": True}])
    def test_null_pool_and_hidden_factories_are_info(self, changes: dict[str, object]) -> None:
        assert said(site(frequency=UNKNOWN, escapes=INSIDE, **changes))["POL102"].severity is Severity.INFO

    def test_a_guard_that_fills_a_local_is_a_warning_whoever_gets_the_engine(self) -> None:
        changes = {"dead_guard": "_engine", "escapes": frozenset({Escape.RETURNED})}
        assert said(site(frequency=UNKNOWN, **changes))["POL102"].severity is Severity.WARNING

    def test_a_hint_is_no_knowledge(self) -> None:
        """The hinted POL101 is hidden, so POL102 must still report what the function alone shows."""
        shown = winner(site(frequency=HINTED, escapes=INSIDE))
        assert shown is not None
        assert shown.code == "POL102"

    @pytest.mark.parametrize("code", ["POL101", "POL103", "POL111", "POL116"])
    def test_proven_rules_need_proof(self, code: str) -> None:
        for holder in Holder:
            assert code not in said(site(frequency=UNKNOWN, holder=holder, hidden=True))


class TestLoops:
    def test_one_url_in_a_loop_is_an_error(self) -> None:
        verdict = said(site(loop=ROWS, frequency=UNKNOWN))["POL103"]
        assert verdict.severity is Severity.ERROR
        assert verdict.message == (
            "create_engine() runs in each pass of the for loop at line 8: create it once above the loop"
        )
        assert verdict.chain[-1] == Step(LOOP_PLACE, "the for loop at db.py:8 repeats create_engine()")

    def test_one_url_per_pass_is_a_warning(self) -> None:
        verdict = said(site(loop=DATABASES, frequency=ONCE))["POL103"]
        assert verdict.severity is Severity.WARNING
        assert "one idle pool per database stays" in verdict.message
        assert verdict.fix_applicability == "unsafe"

    def test_null_pool_is_info(self) -> None:
        assert said(site(loop=ROWS, pool=Pool.NULL))["POL103"].severity is Severity.INFO

    @pytest.mark.parametrize("changes", [{"release": Release.ALWAYS}, {"loop": replace(DATABASES, stored=True)}])
    def test_disposed_or_stored_in_the_pass_is_quiet(self, changes: dict[str, object]) -> None:
        assert "POL103" not in said(site(**{"loop": DATABASES, **changes}))

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("for", "for loop"), ("async for", "async for loop"), ("comprehension", "comprehension")],
    )
    def test_the_kind_of_the_loop_reads_well(self, kind: str, words: str) -> None:
        assert f"the {words} at" in said(site(loop=replace(ROWS, kind=kind)))["POL103"].message


class TestHolders:
    def test_a_property_is_an_error_when_its_reads_repeat(self) -> None:
        found = said(site(holder=Holder.PROPERTY, symbol="Repo.engine"))
        assert found["POL104"].severity is Severity.ERROR
        assert found["POL104"].message.startswith("property engine makes an engine once per callback")
        assert "POL101" not in found

    def test_a_property_without_known_reads_is_a_warning(self) -> None:
        verdict = said(site(holder=Holder.PROPERTY, symbol="Repo.engine", frequency=UNKNOWN))["POL104"]
        assert verdict.severity is Severity.WARNING
        assert verdict.message == (
            "property engine makes an engine on every read with create_engine(): use functools.cached_property"
        )

    def test_a_property_that_is_read_once_is_info(self) -> None:
        assert said(site(holder=Holder.PROPERTY, frequency=ONCE))["POL104"].severity is Severity.INFO

    @pytest.mark.parametrize(
        ("frequency", "severity"),
        [(MANY, Severity.ERROR), (PER_THREAD, Severity.WARNING), (UNKNOWN, Severity.INFO)],
    )
    def test_an_engine_per_instance(self, frequency: Frequency, severity: Severity) -> None:
        found = said(site(holder=Holder.INIT, class_name="app.db.Repo", frequency=frequency))
        assert found["POL105"].severity is severity
        assert "Repo" in found["POL105"].message
        assert not set(found) & {"POL101", "POL102"}

    def test_a_single_instance_is_quiet(self) -> None:
        stored = frozenset({Escape.STORED_ON_SELF})
        assert not said(site(holder=Holder.INIT, class_name="Repo", frequency=ONCE, escapes=stored))

    def test_an_injected_engine_is_an_error(self) -> None:
        found = said(site(holder=Holder.DEPENDENCY))
        assert found["POL106"].severity is Severity.ERROR
        assert "POL101" not in found

    def test_a_provider_factory_becomes_a_singleton(self) -> None:
        verdict = said(site(holder=Holder.DEPENDENCY, inline_into="dependency_injector.providers.Factory"))["POL106"]
        assert verdict.message.endswith(": use providers.Singleton")

    def test_a_default_factory_of_unknown_instances_is_info(self) -> None:
        found = said(site(holder=Holder.DEFAULT_FACTORY, frequency=UNKNOWN))
        assert found["POL106"].severity is Severity.INFO

    def test_a_hidden_factory_is_a_warning_when_it_repeats(self) -> None:
        hidden = site(hidden=True, spelled="PostgresHook.get_sqlalchemy_engine")
        verdict = said(hidden)["POL116"]
        assert verdict.severity is Severity.WARNING
        assert verdict.message.startswith("PostgresHook.get_sqlalchemy_engine() runs once per callback")

    def test_arguments_of_a_receiver_do_not_belong_to_its_name(self) -> None:
        hidden = site(hidden=True, spelled='PostgresHook("a.b", f(...)).get_sqlalchemy_engine')
        assert said(hidden)["POL116"].message.startswith("PostgresHook.get_sqlalchemy_engine() runs")

    def test_a_hidden_engine_of_a_worker_process_is_info(self) -> None:
        per_process = Frequency(Times.PER_PROCESS, True, "process", contexts=frozenset({"task"}))
        assert said(site(hidden=True, frequency=per_process))["POL116"].severity is Severity.INFO

    @pytest.mark.parametrize(
        ("changes", "severity"),
        [
            ({"frequency": MANY}, Severity.ERROR),
            ({"frequency": UNKNOWN}, Severity.WARNING),
            ({"frequency": UNKNOWN, "escapes": frozenset({Escape.PASSED_TO_OWNER})}, Severity.INFO),
            ({"frequency": UNKNOWN, "pool": Pool.NULL}, Severity.INFO),
        ],
    )
    def test_a_nameless_engine(self, changes: dict[str, object], severity: Severity) -> None:
        verdict = said(site(inline_into="pandas.read_sql", **changes))["POL115"]
        assert verdict.severity is severity
        assert verdict.message.startswith("create_engine() inside read_sql() has no name")

    def test_a_nameless_engine_at_module_level_is_quiet(self) -> None:
        nameless = site(inline_into="sqlalchemy.orm.sessionmaker", holder=Holder.MODULE, frequency=ONCE)
        assert not said(nameless)


class TestRelease:
    def test_a_dropped_async_engine_is_a_warning(self) -> None:
        verdict = said(site(frequency=UNKNOWN, is_async=True, spelled="create_async_engine"))["POL107"]
        assert verdict.severity is Severity.WARNING
        assert verdict.message.endswith(": await dispose() in finally")

    def test_a_dropped_engine_of_unknown_code_is_info(self) -> None:
        assert said(site(frequency=UNKNOWN))["POL107"].severity is Severity.INFO

    @pytest.mark.parametrize(
        "changes",
        [
            {"escapes": frozenset({Escape.RETURNED})},
            {"pool": Pool.NULL},
            {"release": Release.ALWAYS},
            {"holder": Holder.MODULE},
        ],
    )
    def test_an_owned_or_disposed_engine_is_quiet(self, changes: dict[str, object]) -> None:
        assert "POL107" not in said(site(frequency=UNKNOWN, **changes))

    def test_an_engine_for_every_test_is_a_warning_although_tests_are_exempt(self) -> None:
        found = said(site(made_per_test=True, in_test=True))
        assert set(found) == {"POL107"}
        assert found["POL107"].severity is Severity.WARNING

    @pytest.mark.parametrize("changes", [{"release": Release.ALWAYS}, {"pool": Pool.NULL}, {"in_memory": True}])
    def test_an_engine_for_every_test_that_leaves_nothing_is_quiet(self, changes: dict[str, object]) -> None:
        assert not said(site(made_per_test=True, in_test=True, **changes))

    def test_an_overwritten_attribute_is_reported_where_it_is_overwritten(self) -> None:
        statement = Span("app/db.py", 40, 8, 40, 26)
        stored = site(
            frequency=ONCE, escapes=frozenset({Escape.STORED_ON_SELF}), overwritten=(statement,), class_name="Store"
        )
        verdict = said(stored)["POL107"]
        assert (verdict.span, verdict.site, verdict.chunk_line) == (statement, statement, 40)
        assert verdict.message == (
            "this drops the engine made at db.py:10, its connections stay open: call dispose() first"
        )
        assert [step.span for step in verdict.chain] == [PLACE]

    def test_two_engines_of_one_overwritten_attribute_are_one_finding(self) -> None:
        statement = Span("app/db.py", 40, 8, 40, 26)
        first = site(frequency=ONCE, escapes=frozenset({Escape.STORED_ON_SELF}), overwritten=(statement,))
        assert set(said(first, replace(first, span=replace(PLACE, line=12)))) == {"POL107"}

    def test_dispose_on_the_happy_path_is_reported_at_dispose(self) -> None:
        place = Span("app/db.py", 14, 4, 14, 20)
        found = said(site(frequency=ONCE, release=Release.HAPPY_PATH, dispose_span=place))
        assert set(found) == {"POL108"}
        assert found["POL108"].span == place
        assert found["POL108"].site == PLACE
        assert found["POL108"].severity is Severity.INFO


class TestCaches:
    def test_a_map_keyed_by_callers_is_reported_with_low_confidence(self) -> None:
        found = said(site(memo=MAPPED))
        assert set(found) == {"POL109"}
        assert found["POL109"].confidence is findings.Confidence.LOW

    @pytest.mark.parametrize(
        "changes",
        [
            {"memo": replace(MAPPED, request_key=False)},
            {"memo": replace(MAPPED, keyed="thread")},
            {"memo": replace(MAPPED, keyed="pid")},
            {"memo": replace(MAPPED, disposes=True)},
            {"pool": Pool.NULL},
            {"in_memory": True},
            {"in_test": True},
        ],
    )
    def test_a_bounded_or_cheap_map_is_quiet(self, changes: dict[str, object]) -> None:
        assert not said(site(**{"memo": MAPPED, **changes}))

    def test_a_map_of_tiny_pools_is_info(self) -> None:
        assert said(site(memo=MAPPED, pool_size=2, max_overflow=0))["POL109"].severity is Severity.INFO

    @pytest.mark.parametrize(("maxsize", "severity"), [(8, Severity.WARNING), (128, Severity.INFO)])
    def test_an_evicting_cache(self, maxsize: int, severity: Severity) -> None:
        memo = Memo("functools.lru_cache", keyed="args", parameters=1, maxsize=maxsize, evicts=True, request_key=True)
        found = said(site(memo=memo))
        assert set(found) == {"POL110"}
        assert found["POL110"].severity is severity
        assert found["POL110"].message.startswith(f"lru_cache(maxsize={maxsize}) evicts engines without dispose()")

    @pytest.mark.parametrize("changes", [{"parameters": 0}, {"disposes": True}])
    def test_a_cache_that_cannot_evict_or_disposes_is_quiet(self, changes: dict[str, object]) -> None:
        memo = Memo("functools.lru_cache", keyed="args", parameters=1, maxsize=8, evicts=True, request_key=True)
        assert not said(site(memo=replace(memo, **changes)))  # type: ignore[arg-type]

    def test_a_value_cache_cannot_keep_an_engine(self) -> None:
        memo = Memo("streamlit.cache_data", keyed="args", value_cache=True, locked=True)
        found = said(site(memo=memo, escapes=frozenset({Escape.RETURNED})))
        assert set(found) == {"POL112"}
        assert found["POL112"].message == (
            "cache_data pickles what it caches, and an engine cannot be pickled: use st.cache_resource"
        )

    def test_a_value_cache_of_plain_data_does_not_keep_the_engine(self) -> None:
        found = said(site(memo=Memo("streamlit.cache_data", keyed="args", value_cache=True)))
        assert "POL112" not in found
        assert found["POL101"].severity is Severity.WARNING

    def test_an_unlocked_first_call_of_concurrent_code(self) -> None:
        concurrent = replace(MANY, concurrent=True)
        assert said(site(memo=CACHED, frequency=concurrent))["POL113"].severity is Severity.INFO
        assert not rule("POL113").metadata.default

    @pytest.mark.parametrize("memo", [replace(CACHED, locked=True), replace(CACHED, keyed="thread"), None])
    def test_a_locked_or_own_engine_is_no_race(self, memo: Memo | None) -> None:
        assert "POL113" not in said(site(memo=memo, frequency=replace(MANY, concurrent=True)))


class TestModules:
    def test_a_streamlit_script_is_an_error(self) -> None:
        found = said(site(holder=Holder.MODULE, frequency=ONCE, rerun="streamlit"))
        assert found["POL111"].severity is Severity.ERROR

    def test_a_dag_file_matters_only_when_it_connects(self) -> None:
        quiet = site(holder=Holder.MODULE, frequency=ONCE, rerun="airflow")
        assert not said(quiet)
        assert said(replace(quiet, connects_at_import=True))["POL111"].severity is Severity.WARNING

    def test_a_function_of_a_streamlit_script_is_not_at_module_level(self) -> None:
        assert "POL111" not in said(site(rerun="streamlit"))

    def test_twins_are_reported_from_the_second_on(self) -> None:
        spans = [replace(PLACE, line=line, end_line=line) for line in (3, 5, 7)]
        twins = [
            site(
                span=span,
                holder=Holder.MODULE,
                frequency=ONCE,
                escapes=frozenset({Escape.STORED_GLOBALLY}),
                twins=tuple(other for other in spans if other != span),
            )
            for span in spans
        ]
        found = verdicts(ProgramSites(tuple(twins)))
        assert [(verdict.code, verdict.span.line) for verdict in found] == [("POL114", 5), ("POL114", 7)]
        assert all("the engine at db.py:3" in verdict.message for verdict in found)

    @pytest.mark.parametrize(("other", "reported"), [("app/db.py", True), ("scripts/load.py", False)])
    def test_twins_of_scripts_count_within_one_file(self, other: str, reported: bool) -> None:
        first, second = Span(other, 3, 0, 3, 20), Span("app/db.py", 5, 0, 5, 20)
        if first > second:
            first, second = second, first
        shared = {"holder": Holder.MODULE, "frequency": ONCE, "twins": (first, second), "one_shot_script": True}
        found = verdicts(ProgramSites((site(span=first, **shared), site(span=second, **shared))))
        assert [verdict.code for verdict in found if verdict.code == "POL114"] == ["POL114"] * reported


class TestDisposals:
    def test_dispose_per_callback_is_a_warning(self) -> None:
        verdict = said(disposals=(disposal(),))["POL117"]
        assert verdict.severity is Severity.WARNING
        assert verdict.message == (
            "engine.dispose() drops the shared pool once per callback (registered at main.py:14): dispose at shutdown"
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"frequency": ONCE},
            {"frequency": UNKNOWN},
            {"null_pool": True},
            {"shutdown": True},
            {"after_failure": True},
            {"replaced": True},
            {"in_test": True},
            {"in_migration": True},
            {"frequency": replace(MANY, contexts=frozenset({"task", "new_loop"}))},
            {"frequency": replace(MANY, contexts=frozenset({"process"}))},
        ],
    )
    def test_a_dispose_in_its_place_is_quiet(self, changes: dict[str, object]) -> None:
        assert not said(disposals=(disposal(**changes),))


class TestPrecedence:
    def test_every_competing_rule_has_its_place(self) -> None:
        competing = {each.metadata.code for each in RULES if each.judge and each.family.value != "alone"}
        assert set(PRECEDENCE) == competing

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({}, "POL101"),
            ({"loop": ROWS}, "POL103"),
            ({"loop": ROWS, "hidden": True}, "POL103"),
            ({"hidden": True, "inline_into": "f"}, "POL116"),
            ({"inline_into": "f"}, "POL115"),
            ({"holder": Holder.PROPERTY, "loop": ROWS}, "POL104"),
            ({"holder": Holder.DEPENDENCY, "loop": ROWS}, "POL106"),
            ({"frequency": UNKNOWN}, "POL102"),
            ({"frequency": ONCE, "is_async": True}, "POL107"),
            ({"frequency": UNKNOWN, "is_async": True, "hidden": True}, "POL107"),
        ],
    )
    def test_one_finding_for_each_site(self, changes: dict[str, object], code: str) -> None:
        shown = winner(site(**changes))
        assert shown is not None
        assert shown.code == code

    def test_a_rule_that_is_selected_alone_speaks(self) -> None:
        shown = winner(site(is_async=True, frequency=UNKNOWN), select=("POL107",))
        assert shown is not None
        assert shown.code == "POL107"


class TestRegistry:
    def test_the_codes_are_in_order_and_unique(self) -> None:
        assert list(registry.CODES) == sorted(set(registry.CODES))

    def test_an_unknown_code_is_a_key_error(self) -> None:
        with pytest.raises(KeyError):
            rule("POL999")

    def test_rule_files_are_named_after_their_rules(self) -> None:
        for each in RULES:
            expected = f"{each.metadata.code}_{each.metadata.name}".lower().replace("-", "_")
            assert sys.modules[_module_of(each)].__name__.rsplit(".", 1)[-1] == expected

    def test_importing_the_registry_does_not_load_a_parser(self) -> None:
        command = (
            "import sys, poollint.rules.registry as registry\n"
            "registry.verdicts(registry.ProgramSites())\n"
            "heavy = {'libcst', 'yaml', 'flake8', 'ast'} & set(sys.modules)\n"
            "assert not heavy - {'ast'}, heavy\n"
        )
        subprocess.run([sys.executable, "-c", command], check=True)

    def test_a_rule_that_raises_is_one_pol900_and_keeps_its_other_verdicts(self) -> None:
        def judge(sites: ProgramSites) -> list[Verdict]:
            if any(engine.factory == "bad" for engine in sites.engines):
                raise KeyError("boom")
            assert rule("POL101").judge is not None
            return list(rule("POL101").judge(sites))  # type: ignore[misc]

        failing = replace(rule("POL101"), judge=judge)
        bad = [site(factory="bad", span=replace(PLACE, line=line)) for line in (20, 30)]
        found = verdicts(ProgramSites((*bad, site())), (failing,))
        assert [(verdict.code, verdict.span.line) for verdict in found] == [("POL101", 10), ("POL900", 20)]
        assert "POL101 failed here (KeyError)" in found[1].message
        assert registry.ISSUES_URL in found[1].message

    def test_a_rule_that_raises_without_sites_still_gives_a_verdict(self) -> None:
        def judge(sites: ProgramSites) -> list[Verdict]:
            raise RecursionError

        found = verdicts(ProgramSites(), (replace(rule("POL101"), judge=judge),))
        assert [(verdict.code, verdict.span.path) for verdict in found] == [("POL900", "")]

    def test_the_order_of_the_sites_does_not_matter(self) -> None:
        sites = list(_matrix())
        expected = verdicts(ProgramSites(tuple(sites), (disposal(),)))
        random.Random(2).shuffle(sites)
        assert verdicts(ProgramSites(tuple(sites), (disposal(),))) == expected


class TestMessages:
    def test_all_messages_fit_and_command_nothing_vague(self) -> None:
        found = verdicts(
            ProgramSites(
                tuple(_matrix()),
                (disposal(), _wordy_disposal()),
                tuple(handle_matrix()),
                misuses=tuple(misuse_matrix()),
                held=tuple(held_matrix()),
                kept=kept_matrix(handle_matrix(), site()),
                pools=tuple(pool_matrix(site())),
            )
        )
        assert {verdict.code for verdict in found} == {each.metadata.code for each in RULES if each.judge}
        for message in {verdict.message for verdict in found}:
            assert len(message) <= LONGEST, message
            assert not re.search(r"\b(should|may|might|could)\b", message), message
            assert not message.endswith("."), message
            assert "  " not in message, message
            assert ": " in message, message
            for word in re.findall(r"[^\s,:]+…\S*", message):
                assert len(word.rstrip(",:")) >= SHORTEST_NAME, f"a clause is cut: {message}"

    def test_names_are_shortened_and_numbers_and_advice_are_not(self) -> None:
        name = "a_rather_long_name_" * 3
        text = sentence(
            f"service.{name}() waits while self.{name} holds a connection since line 123456", "", "close it"
        )
        assert text.endswith(" holds a connection since line 123456: close it")
        assert re.match(r"a_rather_long_name_\w+…\(\) waits while a_rather_long_name_\w+… holds", text), text

    def test_the_method_is_what_stays_of_a_dotted_name(self) -> None:
        name = f"self.{'a_rather_long_name_' * 3}.connect()"
        text = sentence(f"{name} holds its connection while the consumer works at this yield", "", "fetch in pages" * 2)
        assert text.startswith("…connect() holds its connection while the consumer works at this yield: fetch")

    def test_a_clause_is_dropped_before_it_is_cut(self) -> None:
        text = sentence(f"it runs again, {'and this takes room ' * 5}".strip(), "", "create it once at import")
        assert text == "it runs again: create it once at import"

    def test_a_long_path_loses_its_folders_before_it_is_dropped(self) -> None:
        entry = f"registered at {'very_long_folder/' * 5}main.py:14"
        message = said(site(frequency=replace(MANY, entry=entry)))["POL101"].message
        assert message.startswith("create_engine() runs once per callback (registered at main.py:14): ")

    def test_internal_errors_fit(self) -> None:
        class AnExceptionWithARatherLongNameThatNobodyWouldWrite(Exception):
            pass

        error = AnExceptionWithARatherLongNameThatNobodyWouldWrite()
        assert len(registry.internal_error_message("POL101", error)) <= LONGEST

    def test_severities_stay_below_what_the_page_says(self) -> None:
        for verdict in verdicts(ProgramSites(tuple(_matrix()), (disposal(),))):
            metadata = rule(verdict.code).metadata
            assert verdict.severity.rank <= Severity(metadata.severity).rank, verdict
            assert verdict.fix_applicability in ("safe", "unsafe", "display")
            assert bool(verdict.fix_title)

    def test_moving_an_engine_is_never_safe(self) -> None:
        for verdict in verdicts(ProgramSites(tuple(_matrix()), ())):
            if verdict.fix_applicability == "safe":
                assert verdict.code in ("POL107", "POL108", "POL112")


def _wordy_disposal() -> DisposeSite:
    long = "a_rather_long_name_" * 6
    return disposal(
        engine=f"app.{long}", frequency=replace(MANY, unit=f"call of {long}()", entry=f"looped over at {long}")
    )


def _matrix() -> list[EngineSite]:
    """Sites of every shape, short and long names, each with a place of its own."""
    long = "a_rather_long_name_" * 6
    wordy = replace(MANY, unit=f"call of {long}()", entry=f"registered at {long}/{long}.py:14", concurrent=True)
    frequencies = (MANY, ONCE, UNKNOWN, HINTED, PER_THREAD, wordy, Frequency(Times.MANY, True))
    evicting = Memo(f"lib.{long}", keyed="args", parameters=2, maxsize=4, evicts=True)
    pickling = Memo("streamlit.cache_data", keyed="args", value_cache=True)
    shapes: tuple[dict[str, object], ...] = (
        {},
        {"spelled": f"module.{long}", "symbol": f"Class.{long}", "class_name": long},
        {"spelled": f"{long}.{long}", "hidden": True, "symbol": "f.<locals>.<lambda>"},
        {"loop": ROWS},
        {"loop": replace(DATABASES, kind="comprehension"), "hidden": True},
        {"inline_into": f"pandas.{long}", "is_async": True},
        {"url_depends_on_parameters": True},
        {"dead_guard": f"self.{long}"},
        {"scoped_without_null": True, "escapes": INSIDE},
        {"memo": MAPPED},
        {"memo": evicting},
        {"memo": pickling, "escapes": INSIDE},
        {"memo": CACHED},
        {"rerun": "streamlit"},
        {"rerun": "airflow", "connects_at_import": True},
        {"overwritten": (Span(f"app/{long}.py", 40, 8, 40, 26),)},
        {"made_per_test": True, "in_test": True},
        {"twins": (Span(f"app/{long}.py", 1, 0, 1, 10),)},
    )
    common: tuple[dict[str, object], ...] = (
        {},
        {"release": Release.ALWAYS},
        {"release": Release.HAPPY_PATH, "dispose_span": Span("app/db.py", 14, 4, 14, 20)},
        {"pool": Pool.NULL},
        {"pool": Pool.UNKNOWN},
    )
    made = (
        site(**{"holder": holder, "frequency": frequency, **shape, **also})
        for holder, frequency, shape, also in itertools.product(Holder, frequencies, shapes, common)
    )
    return [
        replace(each, span=replace(PLACE, line=number, end_line=number), chunk_line=number)
        for number, each in enumerate(made, 1)
    ]


def misuse_matrix() -> list[Misuse]:
    """Wrong uses of every kind, with short and long names."""
    long = "a_rather_long_name_" * 6
    shapes = itertools.product(MisuseKind, ("session", f"self.{long}"), ("12", long), (True, False))
    return [
        Misuse(kind, replace(PLACE, line=number, end_line=number), "f", spelled, detail, grave=flag, certain=flag)
        for number, (kind, spelled, detail, flag) in enumerate(shapes, 1)
    ]


def handle_matrix() -> list[HandleSite]:
    """Sessions and connections of every shape, each with a place of its own."""
    long = "a_rather_long_name_" * 6
    wordy = replace(MANY, unit=f"call of {long}()", entry=f"registered at {long}/{long}.py:14")
    shapes: tuple[dict[str, object], ...] = (
        {"leaks": (Leak("raise", 12), Leak("return", 13))},
        {"leaks": (Leak("raise", 12),), "closes": (14,)},
        {"leaks": (Leak("return", 12),), "closes": (14,)},
        {"leaks": (Leak("end", 12),), "commits": (14,)},
        {"leaks": (Leak("lost", 12),), "rollbacks": (14,)},
        {"commits": (14,)},
        {"leaks": (Leak("raise", 12),), "generator": "dependency", "escapes": frozenset({handles.Escape.YIELDED})},
        {
            "leaks": (Leak("raise", 12),),
            "closes": (9,),
            "generator": "generator",
            "escapes": frozenset({handles.Escape.YIELDED}),
        },
        {"writes": (12,), "closes": (13,)},
        {"writes": (12,), "closes": (13,), "schema_only": True},
        {"leaks": (Leak("end", 12),), "chained": True, "name": ""},
        {"shared": "module"},
        {"shared": "default argument", "script": True},
        {"used_after_close": (PLACE,), "closes": (9,)},
        {"unread_results": (PLACE,), "closes": (9,)},
    )
    made = (
        HandleSite(
            **{
                "span": replace(PLACE, line=number, end_line=number),
                "chunk_line": number,
                "kind": kind,
                "factory": "sqlalchemy.orm.Session",
                "spelled": spelled,
                "symbol": "f",
                "frequency": frequency,
                "name": "s",
                "takes": (12,),
                **shape,
            }
        )
        for number, (kind, spelled, frequency, shape) in enumerate(
            itertools.product(
                ("session", "connection", "raw_connection"), ("Session", f"self.{long}"), (ONCE, UNKNOWN, wordy), shapes
            ),
            1,
        )
    )
    return list(made)


def held_matrix() -> list[HeldSite]:
    """Places where something is held too long, of every kind, each with a place of its own."""
    long = "a_rather_long_name_" * 6
    wordy = replace(MANY, unit=f"call of {long}()", entry=f"registered at {long}/{long}.py:14")
    return [
        HeldSite(
            replace(PLACE, line=number, end_line=number), number, "f", frequency, how, spelled, spelled, since=since
        )
        for number, (how, spelled, frequency, since) in enumerate(
            itertools.product(HeldBy, ("db", f"self.{long}"), (ONCE, UNKNOWN, MANY, wordy), (0, 123456)), 1
        )
    ]


def _module_of(each: Rule) -> str:
    code = each.metadata.code.lower()
    return next(name for name in sys.modules if name.rsplit(".", 1)[-1].startswith(f"{code}_"))
