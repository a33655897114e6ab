"""The files of one program: which module each one is, what they mention, and their facts, loaded on demand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.facts.extract import extract
from poollint.facts.model import ModuleFacts, SyntaxProblem
from poollint.facts.parallel import extract_many
from poollint.library.markers import marker_scan
from poollint.program.tokens import Tokens, occurrences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from poollint.facts.cache import FactsCache


_WORDS = re.compile(rb"\w+").findall
_RENAMES = re.compile(rb"\s+as\s+(\w+)").match
_CALLS = re.compile(rb"\s*(?:\(|as\b)").match
_CLASS_BEGINS = re.compile(rb"class\s+\w+\s*[\[(][^:]*").fullmatch


class Problem(Struct, frozen=True):
    """A file that had to be read and could not be. `kind`: "syntax", "decoding", "depth" or "unreadable"; "internal":
    poollint itself failed on something in it (`message` names the exception), and the rest was analysed without."""

    path: str
    line: int
    column: int
    kind: str
    message: str


class Project:
    """The files of one root. Every query is answered from content; nothing is imported or executed."""

    def __init__(
        self,
        files: tuple[str, ...],
        read: Callable[[str], bytes],
        cache: FactsCache | None = None,
        source_roots: tuple[str, ...] = (),
        everything: bool = False,
    ) -> None:
        self.files = tuple(sorted(files))
        self.read = read
        self.cache = cache
        self.source_roots = source_roots
        self.everything = everything
        self.problems: list[Problem] = []
        self._facts: dict[str, ModuleFacts | None] = {}
        self._data: dict[str, bytes] = {}
        self._known = frozenset(self.files)
        self._tokens = Tokens(self.files, self.data)
        self._mentions: dict[str, list[str]] = {}
        self._calling: dict[str, list[str]] = {}
        self._starring: frozenset[str] | None = None
        self._imports: dict[tuple[str, str], str] = {}
        folders: set[str] = set()
        for path in self.files:
            folder = path.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        self._folders = frozenset(folders)
        self._roots = self._find_source_roots()

    # ---------------------------------------------------------------------------------------------- content
    def data(self, path: str) -> bytes:
        """The bytes of a file; an unreadable one is reported once and counts as empty."""
        found = self._data.get(path)
        if found is None:
            try:
                found = self.read(path)
            except OSError as error:
                self.problems.append(Problem(path, 1, 0, "unreadable", error.strerror or str(error)))
                found = b""
            self._data[path] = found
        return found

    def facts(self, path: str) -> ModuleFacts | None:
        """The facts of a file, or None when it cannot be parsed (which is noted as a problem)."""
        if path in self._facts:
            return self._facts[path]
        data = self.data(path)
        found: ModuleFacts | SyntaxProblem | None = self.cache.get(data) if self.cache is not None else None
        if found is None:
            found = extract(data, path)
            if self.cache is not None:
                self.cache.put(data, found)
        return self._keep(path, found)

    def prefetch(self, paths: Sequence[str], jobs: int) -> None:
        """Have the facts of many files extracted in `jobs` processes; those in the cache are left where they are."""
        missing = [path for path in paths if path not in self._facts]
        if self.cache is not None:
            missing = [path for path in missing if not self.cache.holds(self.data(path))]
        files = [(path, self.data(path)) for path in missing]
        for (path, data), found in zip(files, extract_many(files, jobs), strict=True):
            if self.cache is not None:
                self.cache.put(data, found)
            self._keep(path, found)

    def _keep(self, path: str, found: ModuleFacts | SyntaxProblem) -> ModuleFacts | None:
        if isinstance(found, SyntaxProblem):
            self.problems.append(Problem(path, found.line, found.column, found.kind, found.message))
            self._facts[path] = None
            return None
        self._facts[path] = found
        return found

    def failed(self, path: str, line: int, error: Exception) -> None:
        """Note that the analysis of something in the file raised; what depends on it stays unknown."""
        self.problems.append(Problem(path, line, 0, "internal", f"{type(error).__name__}: {error}"))

    @property
    def parsed(self) -> tuple[str, ...]:
        """The files whose facts were needed, in order."""
        return tuple(sorted(self._facts))

    def containing(self, markers: Iterable[bytes], among: Sequence[str] | None = None) -> list[str]:
        """The files (`among`: those of these) that contain any of the byte strings."""
        is_marked = marker_scan(markers)
        return [path for path in (self.files if among is None else among) if is_marked(self.data(path))]

    def marked(self, markers: Iterable[bytes]) -> list[str]:
        """The files that contain any of the markers, where each word of a marker is a whole word of the file.

        The tokens of a program that has a marker are split anyway, and to ask for a word in them takes no time.
        """
        wanted = frozenset(markers)
        if self.everything or not all(map(bytes.isascii, wanted)):
            return self.containing(wanted)
        whole = frozenset(marker for marker in wanted if _WORDS(marker) == [marker])
        parts = {marker: max(_WORDS(marker), key=len) for marker in wanted - whole}
        words = whole | frozenset(parts.values())
        found = []
        for path in self.files:
            hits = words & self.tokens(path)
            if hits and (hits & whole or any(parts[each] in hits and each in self.data(path) for each in parts)):
                found.append(path)
        return found

    def holds(self, markers: Iterable[bytes]) -> bool:
        """Some file contains one of the byte strings."""
        is_marked = marker_scan(markers)
        return any(is_marked(self.data(path)) for path in self.files)

    def naming(self, paths: Sequence[str], names: frozenset[str]) -> Sequence[str]:
        """Those of the files in which any of the identifiers occurs (in code, a comment or a string)."""
        if self.everything or not all(map(str.isascii, names)):
            return paths
        return self._tokens.naming(paths, frozenset(map(str.encode, names)))

    def tokens(self, path: str) -> frozenset[bytes]:
        """The identifiers in a file (in code, a comment or a string)."""
        return self._tokens.of(path)

    def importing(self, paths: Sequence[str], packages: frozenset[str]) -> list[str]:
        """Those of the files with an import statement that begins with one of the packages."""
        names = b"|".join(re.escape(name.encode()) for name in sorted(packages))
        search = re.compile(rb"(?:from|import)[ \t]+(?:" + names + rb")\b").search
        return [path for path in self.naming(paths, packages) if search(self.data(path))]

    def mentioning(self, token: str) -> Sequence[str]:
        """The files in which the identifier occurs (in code, a comment or a string), in order."""
        if self.everything or not token.isascii():
            return self.files
        known = self._mentions.get(token)
        if known is None:
            known = self._mentions[token] = self._tokens.files(token.encode())
        return known

    def deriving(self, name: str) -> list[str]:
        """The files with a class statement whose bases mention the name, or that import it under another name."""
        return self._with(name, lambda data, start, end: _is_base(data, start) or _is_base_elsewhere(data, end))

    def calling(self, name: str) -> list[str]:
        """The files in which the name stands before a bracket, or is imported under another name."""
        known = self._calling.get(name)
        if known is None:
            known = self._with(name, lambda data, _, end: _CALLS(data, end) is not None)
            self._calling[name] = known
        return known

    def reading(self, name: str) -> bool:
        """Some file reads an attribute of this name."""
        return bool(self._with(name, lambda data, start, _: data[start - 1 : start] == b"."))

    def _with(self, name: str, is_wanted: Callable[[bytes, int, int], bool]) -> list[str]:
        """The files in which the name stands somewhere in the way that is asked for: (content, start, end)."""
        word = name.encode(errors="surrogateescape")
        found = []
        for path in self.mentioning(name):
            data = self.data(path)
            if any(is_wanted(data, place, place + len(word)) for place in occurrences(data, word)):
                found.append(path)
        return found

    @property
    def starring(self) -> frozenset[str]:
        """The files with a star import."""
        if self._starring is None:
            self._starring = frozenset(self.containing((b"import *",)))
        return self._starring

    def tail(self, path: str) -> str:
        """The last component of the module's dotted name: what an import of it mentions."""
        folder, _, name = path.rpartition("/")
        return folder.rpartition("/")[2] if name == "__init__.py" else name.removesuffix(".py")

    # ---------------------------------------------------------------------------------------------- modules
    def _find_source_roots(self) -> tuple[str, ...]:
        """Folders whose children are importable: configured ones, the root, src/, and parents of top packages."""
        found = [root.strip("/").removeprefix("./") for root in self.source_roots]
        found = ["" if root == "." else root for root in found]
        found.append("")
        if "src" in self._folders:
            found.append("src")
        for path in self.files:
            if path.endswith("/__init__.py"):
                folder = path.rpartition("/")[0]
                parent = folder.rpartition("/")[0]
                if f"{parent}/__init__.py".lstrip("/") not in self._known and parent not in found:
                    found.append(parent)
        return tuple(dict.fromkeys(found))

    def module(self, importer: str, dotted: str) -> str | None:
        """The file of the absolute module `dotted` as `importer` sees it; a folder without `__init__` ends in "/"."""
        key = (importer.rpartition("/")[0], dotted)
        if key not in self._imports:
            self._imports[key] = self._module(importer, dotted) or ""
        return self._imports[key] or None

    def _module(self, importer: str, dotted: str) -> str | None:
        relative = dotted.replace(".", "/")
        package_root = self._package_root(importer)
        for base in (package_root, *self._roots):
            found = self._at(base, relative)
            if found is not None:
                return found
        # A script finds its neighbours: its folder is the first entry of sys.path. Files of a package do not.
        folder = importer.rpartition("/")[0]
        if folder == package_root:
            while folder:
                found = self._at(folder, relative)
                if found is not None and found != importer:
                    return found
                folder = folder.rpartition("/")[0]
        return None

    def _at(self, base: str, relative: str) -> str | None:
        path = f"{base}/{relative}" if base else relative
        if f"{path}/__init__.py" in self._known:
            return f"{path}/__init__.py"
        if f"{path}.py" in self._known:
            return f"{path}.py"
        if path in self._folders:
            return f"{path}/"
        return None

    def _package_root(self, path: str) -> str:
        """The folder above the topmost package that contains the file."""
        folder = path.rpartition("/")[0]
        while folder and f"{folder}/__init__.py" in self._known:
            folder = folder.rpartition("/")[0]
        return folder

    def relative(self, importer: str, level: int, dotted: str) -> str | None:
        """The file of a relative import, as `module` gives it."""
        folder = importer.rpartition("/")[0]
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        if not dotted:
            return (
                f"{folder}/__init__.py".lstrip("/")
                if f"{folder}/__init__.py".lstrip("/") in self._known
                else f"{folder}/"
            )
        return self._at(folder, dotted.replace(".", "/"))

    def submodule(self, package: str, name: str) -> str | None:
        """The file of `name` inside a package (given by its `__init__.py` or its folder with a trailing "/")."""
        folder = package.rpartition("/")[0]
        if not package.endswith(("/__init__.py", "/")) and package != "__init__.py":
            return None
        return self._at(folder, name)


def _is_base(data: bytes, place: int) -> bool:
    """The place is between `class Name(` and its colon."""
    start = data.rfind(b"class", 0, place)
    while start >= 0:
        if _CLASS_BEGINS(data, start, place) is not None:
            return True
        if b":" in data[start:place]:
            return False
        start = data.rfind(b"class", 0, start)
    return False


def _is_base_elsewhere(data: bytes, end: int) -> bool:
    """The name that ends there is given another one, which is a base."""
    renamed = _RENAMES(data, end)
    return renamed is not None and any(_is_base(data, place) for place in occurrences(data, renamed[1]))
