"""The rows of the table: what is run, on which tree, in which state of the cache."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments import Tools, make_twins
from measure import BenchmarkError, Command, Subject
from workspace import Workspace, copy_packages, copy_standard_library, remove_caches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).resolve().parent
YARDSTICKS = str(HERE / "yardsticks.py")
FOUND_OR_NOT = frozenset({0, 1})
TREES = "The packages together"
SINGLE = "One file of a package"
ELSEWHERE = "A tree without SQLAlchemy: the interpreter's standard library"
FLAKE8 = "flake8"
ALL = "All packages of the corpus in one run"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a benchmark is made of.

    Attributes:
        relevant: a file that makes an engine, below one of the packages; it is the one that changes.
        plain: a file of which nothing depends on SQLAlchemy.
        clean: a file that uses SQLAlchemy and has nothing to report.
        flake8_packages: what flake8 runs over; it takes minutes for all packages.
        corpus: all packages, for the run over everything; empty leaves that out.
    """

    workspace: Workspace
    tools: Tools
    relevant: str
    plain: str
    clean: str
    flake8_packages: tuple[str, ...]
    corpus: tuple[Path, ...]


def subjects_of(choice: Choice) -> dict[str, Callable[[], Sequence[Subject]]]:
    """Makers of subjects by group. A maker lays out what its subjects need, so it is called for chosen ones alone."""
    return {
        "yardsticks": lambda: yardsticks(choice),
        "tools": lambda: other_tools(choice),
        "poollint": lambda: poollint(choice),
        "file": lambda: one_file(choice),
        "elsewhere": lambda: elsewhere(choice),
        "flake8": lambda: flake8(choice),
        "all": lambda: all_packages(choice),
    }


def yardstick(kind: str, folder: Path) -> Command:
    """Work that Python does in the least possible way."""
    return Command((sys.executable, "-I", YARDSTICKS, kind, "."), folder)


def yardsticks(choice: Choice) -> tuple[Subject, ...]:
    """What the parts of any such program cost."""
    tree = choice.workspace.warm
    return (
        Subject("startup", "`python -I -c pass`", TREES, Command((sys.executable, "-I", "-c", "pass"), tree)),
        Subject("read", "read all bytes in Python", TREES, yardstick("read", tree)),
        Subject("ast", "`ast.parse` of all files", TREES, yardstick("ast", tree)),
        Subject("libcst", "`libcst.parse_module` of all files", TREES, yardstick("libcst", tree), once=True),
    )


def other_tools(choice: Choice) -> tuple[Subject, ...]:
    """Other tools on the same files, with one rule where they take rules."""
    tree, tools = choice.workspace.warm, choice.tools
    ast_grep = ("scan", "--no-ignore", "hidden", "--json=compact", "--rule", str(HERE / "rules" / "ast-grep.yml"), ".")
    semgrep = ("scan", "--metrics", "off", "--disable-version-check", "--no-git-ignore", "--quiet", "--json")
    semgrep_rule = ("--config", str(HERE / "rules" / "semgrep.yml"), ".")
    ruff = ("check", "--isolated", "--no-cache", "--exit-zero", "--quiet", ".")
    search: tuple[str, ...] = ("rg", "-l", "--glob", "*.py", "create_engine", ".")
    if tools.find("rg") is None:
        search = ("grep", "-rl", "--include=*.py", "create_engine", ".")
    return (
        with_tool(tools, "search", f"`{search[0]} -l create_engine`", tree, search),
        with_tool(tools, "ruff", "`ruff check`, default rules, no cache", tree, ("ruff", *ruff)),
        with_tool(tools, "ast-grep", "ast-grep, one rule", tree, ("ast-grep", *ast_grep)),
        with_tool(tools, "semgrep", "semgrep, one rule", tree, ("semgrep", *semgrep, *semgrep_rule)),
    )


def with_tool(tools: Tools, name: str, title: str, folder: Path, arguments: tuple[str, ...]) -> Subject:
    """A subject that runs a program which may not be installed."""
    program = tools.find(arguments[0])
    if program is None:
        return Subject(name, title, TREES, None, unavailable=f"{arguments[0]} is not installed")
    return Subject(name, title, TREES, Command((program, *arguments[1:]), folder, FOUND_OR_NOT))


def check(choice: Choice, folder: Path, *arguments: str) -> Command:
    """`poollint check`. Raises `BenchmarkError` when poollint is not installed."""
    program = choice.tools.find("poollint")
    if program is None:
        raise BenchmarkError(
            "poollint is not installed beside this Python: pip install . -r benchmarks/requirements.txt"
        )
    return Command((program, "check", "--quiet", *arguments), folder, FOUND_OR_NOT)


def poollint(choice: Choice) -> tuple[Subject, ...]:
    """poollint on the packages, in each state of its cache."""
    space = choice.workspace
    cold, warm, changed = (check(choice, folder, ".") for folder in (space.cold, space.warm, space.changed))
    return (
        Subject("cold", "poollint, no cache yet", TREES, cold, lambda: remove_caches(space.cold), cold),
        Subject("warm", "poollint, nothing changed", TREES, warm, None, warm),
        Subject(
            "changed",
            "poollint, a file that makes an engine changed",
            TREES,
            changed,
            line_adder(locate(space, space.changed, choice.relevant)),
            changed,
        ),
        Subject(
            "changed-plain",
            "poollint, a file without SQLAlchemy changed",
            TREES,
            changed,
            line_adder(locate(space, space.changed, choice.plain)),
        ),
    )


def locate(workspace: Workspace, folder: Path, file: str) -> Path:
    """The file of this name in one of the packages. Raises `BenchmarkError`."""
    for package in workspace.packages:
        if (folder / package / file).is_file():
            return folder / package / file
    raise BenchmarkError(f"no {file} in {', '.join(workspace.packages)}: name another one (see --help)")


def line_adder(file: Path) -> Callable[[], None]:
    """Appends another new line of code to a file, each time it is called."""
    numbers = itertools.count(1)

    def add_line() -> None:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"\n_benchmark_{next(numbers)} = None\n")

    return add_line


def one_file(choice: Choice) -> tuple[Subject, ...]:
    """What an editor or a commit hook waits for."""
    space = choice.workspace
    rows = []
    for name, what, relative in (
        ("file", "no SQLAlchemy in it", choice.plain),
        ("file-clean", "uses SQLAlchemy", choice.clean),
    ):
        file = locate(space, space.warm, relative)
        command = check(choice, space.warm, str(file.relative_to(space.warm)))
        rows.append(Subject(name, f"poollint, nothing changed, `{relative}` ({what})", SINGLE, command, None, command))
    return tuple(rows)


def elsewhere(choice: Choice) -> tuple[Subject, ...]:
    """What poollint costs those whom it has nothing to tell."""
    tree = choice.workspace.elsewhere
    copy_standard_library(tree / "library")
    command = check(choice, tree, ".")
    empty = choice.workspace.empty
    empty.mkdir()
    (empty / "pyproject.toml").touch()
    return (
        Subject("nothing", "poollint, a project without files", ELSEWHERE, check(choice, empty, ".")),
        Subject("elsewhere-read", "read all bytes in Python", ELSEWHERE, yardstick("read", tree)),
        Subject("elsewhere-cold", "poollint, no cache yet", ELSEWHERE, command, lambda: remove_caches(tree), command),
        Subject("elsewhere-warm", "poollint, nothing changed", ELSEWHERE, command),
    )


def flake8(choice: Choice) -> tuple[Subject, ...]:
    """flake8 in an environment without poollint, and in the same with it. One process: less noise."""
    names = choice.flake8_packages
    if choice.tools.find("flake8") is None:
        return (Subject("flake8", "flake8", FLAKE8, None, unavailable="flake8 is not installed"),)
    space = choice.workspace
    bare, plugin = make_twins(space.folder)
    cold = space.folder / "flake8-cold"
    copy_packages(tuple(space.warm / name for name in names), cold)
    arguments = ("-m", "flake8", "--isolated", "--exit-zero", "--quiet", "--quiet", "--jobs=1")
    with_plugin = Command((plugin, *arguments, *names), space.warm)
    return (
        Subject("flake8", "flake8 without poollint", FLAKE8, Command((bare, *arguments, *names), space.warm)),
        Subject("flake8-poollint", "flake8 with poollint, nothing changed", FLAKE8, with_plugin, None, with_plugin),
        Subject(
            "flake8-poollint-cold",
            "flake8 with poollint, no cache yet",
            FLAKE8,
            Command((plugin, *arguments, *names), cold),
            lambda: remove_caches(cold),
        ),
    )


def all_packages(choice: Choice) -> tuple[Subject, ...]:
    """The whole corpus."""
    tree = choice.workspace.everything
    copy_packages(choice.corpus, tree)
    command = check(choice, tree, ".")
    return (
        Subject("all-cold", "poollint, no cache yet", ALL, command, lambda: remove_caches(tree)),
        Subject("all-warm", "poollint, nothing changed", ALL, command),
    )
