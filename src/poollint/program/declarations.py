"""What manifests and lock files say about the versions of some packages: one reader for each kind of file.

Every reader takes the text of a file and gives what it understands; a broken file gives less, or nothing.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from poollint.config import PYPROJECT
from poollint.workspace.manifests import DIST_INFO_FILE, LOCK_FILES, SETUP_CFG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Rank(IntEnum):
    """How much a declaration counts: the lower ones are asked only where the higher ones say nothing."""

    LOCKED = 0
    NEEDED = 1
    OPTIONAL = 2


class Declaration(NamedTuple):
    """`package` is the normalised name, `specifier` as in PEP 440, "" for any version."""

    package: str
    specifier: str
    rank: Rank
    file: str = ""


_LOCK_ENTRY = re.compile(r"^\[\[packages?\]\]$(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_TOML_STRING = r"""\s*=\s*["']([^"'\n]+)["']"""
_LOCKED_NAME = re.compile("^name" + _TOML_STRING, re.MULTILINE)
_LOCKED_VERSION = re.compile("^version" + _TOML_STRING, re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_PIP_OPTION = re.compile(r"\s--?\w.*")
_RUNTIME_WORDS = frozenset({"", "app", "base", "common", "core", "default", "main", "prod", "production", "runtime"})
"""What is left of the name of a requirements file that lists what the program itself needs."""


def declarations(files: Mapping[str, bytes], packages: frozenset[str]) -> Iterator[Declaration]:
    """What the files say about the packages (normalised names), lock files in order of preference."""
    mentioned = re.compile("|".join(package.replace("-", "[-_.]") for package in sorted(packages)), re.IGNORECASE)
    for path in sorted(files, key=_preference):
        text = _decoded(files[path])
        if mentioned.search(text):
            for declaration in _reader(path)(text, packages):
                yield declaration._replace(file=path)


def _preference(path: str) -> tuple[int, str]:
    return (LOCK_FILES.index(path) if path in LOCK_FILES else len(LOCK_FILES), path)


def _decoded(data: bytes) -> str:
    # What `pip freeze > requirements.txt` writes in an older PowerShell.
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data.decode(encoding, "replace")


def _reader(path: str) -> Callable[[str, frozenset[str]], Iterable[Declaration]]:
    """The reader for a file, by its name."""
    name = path.rpartition("/")[2]
    if path == "Pipfile.lock":
        return _pipfile_lock
    if path in LOCK_FILES:
        return _toml_lock
    if path == PYPROJECT:
        return _pyproject
    if path == SETUP_CFG:
        return _setup_cfg
    if name == DIST_INFO_FILE:
        return _metadata
    words = re.sub(r"^(?:requirements|constraints)|\.txt$", "", name).strip("-_.")
    rank = Rank.NEEDED if words in _RUNTIME_WORDS else Rank.OPTIONAL
    return lambda text, packages: _requirement_lines(text, packages, rank)


# -------------------------------------------------------------------------------------------------- lock files
def _toml_lock(text: str, packages: frozenset[str]) -> Iterator[Declaration]:
    """uv.lock, poetry.lock, pdm.lock, pylock.toml. Megabytes of TOML for a few entries: only these are looked at."""
    for entry in _LOCK_ENTRY.finditer(text):
        name = _LOCKED_NAME.search(entry[1])
        version = _LOCKED_VERSION.search(entry[1])
        if name is not None and version is not None and _normalised(name[1]) in packages:
            yield Declaration(_normalised(name[1]), f"=={version[1]}", Rank.LOCKED)


def _pipfile_lock(text: str, packages: frozenset[str]) -> Iterator[Declaration]:
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for section in ("default", "develop"):
        for name, entry in _table(document, section).items():
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str) and _normalised(name) in packages:
                yield Declaration(_normalised(name), version, Rank.LOCKED)


# -------------------------------------------------------------------------------------------------- manifests
def _pyproject(text: str, packages: frozenset[str]) -> Iterator[Declaration]:
    """`[project]`, `[dependency-groups]` and the tables of Poetry."""
    from poollint.config import ConfigError, parse_toml

    try:
        document = parse_toml(text.encode(), PYPROJECT)
    except ConfigError:
        return
    project = _table(document, "project")
    yield from _requirements(project.get("dependencies"), packages, Rank.NEEDED)
    for group in (*_table(project, "optional-dependencies").values(), *_table(document, "dependency-groups").values()):
        yield from _requirements(group, packages, Rank.OPTIONAL)
    poetry = _table(_table(document, "tool"), "poetry")
    yield from _poetry(_table(poetry, "dependencies"), packages, Rank.NEEDED)
    groups = [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    for dependencies in (_table(poetry, "dev-dependencies"), *groups):
        yield from _poetry(dependencies, packages, Rank.OPTIONAL)


def _poetry(dependencies: Mapping[str, Any], packages: frozenset[str], rank: Rank) -> Iterator[Declaration]:
    for name, value in dependencies.items():
        if _normalised(name) not in packages:
            continue
        for each in value if isinstance(value, list) else [value]:
            constraint = each.get("version") if isinstance(each, dict) else each
            optional = isinstance(each, dict) and each.get("optional") is True
            if isinstance(constraint, str):
                for alternative in re.split(r"\|\|?", constraint):
                    specifier = poetry_specifier(alternative)
                    yield Declaration(_normalised(name), specifier, Rank.OPTIONAL if optional else rank)


def poetry_specifier(constraint: str) -> str:
    """A constraint of Poetry in the words of PEP 440: "^1.4" is ">=1.4,<2"."""
    return ",".join(filter(None, map(_poetry_part, re.split(r"\s*,\s*|(?<=[\w*])\s+", constraint.strip()))))


def _poetry_part(part: str) -> str:
    found = re.fullmatch(r"(\^|~(?!=))?\s*(\d+(?:\.\d+)*)(\.\*)?", part)
    if found is None:
        return "" if part == "*" else re.sub(r"^=(?!=)", "==", part)
    numbers = [int(number) for number in found[2].split(".")]
    if found[1] is None:
        return f"=={part}"
    if found[1] == "~":
        kept = min(len(numbers), 2)
    else:
        kept = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1) + 1
    after = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={found[2]},<{'.'.join(map(str, after))}"


def _setup_cfg(text: str, packages: frozenset[str]) -> Iterator[Declaration]:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    yield from _requirement_lines(parser.get("options", "install_requires", fallback=""), packages, Rank.NEEDED)
    if parser.has_section("options.extras_require"):
        for _, lines in parser.items("options.extras_require"):
            yield from _requirement_lines(lines or "", packages, Rank.OPTIONAL)


def _metadata(text: str, packages: frozenset[str]) -> Iterator[Declaration]:
    """METADATA of an installed distribution: what it requires, and what it is when it is one of the packages."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    fields = re.findall(r"^(Name|Version|Requires-Dist):[ \t]*(.+?)\s*$", head, re.MULTILINE)
    own = dict(reversed(fields))
    if _normalised(own.get("Name", "")) in packages:
        yield Declaration(_normalised(own["Name"]), f"=={own.get('Version', '')}", Rank.LOCKED)
    yield from _requirements([value for key, value in fields if key == "Requires-Dist"], packages, Rank.NEEDED)


def _requirement_lines(text: str, packages: frozenset[str], rank: Rank) -> Iterator[Declaration]:
    """The lines of a requirements file, without comments and the options of pip."""
    lines = re.sub(r"\\\r?\n", " ", text).splitlines()
    yield from _requirements([_PIP_OPTION.sub("", _COMMENT.sub("", line)) for line in lines], packages, rank)


def _requirements(values: object, packages: frozenset[str], rank: Rank) -> Iterator[Declaration]:
    """Requirement strings of PEP 508. Markers are not evaluated: the answer is the same wherever poollint runs."""
    for value in values if isinstance(values, list) else ():
        if not isinstance(value, str):
            continue
        name = re.match(r"\s*([\w.-]+)", value)
        if name is None or _normalised(name[1]) not in packages:
            continue
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(value)
        except InvalidRequirement:
            continue
        if requirement.url is None:
            extra = requirement.marker is not None and "extra" in str(requirement.marker)
            specifier = ",".join(sorted(map(str, requirement.specifier), key=_lower_bounds_first))
            yield Declaration(_normalised(name[1]), specifier, Rank.OPTIONAL if extra else rank)


def _lower_bounds_first(specifier: str) -> tuple[bool, str]:
    return (not specifier.startswith((">", "~", "=")), specifier)


def _table(document: object, key: str) -> Mapping[str, Any]:
    """A table of a document; empty when there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
