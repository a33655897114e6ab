"""Facts on disk: one file a root, keyed by content, so that a fresh checkout or a moved file still hits.

An entry is keyed by the hash of the file's bytes; the whole store is keyed by the extractor's version and the minor
version of Python (whose grammar decides what parses). The store is data: msgpack, decoded against the record types.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Protocol

import msgspec

from poollint.facts.model import VERSION, ModuleFacts, SyntaxProblem, decoder, encoder

if TYPE_CHECKING:
    from collections.abc import Mapping

STORE = f"facts-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"


class Storage(Protocol):
    """Where named blobs are kept; `poollint.cache.CacheDirectory` in practice."""

    def read(self, name: str) -> bytes | None:
        """The blob, or None when there is none or it is damaged."""

    def write(self, name: str, data: bytes) -> object:
        """Store the blob atomically; failure is no error."""


class FactsCache:
    """A store of facts for one run: read once, written once at the end with what the run used."""

    def __init__(self, storage: Storage | None, persistent: bool = True) -> None:
        self._storage = storage
        self._persistent = persistent
        self._used: dict[bytes, bytes] = {}
        self._dirty = False
        self._stored: Mapping[bytes, bytes] = {}
        if storage is not None:
            blob = storage.read(STORE)
            if blob is not None:
                try:
                    self._stored = msgspec.msgpack.decode(blob, type=dict[bytes, bytes])
                except msgspec.MsgspecError:
                    self._stored = {}

    def get(self, data: bytes) -> ModuleFacts | None:
        """The facts of this content, or None."""
        key = _key(data)
        blob = self._stored.get(key)
        if blob is None:
            return None
        try:
            facts = decoder.decode(blob)
        except msgspec.MsgspecError:
            return None
        self._used[key] = blob
        return facts

    def holds(self, data: bytes) -> bool:
        """Whether the store has an entry for this content."""
        return _key(data) in self._stored

    def put(self, data: bytes, facts: ModuleFacts | SyntaxProblem) -> None:
        """Remember what was extracted; syntax errors are not kept, they are cheap and rare."""
        if isinstance(facts, ModuleFacts):
            self._used[_key(data)] = encoder.encode(facts)
            self._dirty = True

    def save(self) -> None:
        """Write the entries that this run used; the others belong to content that is gone."""
        if self._storage is None or not self._persistent:
            return
        if self._dirty or len(self._used) != len(self._stored):
            self._storage.write(STORE, msgspec.msgpack.encode(self._used))


def _key(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
