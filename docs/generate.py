"""Writes the parts of README.md that are derived from the code: `python docs/generate.py`.

A part stands between `<!-- begin generated: NAME -->` and `<!-- end generated -->`. `tests/test_readme.py` fails when
one of them is out of date.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poollint.config import SETTINGS_KEYS
from poollint.rules.registry import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from poollint.config import SettingsKey
    from poollint.rules.base import Rule

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
EXAMPLE = "examples/connection-explosion"
_PART = re.compile(r"(<!-- begin generated: ([\w-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def example() -> str:
    """What poollint prints about the shipped example."""
    arguments = ["check", "--no-cache", "--output-format", "full", EXAMPLE]
    done = subprocess.run(
        [sys.executable, "-m", "poollint", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 1:
        raise RuntimeError(f"status {done.returncode}: {done.stderr}")
    return f"```text\n{done.stdout.strip()}\n```"


def configuration() -> str:
    """The keys of `[tool.poollint]` as a table."""
    rows = (f"| `{key.name}` | {key.type_text} | {_default(key)} | {key.help} |" for key in SETTINGS_KEYS)
    return _table("| key | value | default | what it does |", rows)


def rules() -> str:
    """All rules as a table."""
    return _table("| code | name | severity · confidence | finds |", map(_rule_row, RULES))


PARTS: Mapping[str, Callable[[], str]] = {"example": example, "configuration": configuration, "rules": rules}


def rendered(text: str) -> str:
    """`text` with all generated parts renewed. Raises KeyError for a part that nobody writes."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)


def _rule_row(rule: Rule) -> str:
    metadata = rule.metadata
    loudness = f"{metadata.severity} · {metadata.confidence}{'' if metadata.default else ' · off by default'}"
    link = f"[{metadata.code}](RULES.md#{metadata.code.lower()})"
    return f"| {link} | {metadata.name} | {loudness} | {metadata.summary} |"


def _default(key: SettingsKey) -> str:
    if key.default is None or key.default == ():
        return "none"
    return f"`{str(key.default).lower()}`"


def _table(header: str, rows: Iterable[str]) -> str:
    columns = header.count("|") - 1
    return "\n".join((header, "|---" * columns + "|", *rows))


def main() -> int:
    """Renew README.md; the exit status."""
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
