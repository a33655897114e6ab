"""The pages of the rules: parsed from the docstrings of the rule files, rendered as RULES.md.

`python -m poollint.rules.pages` writes RULES.md in the working directory; a test keeps it up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from poollint.rules.registry import PRECEDENCE, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poollint.rules.base import Rule

SECTIONS: tuple[str, ...] = (
    "What it does",
    "Why it is bad",
    "Example",
    "Use instead",
    "When it stays quiet",
    "Fix safety",
    "References",
)
"""What every page has, in this order."""

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"# ([\w/]+\.py)\n")

_INTRODUCTION = """\
# The rules of poollint

This file is generated from the rule files (`python -m poollint.rules.pages`); `poollint rule CODE` shows one page.

Shown at default settings: warnings and errors with high or medium confidence. The severity below is the highest that a
rule gives; a page says where it is milder. Informational and low-confidence findings appear when their code is selected
by name, or with `--select ALL`. Several rules can judge one engine; the first of these reports it:
"""


class PageError(ValueError):
    """The docstring of a rule file is not a page."""


class CodeBlock(Struct, frozen=True):
    """A fenced block. A first line `# name.py` names the file that the block stands for; "example.py" without one."""

    language: str
    file_name: str
    code: str


class Page(Struct, frozen=True):
    """One rule's page; `sections` are in the order of `SECTIONS`, without their headings."""

    code: str
    sections: tuple[str, ...]

    def section(self, title: str) -> str:
        """The text of a section. Raises ValueError for a title that pages do not have."""
        return self.sections[SECTIONS.index(title)]


def page(rule: Rule) -> Page:
    """The page of `rule`. Raises PageError when a section is missing, empty, unknown or out of order."""
    code = rule.metadata.code
    before, *parts = _HEADING.split(_without_fences(rule.page))
    titles, texts = tuple(parts[::2]), tuple(parts[1::2])
    if before.strip() or titles != SECTIONS:
        raise PageError(
            f"{code}: the page has the sections {', '.join(titles) or 'none'}; wanted: {', '.join(SECTIONS)}"
        )
    if empty := [title for title, text in zip(titles, texts, strict=True) if not text.strip()]:
        raise PageError(f"{code}: nothing is written below {', '.join(empty)}")
    return Page(code, tuple(_split(rule.page)))


def code_blocks(text: str) -> tuple[CodeBlock, ...]:
    """The fenced blocks of a section, in their order."""
    return tuple(_block(found.group(1), found.group(2)) for found in _FENCE.finditer(text))


def rendered(rules: Iterable[Rule] = RULES) -> str:
    """RULES.md: a table of all rules, then their pages. The heading of a page is its code, so `#pol101` leads there."""
    chosen = tuple(rules)
    order = " · ".join(_link(code) for code in PRECEDENCE)
    rows = (
        f"| {_link(rule.metadata.code)} | {rule.metadata.name} | {_loudness(rule)} | {rule.metadata.summary} |"
        for rule in chosen
    )
    table = "\n".join(("| code | name | severity · confidence | finds |", "|---|---|---|---|", *rows))
    return "\n\n".join((_INTRODUCTION.strip(), order, table, *(_rendered(rule) for rule in chosen))) + "\n"


def _rendered(rule: Rule) -> str:
    parsed = page(rule)
    metadata = rule.metadata
    title = (
        f"## {metadata.code}\n**{metadata.name}** · {_loudness(rule)} · fix: {rule.fix_safety}\n\n{metadata.summary}."
    )
    sections = (f"### {name}\n{text}" for name, text in zip(SECTIONS, parsed.sections, strict=True))
    return "\n\n".join((title, *sections))


def _loudness(rule: Rule) -> str:
    metadata = rule.metadata
    return f"{metadata.severity} · {metadata.confidence}{'' if metadata.default else ' · off by default'}"


def _link(code: str) -> str:
    return f"[{code}](#{code.lower()})"


def _split(text: str) -> list[str]:
    """The sections of a page whose headings are known to be right. A `##` inside of a fence is no heading."""
    starts = [(text.index(f"## {title}\n"), len(f"## {title}\n")) for title in SECTIONS]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [text[start + length : end].strip() for (start, length), end in zip(starts, ends, strict=True)]


def _without_fences(text: str) -> str:
    return _FENCE.sub("(code)", text)


def _block(language: str, code: str) -> CodeBlock:
    named = _FILE_NAME.match(code)
    return CodeBlock(language, named.group(1) if named else "example.py", code)


def main() -> int:
    """Write RULES.md; the exit status."""
    Path("RULES.md").write_text(rendered(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
