"""One root: its stored result when nothing has changed, else a new analysis.

The stored result holds the verdicts of all rules, so that selection, suppressions and scope are applied when a report
is made and are no reason for a new analysis. Unsaved buffers are analysed and never stored.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from poollint.checking import results, snapshot
from poollint.checking.options import CheckError, settings_for, with_options
from poollint.checking.shared import cache_of
from poollint.checking.snapshot import known_stamps, stamp
from poollint.checking.sources import FileReader
from poollint.workspace.listing import Listing, list_files, listing_unchanged, refreshed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from poollint.cache import CacheDirectory
    from poollint.checking.options import CheckOptions
    from poollint.checking.results import Mark, RootResult
    from poollint.checking.shared import Shared
    from poollint.checking.snapshot import Snapshot, Stamp
    from poollint.config import Settings

SCHEMA = 1
ANONYMOUS = "stdin"
"""The path of source text that has no file."""
LONGEST_WAIT = 60.0
"""Seconds that a worker waits for another one that analyses the same root, before it does so itself."""
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - on the warm path


class RootRun(NamedTuple):
    """What is known of a root. `fresh` tells that a stored result was used, `store` where marks can be added to it.

    `files` are the root-relative paths of the .py files of the program, buffers included.
    """

    root: str
    settings: Settings
    taken: Snapshot
    result: RootResult
    reader: FileReader
    fresh: bool
    store: Store | None
    files: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        root: str,
        settings: Settings,
        taken: Snapshot,
        result: RootResult,
        reader: FileReader,
        fresh: bool,
        store: Store | None,
    ) -> RootRun:
        """A run with the files of its listing and its buffers."""
        files = frozenset((*(entry.path for entry in taken.listing.files), *reader.buffers))
        return cls(root, settings, taken, result, reader, fresh, store, files)

    def stamp(self, path: str) -> Stamp:
        """The stamp of one of `files`."""
        buffer = self.reader.buffers.get(path)
        return self.taken.stamps[path] if buffer is None else stamp(buffer)

    def with_marks(self, marks: Mapping[int, Mark]) -> RootRun:
        """The same with marks filled in, which are stored too, so that the next run need not find them again."""
        if not marks:
            return self
        marked = self._replace(result=self.result.with_marks(marks))
        if self.store is not None:
            self.store.write(marked.taken, marked.result)
        return marked


class Stored(NamedTuple):
    """A decoded entry of the result cache."""

    settings: Settings
    taken: Snapshot
    result: RootResult


class Store:
    """The result cache of one root, for one poollint, one configuration and one set of options."""

    __slots__ = ("_name", "_options", "cache", "root")

    def __init__(self, cache: CacheDirectory, root: str, options: CheckOptions) -> None:
        self.cache = cache
        self.root = root
        self._options = options
        deciding = (options.isolated, str(options.config), options.exclude, options.models, read_config(root, options))
        text = f"{deciding!r} {snapshot.environment(PACKAGE)}"
        self._name = f"result-{snapshot.digest_of_one(text.encode('utf-8', 'surrogateescape'))}.json"

    def read(self) -> Stored | None:
        """The entry, or None when there is none or it cannot be understood."""
        import json

        from poollint.config import Settings

        data = self.cache.read(self._name)
        if data is None:
            return None
        try:
            payload: dict[str, Any] = json.loads(data)
            if payload["schema"] != SCHEMA:
                return None
            settings = Settings(**{key: as_tuples(value) for key, value in payload["settings"].items()})
            taken = snapshot.decode(self.root, payload["snapshot"])
            result = results.decode(payload["result"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return None
        return Stored(settings, taken, result)

    def write(self, taken: Snapshot, result: RootResult) -> None:
        """Store an entry with the settings as they stand in the file; failure is no error."""
        import json

        settings = base_settings(self.root, self._options)
        payload = {
            "schema": SCHEMA,
            "settings": {name: getattr(settings, name) for name in settings._fields},
            "snapshot": snapshot.encode(taken),
            "result": results.encode(result),
        }
        self.cache.write(self._name, json.dumps(payload, separators=(",", ":")).encode())
        self.cache.expire()

    def lock(self) -> AbstractContextManager[object]:
        """Held while a root is analysed, so that parallel workers do it once."""
        return self.cache.lock(self._name, LONGEST_WAIT)


def as_tuples(value: Any) -> Any:
    """Arrays of JSON as the tuples that settings are made of."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value


def read_config(root: str, options: CheckOptions) -> bytes | None:
    """The bytes of the file that holds the settings, None when there is none."""
    if options.isolated:
        return None
    path = Path(root, "pyproject.toml") if options.config is None else options.config
    try:
        return path.read_bytes()
    except OSError:
        return None


def run_root(root: str, shared: Shared, buffers: Mapping[str, bytes]) -> RootRun:
    """The result of a root; `buffers` is unsaved content by root-relative path.

    Raises:
        CheckError: the configuration or the user's models cannot be used.
    """
    options = shared.options
    store = open_store(root, options)
    stored = store.read() if store is not None else None
    if stored is not None and not buffers and is_current(root, stored, options):
        settings = with_options(stored.settings, options)
        return RootRun.of(root, settings, stored.taken, stored.result, FileReader(root, {}), True, store)
    settings = checked_settings(root, options)
    with store.lock() if store is not None else nullcontext():
        stored = store.read() if store is not None else None
        return compared(root, settings, shared, buffers, store, stored)


def is_current(root: str, stored: Stored, options: CheckOptions) -> bool:
    """Whether `stat` alone proves that nothing has changed. Raises `CheckError` when a model cannot be read."""
    models = with_options(stored.settings, options).models
    if models and models_digest(root, models) != stored.taken.models:
        return False
    return listing_unchanged(stored.taken.listing)


def run_anonymous(folder: str, shared: Shared) -> RootRun:
    """Source text that belongs to no file: a program of its own, with the settings that hold in `folder`.

    Raises:
        CheckError: the configuration or the user's models cannot be used.
    """
    from poollint.checking import markerless
    from poollint.checking.analysing import analyse_root

    options = shared.options
    settings = checked_settings(shared.finder.root_of_directory(folder), options)
    listing = Listing(root=Path(folder), files=())
    reader = FileReader(folder, {ANONYMOUS: options.anonymous or b""})
    seen = markerless.look(listing, {}, reader) if may_be_markerless(settings, options, None) else None
    if seen is not None:
        return RootRun.of(folder, settings, *seen, reader, False, None)
    result, _ = analyse_root(folder, settings, shared, listing, reader)
    return RootRun.of(folder, settings, snapshot.snapshot(listing, {}, ""), result, reader, False, None)


def open_store(root: str, options: CheckOptions) -> Store | None:
    """The result cache of a root, None when the run does without."""
    if not options.cache or options.everything or options.anonymous is not None:
        return None
    cache = cache_of(root, options)
    return Store(cache, root, options) if cache is not None else None


def checked_settings(root: str, options: CheckOptions) -> Settings:
    """The settings of a root. Raises `CheckError`."""
    from poollint.config import ConfigError

    try:
        return settings_for(Path(root), options)
    except ConfigError as error:
        raise CheckError(str(error)) from error


def compared(
    root: str,
    settings: Settings,
    shared: Shared,
    buffers: Mapping[str, bytes],
    store: Store | None,
    stored: Stored | None,
) -> RootRun:
    """Look at the files, and use the stored result when their content is what it was."""
    listing = (refreshed(stored.taken.listing) if stored else None) or list_files(Path(root), settings, shared.finder)
    stamps = known_stamps(stored.taken, listing) if stored else {}
    if may_be_markerless(settings, shared.options, stored):
        from poollint.checking import markerless

        seen = markerless.look(listing, stamps, FileReader(root, buffers))
        if seen is not None:
            if store is not None:
                store.write(seen.taken, seen.result)
            return RootRun.of(root, settings, *seen, FileReader(root, buffers), stored is not None, None)
        stored, stamps = None, {}
    reader = FileReader(root, {})
    models = models_digest(root, settings.models)
    if stored is not None:
        add_missing_stamps(stamps, listing, reader)
        taken = snapshot.snapshot(listing, stamps, models)
        reader = FileReader(root, {path: data for path, data in buffers.items() if differs(data, stamps.get(path))})
        if taken.same_content(stored.taken) and not reader.buffers:
            if store is not None:
                store.write(taken, stored.result)
            return RootRun.of(root, settings, taken, stored.result, reader, True, store)
    else:
        reader = FileReader(root, buffers)
    from poollint.checking.analysing import analyse_root

    result, read_stamps = analyse_root(root, settings, shared, listing, reader)
    stamps.update(read_stamps)
    add_missing_stamps(stamps, listing, FileReader(root, {}))
    taken = snapshot.snapshot(listing, stamps, models)
    if stored is not None and not reader.buffers:
        result = result.marked_as(stored.result, taken.unchanged_since(stored.taken))
    if store is not None and not reader.buffers:
        store.write(taken, result)
    return RootRun.of(root, settings, taken, result, reader, False, None if reader.buffers else store)


def may_be_markerless(settings: Settings, options: CheckOptions, stored: Stored | None) -> bool:
    """Whether to look for markers first: ours are all that count, and the program is new or had none before."""
    if settings.models or options.everything:
        return False
    return stored is None or stored.taken.content == snapshot.UNHASHED


def base_settings(root: str, options: CheckOptions) -> Settings:
    """The settings as they stand in the file: what an entry keeps, because options differ from run to run."""
    from poollint.config import load_settings

    return load_settings(Path(root), options.config, options.isolated)


def differs(data: bytes, known: Stamp | None) -> bool:
    """Whether a buffer holds something else than the file on disk."""
    return known is None or stamp(data).digest != known.digest


def models_digest(root: str, models: Sequence[str]) -> str:
    """A digest over the user's rows of knowledge. Raises `CheckError` when a file cannot be read."""
    found = []
    for path in models:
        try:
            found.append(Path(root, path).read_bytes())
        except OSError as error:
            raise CheckError(f"{Path(root, path)}: cannot be read: {error.strerror or error}") from error
    return snapshot.digest_of(found)


def add_missing_stamps(stamps: dict[str, Stamp], listing: Listing, reader: FileReader) -> None:
    """Read the files whose stamp is not known."""
    for entry in (*listing.files, *listing.manifests):
        if entry.path not in stamps:
            try:
                stamps[entry.path] = stamp(reader(entry.path))
            except OSError:
                stamps[entry.path] = snapshot.Stamp(snapshot.UNREADABLE)
