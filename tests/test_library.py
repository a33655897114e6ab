"""The knowledge in YAML: a wrong row is reported with file, line and key; the compiled form says the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint.library import loader
from poollint.library.compiled import SHIPPED, compiled_path
from poollint.library.errors import LibraryError
from poollint.library.loader import load_library, ship
from poollint.library.markers import OWN_MARKERS, marker_scan
from poollint.library.model import Calls, Concurrent, Form, Kind, LibraryFile, Owner
from poollint.library.predicates import Predicate
from poollint.library.reading import read_library_file

if TYPE_CHECKING:
    from poollint.library.index import Library

DOCUMENTATION = Path(__file__).parent.parent / "docs" / "models.md"
SCAN = marker_scan(OWN_MARKERS)
LIBRARY_FOLDER = Path(sys.modules[LibraryFile.__module__].__file__ or "").parent


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def error_of(text: str) -> LibraryError:
    with pytest.raises(LibraryError) as caught:
        read_library_file(text.encode(), "my.yaml", "my")
    return caught.value


# --------------------------------------------------------------------------------------------------- validation errors

ENTRY = "fqn: a.b, form: decorator, kind: job, calls: many"


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ("entrypoints:\n  - {fqn: a.b, frm: call}", 2, "frm", "did you mean `form`?"),
        ("entrypoints:\n  - {fqn: a.b,\n     form: call,\n     knd: job}", 4, "knd", "did you mean `kind`?"),
        ("version: 1\nentrypoint: []", 2, "entrypoint", "did you mean `entrypoints`?"),
        ("entrypoints:\n- fqn: a.b\n  form: call\n  kind: jab\n  calls: many", 4, "kind", "did you mean `job`?"),
        ("entrypoints:\n- {fqn: a.b, form: call, kind: job}", 2, "calls", "lacks this key"),
        ("engine_factories:\n- {async: true}", 2, "fqn", "lacks this key"),
        (f"entrypoints:\n- {{{ENTRY}, methods: run}}", 2, "methods", "expected `array`, got `str`"),
        (f"entrypoints:\n- {{{ENTRY}}}\n- {{{ENTRY}, callable: [{{poss: 1}}]}}", 3, "poss", "did you mean `pos`?"),
        (f"entrypoints:\n- {{{ENTRY}}}\n\n- {{{ENTRY}}}", 4, "fqn", "`a.b` is in this file twice"),
        ("engine_factories:\n- {fqn: a.b}\n- {fqn: a.b, hidden: true}", 3, "fqn", "in this file twice"),
        ("entrypoints:\n- {form: call, kind: job, calls: many, callable: []}", 2, "fqn", "no `fqn`"),
        ("entrypoints:\n- {fqn: a.b, form: call, kind: job, calls: many}", 2, "callable", "which argument"),
        ("entrypoints:\n- {fqn: a.B, form: subclass, kind: job, calls: many}", 2, "methods", "needs `methods`"),
        ("entrypoints:\n- {name: x, form: named, kind: job, calls: many}", 2, "predicate", "needs a `predicate`"),
        (f"entrypoints:\n- {{{ENTRY}, predicate: main_block}}", 2, "predicate", "only a row of form `named`"),
        (
            "entrypoints:\n- {form: named, predicate: main_blok, kind: once, calls: once}",
            2,
            "predicate",
            "did you mean `main_block`?",
        ),
        ("engine_factories:\n- {fqn: a b}", 2, "fqn", "`a b` is no dotted name"),
        ("transparent_decorators: [a.b, a.]", 1, "", "`a.` is no dotted name"),
        ("release_hooks:\n- {scope: request}", 2, "fqn", "neither `fqn` nor `predicate`"),
        ("version: 2", 1, "version", "version 2 is not known"),
        ("- 1", 1, "", "has to be a mapping"),
        ("", 1, "", "has to be a mapping"),
        ("types:\n- {fqn: a.b\n", 3, "", "broken YAML"),
        ("types: []\nfacts: {}\ntypes: []", 3, "", "the key `types` stands here twice"),
        ("facts: {a: !!python/object:os.system {}}", 1, "", "broken YAML"),
        ("types: \0", 1, "", "broken YAML"),
        ("? [a]\n: 1", 1, "", "broken YAML"),
        ("1: []", 1, "1", "not known"),
        ("types: [{1: a}]", 1, "types", "str"),
        ("types: [{<<: {fqn: a}}]", 1, "<<", "not known"),
        ("types:", 1, "types", "expected `array`"),
        ("types: {fqn: a}", 1, "types", "expected `array`"),
        ("types: [a.b]", 1, "types", "expected `object`"),
    ],
)
def test_a_wrong_row_names_line_and_key(text: str, line: int, key: str, reason: str) -> None:
    error = error_of(text)
    assert (error.line, error.key) == (line, key), str(error)
    assert reason in error.reason
    assert str(error).startswith(f"my.yaml:{line}: ")


def test_yes_and_versions_are_words() -> None:
    text = f"engine_factories: [{{fqn: a.b, since: 1.10}}]\nentrypoints: [{{{ENTRY}, concurrent: yes}}]"
    file = read_library_file(text.encode(), "my.yaml", "my")
    assert file.engine_factories[0].since == "1.10"
    assert file.entrypoints[0].concurrent is Concurrent.YES
    assert file.entrypoints[0].library == "my"


def test_a_missing_or_wrong_user_file_is_a_library_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be read"):
        load_library([tmp_path / "absent.yaml"])
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\n\ntyps: []\n")
    with pytest.raises(LibraryError, match=rf"{re.escape(str(wrong))}:3: typs: .*did you mean `types`\?"):
        load_library([wrong])


# -------------------------------------------------------------------------------------------------------- our own rows


def files() -> dict[str, LibraryFile]:
    paths = sorted(LIBRARY_FOLDER.glob("*.yaml"))
    return {path.stem: read_library_file(path.read_bytes(), path.name, path.stem) for path in paths}


def test_no_name_is_an_alias_of_two_things() -> None:
    owners: dict[str, str] = {}
    canonical: set[str] = set()
    for file in files().values():
        for section in LibraryFile.__struct_fields__:
            for row in getattr(file, section) if isinstance(getattr(file, section), tuple) else ():
                if hasattr(row, "also"):
                    canonical.add(row.fqn)
                    for alias in row.also:
                        assert owners.setdefault(alias, row.fqn) == row.fqn, alias
    assert not canonical & owners.keys()


def test_no_row_stands_in_two_files() -> None:
    seen: dict[tuple[object, ...], str] = {}
    for stem, file in files().items():
        for row in file.entrypoints:
            if row.form is not Form.NAMED:
                assert seen.setdefault((row.fqn, row.form), stem) == stem, row.fqn
        for section in ("engine_factories", "memoizers", "anti_memoizers", "session_factories", "types"):
            for other in getattr(file, section):
                assert seen.setdefault((other.fqn, section), stem) == stem, other.fqn


def test_every_predicate_has_a_row(library: Library) -> None:
    for predicate in Predicate:
        assert library.named(predicate) is not None or library.hook(predicate) is not None, predicate


def test_what_types_name_is_followed(library: Library) -> None:
    for file in files().values():
        for row in file.types:
            assert row.fqn not in library.bases(row.fqn)
            for base in row.bases:
                assert library.canonical(base) in library.bases(row.fqn)


# ------------------------------------------------------------------------------------------------------------ look-ups


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("concurrent.futures.thread.ThreadPoolExecutor.submit", "concurrent.futures.Executor.submit"),
        ("concurrent.futures.process.ProcessPoolExecutor.submit", "concurrent.futures.ProcessPoolExecutor.submit"),
        ("multiprocessing.pool.ThreadPool.map", "multiprocessing.pool.ThreadPool.map"),
        ("celery.app.base.Celery.task", "celery.Celery.task"),
        ("quart.Quart.post", "flask.Flask.get"),
        ("apscheduler.schedulers.asyncio.AsyncIOScheduler.scheduled_job", "apscheduler.schedulers.base.BaseScheduler"),
        (
            "google.cloud.pubsub_v1.subscriber.futures.StreamingPullFuture.add_done_callback",
            "concurrent.futures.Future",
        ),
        ("google.cloud.pubsub.SubscriberClient.subscribe", "google.cloud.pubsub_v1.SubscriberClient.subscribe"),
        ("asyncio.Task.add_done_callback", "asyncio.Future.add_done_callback"),
        ("flask.cli.AppGroup.command", "click.command"),
    ],
)
def test_entry_points_through_aliases_and_bases(library: Library, name: str, row: str) -> None:
    found = library.entry_points(name)
    assert found
    assert all(entry.fqn.startswith(row) for entry in found)


def test_a_thread_pool_runs_threads_and_a_process_pool_processes(library: Library) -> None:
    (threads,) = library.entry_points("multiprocessing.pool.ThreadPool.imap")
    (processes,) = library.entry_points("multiprocessing.pool.Pool.imap")
    assert (str(threads.boundary), str(processes.boundary)) == ("thread", "process")


def test_knows(library: Library) -> None:
    assert library.knows("celery.app.base.Celery.task")
    assert library.knows("huey.SqliteHuey.periodic_task")
    assert library.knows("functools.lru_cache")
    assert not library.knows("numpy.array")


def test_subclass_rows_of_a_class_and_of_its_bases(library: Library) -> None:
    methods = {m for row in library.subclass_entry_points("flask_restful.Resource") for m in row.methods}
    assert {"get", "__init__", "dispatch_request"} <= methods
    assert not library.subclass_entry_points("acme.Unknown")


def test_engine_and_session_rows(library: Library) -> None:
    factory = library.engine_factory("sqlmodel.create_engine")
    assert factory is not None and factory.fqn == "sqlalchemy.create_engine"
    hook = library.engine_factory("airflow.providers.postgres.hooks.postgres.PostgresHook.get_sqlalchemy_engine")
    assert hook is not None and hook.hidden and hook.method
    assert library.factory_method("get_sqlalchemy_engine") == hook
    extension = library.engine_factory("flask_sqlalchemy.extension.SQLAlchemy")
    assert extension is not None and extension.owner is Owner.APP
    null_pool = library.engine_factory("sqlalchemy.pool.NullPool")
    assert null_pool is not None and null_pool.pool_only
    assert library.canonical("sqlalchemy.pool.NullPool") == "sqlalchemy.pool.NullPool"
    assert library.session_factory("sqlalchemy.orm.session.Session") is not None
    assert library.is_dispose("sqlalchemy.ext.asyncio.engine.AsyncEngine.dispose")
    assert library.is_same_engine("sqlalchemy.Engine.execution_options")
    assert library.is_session_proxy("flask_sqlalchemy.SQLAlchemy.session")
    assert not library.is_session_proxy("requests.Session")


@pytest.mark.parametrize(
    ("name", "attribute", "expected"),
    [
        ("sqlalchemy.create_engine", "returns", "sqlalchemy.engine.Engine"),
        ("sqlalchemy.ext.asyncio.create_async_engine", "returns", "sqlalchemy.ext.asyncio.AsyncEngine"),
        ("sqlalchemy.Engine.begin", "enters", "sqlalchemy.engine.Connection"),
        ("sqlalchemy.orm.sessionmaker.__call__", "returns", "sqlalchemy.orm.Session"),
        ("anyio.create_task_group", "returns", "anyio.abc.TaskGroup"),
        ("trio.open_nursery", "enters", "trio.Nursery"),
        ("loky.get_reusable_executor", "returns", "loky.ProcessPoolExecutor"),
        ("multiprocessing.Pool", "returns", "multiprocessing.pool.Pool"),
        ("schedule.every", "returns", "schedule.Job"),
        ("google.cloud.pubsub_v1.SubscriberClient.subscribe", "returns", "google.cloud.pubsub_v1.subscriber.futures"),
        ("click.group", "decorates", "click.Group"),
    ],
)
def test_types(library: Library, name: str, attribute: str, expected: str) -> None:
    row = library.type_row(name)
    assert row is not None
    assert getattr(row, attribute).startswith(expected)


def test_borrowers_hints_and_the_rest(library: Library) -> None:
    borrower = library.borrower("sqlalchemy.schema.MetaData.create_all")
    assert borrower is not None and borrower.kw == "bind" and not borrower.wraps
    session = library.borrower("sqlmodel.Session")
    assert session is not None and session.wraps
    assert library.borrowing_method("to_sql") is not None
    assert library.borrowing_method("execute") is None
    assert [hint.kind for hint in library.hints("post")] == [Kind.REQUEST]
    assert library.hints("no_such_method") == ()
    cache = library.memoizer("functools.lru_cache")
    assert cache is not None and cache.evicts and cache.default_size == 128
    assert library.memoizer("streamlit.cache_data") is None
    assert library.anti_memoizer("streamlit.cache_data") is not None
    assert library.is_transparent("contextlib.contextmanager")
    assert library.release_hook("quart.Quart.teardown_appcontext") is not None
    assert library.fork_hook_child("celery.signals.worker_process_init.connect") is not None
    assert library.fork_hook_parent("os.register_at_fork") is not None
    assert library.self_disposing("sqlalchemy_utils.create_database") is not None
    assert library.connection_acquirer("sqlalchemy.Engine.connect") is not None
    assert "pool_defaults" in library.facts


def test_markers_are_few_and_none_contains_another(library: Library) -> None:
    markers = library.markers
    assert b"create_engine" in markers and b"create_async_engine" in markers
    assert len(markers) <= 24
    assert not [(one, other) for one in markers for other in markers if one != other and one in other]


def test_the_markers_that_need_no_tables_are_the_same(library: Library) -> None:
    assert library.markers == OWN_MARKERS, "write them into library/markers.py"


MARKED = st.sampled_from([*OWN_MARKERS, *(marker[:-1] for marker in OWN_MARKERS), b"create_", b"engine", b" ", b"SQL"])


@given(st.lists(st.one_of(MARKED, st.binary(max_size=3)), max_size=6).map(b"".join))
def test_one_scan_finds_what_one_search_for_each_finds(data: bytes) -> None:
    assert SCAN(data) is any(marker in data for marker in OWN_MARKERS)


@given(st.sets(st.text("ab.ä", max_size=4).map(str.encode), max_size=5), st.text("ab.ä").map(str.encode))
def test_any_markers_can_be_scanned_for(markers: set[bytes], data: bytes) -> None:
    assert marker_scan(markers)(data) is any(marker in data for marker in markers)


@pytest.mark.parametrize("marker", OWN_MARKERS)
def test_each_marker_is_found_anywhere(marker: bytes) -> None:
    assert all(SCAN(data) for data in (marker, b"x" + marker, marker + b"x", marker[:-1] + marker))


# --------------------------------------------------------------------------------------------------- the compiled form


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The compiled form of our rows, in a copy of their folder that the loader takes for its own."""
    folder = tmp_path / "library"
    shutil.copytree(LIBRARY_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__", SHIPPED))
    monkeypatch.setattr(loader, "_FOLDER", folder)
    path = ship()
    assert path == folder / SHIPPED
    return path


def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything fail that parses YAML."""

    def parse(*arguments: object) -> None:
        raise AssertionError("YAML is parsed")

    monkeypatch.setattr(loader, "_compile", parse)


def test_what_is_shipped_equals_parsed(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built.rename(built.with_suffix(".away"))
    parsed = load_library()
    built.with_suffix(".away").rename(built)
    forbid_parsing(monkeypatch)
    assert load_library() == parsed
    assert load_library(cache_directory=tmp_path / "cache") == parsed
    assert not (tmp_path / "cache").exists()


def test_what_is_shipped_is_ignored_once_a_row_was_edited(built: Path, tmp_path: Path) -> None:
    before = load_library()
    with (built.parent / "caches.yaml").open("a", encoding="utf-8") as stream:
        stream.write("\n# edited\n")
    edited = load_library(cache_directory=tmp_path / "cache")
    assert edited.digest != before.digest
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"library-{edited.digest[:16]}.msgpack"]


def test_user_rows_are_compiled_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = user_model(tmp_path)
    parsed = load_library([model], tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"library-{parsed.digest[:16]}.msgpack"]
    assert load_library([model]) == parsed
    forbid_parsing(monkeypatch)
    assert load_library([model], tmp_path / "cache") == parsed


def user_model(folder: Path) -> Path:
    """A small file of user rows."""
    model = folder / "mine.yaml"
    model.write_text("engine_factories:\n- {fqn: acme.get_engine}\n", encoding="utf-8")
    return model


def test_the_compiled_form_does_not_import_yaml(tmp_path: Path) -> None:
    model = user_model(tmp_path)
    load_library([model], tmp_path)
    code = (
        "import sys, pathlib; from poollint.library.loader import load_library;"
        f"load_library([pathlib.Path({str(model)!r})], pathlib.Path({str(tmp_path)!r})); print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def damaged(path: Path, damage: str) -> None:
    """Damage a compiled form."""
    data = path.read_bytes()
    path.unlink()
    if damage == "directory":
        path.mkdir()
    else:
        flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
        path.write_bytes({"empty": b"", "short": data[:-7], "flipped": flipped}.get(damage, msgspec.msgpack.encode(1)))


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "foreign", "directory"])
def test_a_damaged_cache_is_ignored(tmp_path: Path, damage: str) -> None:
    model = user_model(tmp_path)
    parsed = load_library([model], tmp_path / "cache")
    damaged(compiled_path(tmp_path / "cache", parsed.digest), damage)
    assert load_library([model], tmp_path / "cache") == parsed


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "foreign", "directory"])
def test_what_is_shipped_is_ignored_when_damaged(built: Path, damage: str) -> None:
    parsed = load_library()
    damaged(built, damage)
    assert load_library() == parsed


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    model = user_model(tmp_path)
    assert load_library([model], blocked) == load_library([model])


# ----------------------------------------------------------------------------------------------------------- user rows


def documented_example() -> str:
    match = re.search(r"```yaml\n(?P<text>.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    return match["text"]


def test_the_documented_example_works(tmp_path: Path, library: Library) -> None:
    models = tmp_path / "poollint-models.yaml"
    models.write_text(documented_example(), encoding="utf-8")
    own = load_library([models])
    assert own.digest != library.digest
    factory = own.engine_factory("acme.get_engine")
    assert factory is not None and factory.fqn == "acme.db.get_engine"
    assert b"get_engine" in own.markers and b"Store" in own.markers
    (job,) = own.entry_points("acme.jobs.job")
    assert (job.form, job.calls, job.concurrent) == (Form.DECORATOR, Calls.MANY, Concurrent.YES)
    (handler,) = own.entry_points("acme.bus.LocalBus.on")
    assert handler.callable[0].kw == "handler"
    assert own.subclass_entry_points("acme.jobs.Worker")[0].library == "poollint-models"
    once = own.memoizer("acme.cache.once")
    assert once is not None and not once.evicts
    assert own.borrower("acme.db.check_schema") is not None
    result = own.type_row("acme.db.get_async_engine")
    assert result is not None and result.returns == "sqlalchemy.ext.asyncio.AsyncEngine"


def test_a_user_row_wins_over_ours_of_the_same_name_and_form(tmp_path: Path) -> None:
    models = tmp_path / "own.yaml"
    models.write_text(
        "memoizers: [{fqn: functools.cache, evicts: true}]\n"
        "entrypoints: [{fqn: threading.Thread, form: call, callable: [{kw: target}], kind: once, calls: once}]\n"
    )
    own = load_library([models])
    cache = own.memoizer("functools.cache")
    assert cache is not None and cache.evicts
    (row,) = own.entry_points("threading.Thread")
    assert (row.kind, row.library) == (Kind.ONCE, "own")
    assert own.subclass_entry_points("threading.Thread")[0].library == "stdlib"
