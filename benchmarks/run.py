"""Measures poollint beside other work on the same files; writes results.json and README.md.

pip install . -r benchmarks/requirements.txt
python benchmarks/run.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import date
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import report
import targets
from environments import Tools, environment_of_user
from measure import BenchmarkError, interleaved, measure
from subjects import Choice, subjects_of
from workspace import DEFAULT_PACKAGES, find_packages, make_workspace, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Subject
    from workspace import Workspace

HERE = Path(__file__).resolve().parent
GROUPS = ("yardsticks", "tools", "poollint", "file", "elsewhere", "flake8", "all")
OPTIONAL = frozenset({"all"})
SETTLING = 2.1
"""Seconds until poollint trusts the time of a new file."""


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    corpus = os.environ.get("POOLLINT_CORPUS") or "~/.cache/poollint-corpus"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--corpus", type=Path, default=Path(corpus), help=f"folder with packages (default: {corpus})")
    parser.add_argument("--packages", default=",".join(DEFAULT_PACKAGES), help="their names (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each row (default: %(default)s)")
    parser.add_argument("--groups", metavar="NAMES", help=f"groups of rows to measure: {', '.join(GROUPS)}")
    parser.add_argument("--all-packages", action="store_true", help="also run over the whole corpus")
    parser.add_argument("--full", action="store_true", help="flake8 over all packages (default: the last one alone)")
    parser.add_argument("--relevant-file", default="airflow/settings.py", help="makes an engine (default: %(default)s)")
    parser.add_argument("--plain-file", default="airflow/utils/strings.py", help="no SQLAlchemy (default: %(default)s)")
    parser.add_argument(
        "--clean-file", default="airflow/models/dagrun.py", help="SQLAlchemy, nothing to report (default: %(default)s)"
    )
    parser.add_argument("--tools", type=Path, action="append", default=[], help="another folder with programs")
    parser.add_argument("--results", type=Path, default=HERE / "results.json", help="default: %(default)s")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="default: %(default)s")
    parser.add_argument("--render", action="store_true", help="measure nothing: write the README from the results anew")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error("--repeat: at least 1")
    return options


def groups_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The groups asked for. Raises `BenchmarkError` for an unknown one."""
    if options.groups is None:
        return tuple(group for group in GROUPS if group not in OPTIONAL or options.all_packages)
    asked = tuple(name.strip() for name in options.groups.split(","))
    unknown = [name for name in asked if name not in GROUPS]
    if unknown:
        raise BenchmarkError(f"--groups: there is no {', '.join(unknown)} (there are: {', '.join(GROUPS)})")
    return asked


def about(options: argparse.Namespace, workspace: Workspace, tools: Tools, load: float) -> dict[str, Any]:
    """When, where and with what; `load` is how many processes ran before the benchmark began."""
    versions = {"CPython": platform.python_version()}
    for name in ("poollint", "libcst", "flake8"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    for program, name in (("ruff", "ruff"), ("ast-grep", "ast-grep"), ("semgrep", "semgrep"), ("rg", "ripgrep")):
        version = tools.version(program)
        if version is not None:
            versions[name] = version
    sizes = {name: size_of(workspace.warm / name) for name in workspace.packages}
    if workspace.elsewhere.is_dir():
        sizes["the standard library"] = size_of(workspace.elsewhere)
    if workspace.everything.is_dir():
        sizes["all packages"] = size_of(workspace.everything)
    return {
        "date": date.today().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "load": round(load, 1),
        "repeat": options.repeat,
        "versions": versions,
        "trees": report.describe(sizes),
    }


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def warm_up(subjects: Sequence[Subject], environment: Mapping[str, str]) -> None:
    """Fill the caches and compile the modules, which no row has to pay for."""
    time.sleep(SETTLING)
    for subject in subjects:
        if subject.warm_up is not None:
            measure(subject.warm_up, environment)


def benchmark(options: argparse.Namespace, folder: Path) -> None:
    """Lay out the trees in `folder`, measure, and write the results. Raises `BenchmarkError`."""
    load = os.getloadavg()[0]
    corpus = options.corpus.expanduser().absolute()
    groups = groups_of(options)
    packages = find_packages(corpus, tuple(name.strip() for name in options.packages.split(",")))
    workspace = make_workspace(folder, packages)
    choice = Choice(
        workspace=workspace,
        tools=Tools(tuple(options.tools)),
        relevant=options.relevant_file,
        plain=options.plain_file,
        clean=options.clean_file,
        flake8_packages=workspace.packages if options.full else workspace.packages[-1:],
        corpus=tuple(path for path in sorted(corpus.iterdir()) if path.is_dir()) if "all" in groups else (),
    )
    makers = subjects_of(choice)
    subjects = tuple(subject for group in groups for subject in makers[group]())
    environment = environment_of_user()
    warm_up(subjects, environment)
    rows = interleaved(subjects, options.repeat, environment, tell)
    facts = about(options, workspace, choice.tools, load)
    results = report.encode(facts, subjects, rows, targets.judge(rows))
    report.write(results, options.results, options.readme)


def tell(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status. A missed target is no failure: machines differ."""
    options = parse_options(arguments)
    if options.render:
        results = json.loads(options.results.read_text(encoding="utf-8"))
        options.readme.write_text(report.render(results), encoding="utf-8")
        return 0
    with TemporaryDirectory(prefix="poollint-benchmark-") as folder:
        try:
            benchmark(options, Path(folder).resolve())
        except BenchmarkError as error:
            tell(f"benchmark: {error}")
            return 2
    tell(f"wrote {options.results} and {options.readme}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
