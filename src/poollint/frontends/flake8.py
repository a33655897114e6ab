"""The flake8 plugin: the findings of `poollint check` for the one file that flake8 is looking at.

flake8 ends as a whole when a plugin raises, so nothing here does: trouble becomes POL900 or POL903 on line 1. The
analysis of a root runs once in each process; its worker processes share the result cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from poollint import __version__

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from poollint.check import Checker
    from poollint.checking.options import CheckOptions
    from poollint.findings import Finding

INTERNAL_ERROR = "POL900"
SYNTAX_ERROR = "POL901"
"""flake8 has its own: E999."""
BROKEN_CONFIGURATION = "POL903"
PREFIX = "POL"
LONGEST_MESSAGE = 120
STDIN_NAMES = ("-", "stdin")
"""How flake8 calls standard input that has no name."""


class OptionManager(Protocol):
    """The part of flake8's option manager that is used; flake8 ships no types."""

    def add_option(self, *names: str, **keywords: object) -> None:
        """Declare an option of the command line and of configuration files."""


class Report(NamedTuple):
    """One finding as flake8 takes it; the column counts from 0."""

    line: int
    column: int
    text: str
    plugin: type


class PoollintPlugin:
    """What flake8 loads. It makes one object for each file."""

    name = "poollint"
    version = __version__

    host: ClassVar[Host | None] = None
    """flake8 hands options to the class and knows no other place for them."""

    def __init__(self, tree: ast.AST, filename: str, lines: list[str]) -> None:
        self.filename = filename
        self.lines = lines

    @classmethod
    def add_options(cls, manager: OptionManager) -> None:
        """Declare the options; they may also stand in flake8's configuration files."""
        for option, what in (
            ("--poollint-select", "poollint rules to run instead of the default ones"),
            ("--poollint-ignore", "poollint rules to leave out"),
            ("--poollint-extend-select", "poollint rules to run besides the default ones"),
            ("--poollint-exclude", "patterns of files that poollint neither reads nor reports"),
            ("--poollint-models", "YAML files with rows of your own, relative to the root of the project"),
        ):
            manager.add_option(
                option,
                metavar="LIST",
                default=None,
                parse_from_config=True,
                comma_separated_list=True,
                help=f"{what} (overrides [tool.poollint])",
            )
        manager.add_option(
            "--poollint-no-cache",
            action="store_true",
            default=False,
            parse_from_config=True,
            help="neither read nor write .poollint_cache",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Keep the options for all files of this process."""
        cls.host = Host(options)

    def run(self) -> Iterator[Report]:
        """The findings for the file, in the order of their place."""
        for line, column, text in safely_checked(self.host, self.filename, self.lines):
            yield Report(line, column, text, type(self))


class Place(NamedTuple):
    """A finding without the plugin."""

    line: int
    column: int
    text: str


class Host:
    """flake8 as poollint sees it: its options, and the roots that this process has analysed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.reads_stdin = any(name in STDIN_NAMES for name in getattr(options, "filenames", None) or ())
        self.checker: Checker | None = None
        self._by_root: dict[str, dict[str, list[Finding]]] = {}

    def findings(self, filename: str, lines: Sequence[str]) -> Sequence[Finding]:
        """The findings for a file. Raises `CheckError`."""
        from poollint.check import Checker

        if self.reads_stdin:
            return self.findings_of_buffer(filename, lines)
        if self.checker is None:
            self.checker = Checker(self.check_options())
        checker = self.checker
        path = os.path.realpath(filename)
        root = checker.finder.root_of_directory(os.path.dirname(path))  # noqa: PTH120 - for each file
        run = checker.run(root)
        relative = path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
        if relative not in run.files:
            return checker.check([path]).findings if is_script(relative) else ()
        if relative not in checker.spoken_of(root):
            return ()
        if root not in self._by_root:
            self._by_root[root] = by_path(checker.check_root(root).findings)
        return self._by_root[root].get(run.reader.absolute(relative), ())

    def findings_of_buffer(self, filename: str, lines: Sequence[str]) -> Sequence[Finding]:
        """The findings for text that flake8 read from standard input. Raises `CheckError`."""
        from poollint.check import Checker

        data = encoded(lines)
        options = self.check_options()
        if filename in STDIN_NAMES:
            return Checker(options._replace(anonymous=data)).check([]).findings
        path = os.path.realpath(filename)
        return Checker(options._replace(buffers={path: data})).check([path]).findings

    def check_options(self) -> CheckOptions:
        """flake8's options in poollint's words."""
        from poollint.checking.options import CheckOptions

        given = self.options
        return CheckOptions(
            select=as_tuple(given.poollint_select),
            ignore=as_tuple(given.poollint_ignore),
            extend_select=as_tuple(given.poollint_extend_select),
            exclude=as_tuple(given.poollint_exclude),
            models=as_tuple(given.poollint_models),
            report="primary",
            cache=not given.poollint_no_cache,
            host_applies_noqa=True,
            named=named_by_flake8(given),
            edits=False,
        )


def safely_checked(host: Host | None, filename: str, lines: Sequence[str]) -> list[Place]:
    """The findings for a file; never raises, whatever goes wrong."""
    if host is None:
        return []
    try:
        from poollint.checking.options import CheckError

        try:
            findings = host.findings(filename, lines)
        except CheckError as error:
            return [Place(1, 0, f"{BROKEN_CONFIGURATION} {one_line(str(error))}")]
        return sorted(place for place in map(place_of, findings) if not place.text.startswith("POL901"))
    except (Exception, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        return [Place(1, 0, f"{INTERNAL_ERROR} poollint failed on this file ({one_line(what)}), {please_report()}")]


def place_of(finding: Finding) -> Place:
    """A finding as flake8 takes it."""
    return Place(finding.location.line, finding.location.column - 1, f"{finding.code} {spoken(finding)}")


def spoken(finding: Finding) -> str:
    """The message, and what mends the finding where both fit into the length of a message."""
    message = one_line(finding.message)
    if finding.fix is None:
        return message
    told = f"{message}; fix: {finding.fix.title[:1].lower()}{finding.fix.title[1:]}"
    return told if len(told) <= LONGEST_MESSAGE else message


def please_report() -> str:
    """Where errors of poollint belong."""
    from poollint.rules.registry import ISSUES_URL

    return f"please report it: {ISSUES_URL}"


def is_script(path: str) -> bool:
    """Whether a file is left out of its program by its name alone. One that .gitignore names stays out: looking at
    each of the files in a build folder would cost an analysis each."""
    return not path.endswith(".py")


def one_line(text: str) -> str:
    """`text` without line ends, which would break flake8's output."""
    return " ".join(text.split())


def by_path(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings of each file."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.location.path, []).append(finding)
    return found


def named_by_flake8(options: argparse.Namespace) -> tuple[str, ...]:
    """The codes and prefixes of poollint that flake8's own select options name.

    "POL" alone is how people switch the plugin on; it names no rule that is off by default.
    """
    selectors = (*(getattr(options, "select", None) or ()), *(getattr(options, "extend_select", None) or ()))
    return tuple(selector for selector in selectors if selector.startswith(PREFIX) and len(selector) > len(PREFIX))


def as_tuple(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """The values of a list option; None when it was not given."""
    return None if values is None else tuple(values)


def encoded(lines: Sequence[str]) -> bytes:
    """The bytes that `lines` were decoded from, in the encoding that they declare."""
    from io import BytesIO
    from tokenize import detect_encoding

    text = "".join(lines)
    data = text.encode("utf-8", "surrogatepass")
    if b"coding" not in data[:1000]:
        return data
    try:
        encoding, _ = detect_encoding(BytesIO(data).readline)
        return text.encode(encoding)
    except (SyntaxError, LookupError, UnicodeError):
        return data
