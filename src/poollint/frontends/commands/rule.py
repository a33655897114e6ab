"""Show the page of a rule: what it finds, why that is bad, what to write instead, and when it stays quiet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from poollint.checking.selection import ALL, nearest
from poollint.findings import RULES_URL
from poollint.frontends.status import FOUND_NOTHING, UsageError
from poollint.rules.registry import RULES
from poollint.rules.registry import rule as rule_of

if TYPE_CHECKING:
    import argparse

    from poollint.frontends.terminal import Terminal
    from poollint.rules.base import Rule

FIXES = {
    "safe": "safe, --fix applies it",
    "unsafe": "unsafe, --fix --unsafe-fixes applies it",
    "suggestion": "a suggestion, a person applies it",
    "none": "none",
}
"""What a page says about the fix of a rule, by its safety."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `poollint rule`."""
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="the rule to show, or ALL; without it, a list of all rules"
    )
    parser.add_argument("--all", action="store_true", help="the pages of all rules")
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """`poollint rule`; the exit status."""
    if arguments.code and arguments.all:
        raise UsageError("name a rule, or give --all, not both")
    every = arguments.all or (arguments.code or "").upper() == ALL
    named = arguments.code if not every else None
    chosen = [find(named)] if named else list(RULES)
    if arguments.output_format == "json":
        objects = [as_object(rule) for rule in chosen]
        terminal.write(json.dumps(objects[0] if named else objects, indent=2) + "\n")
    elif named or every:
        terminal.write("\n".join(page(rule) for rule in chosen))
    else:
        terminal.write("".join(f"{line(rule)}\n" for rule in chosen))
    return FOUND_NOTHING


def find(word: str) -> Rule:
    """The rule with a code or a name. Raises `UsageError` when there is none."""
    try:
        return rule_of(word.upper())
    except KeyError:
        pass
    named = {rule.metadata.name: rule for rule in RULES}
    if word.lower() in named:
        return named[word.lower()]
    from difflib import get_close_matches

    by_name = next(iter(get_close_matches(word.lower(), named, 1)), None)
    suggestion = nearest(word.upper(), [rule.metadata.code for rule in RULES]) or by_name
    raise UsageError(f"no rule is called {word}" + (f"; the nearest one is {suggestion}" if suggestion else ""))


def page(rule: Rule) -> str:
    """The page of a rule, with its title and how loud it is."""
    metadata = rule.metadata
    state = "on by default" if metadata.default else "off by default"
    facts = f"{metadata.severity}, {metadata.confidence} confidence, {state}; fix: {FIXES[rule.fix_safety]}"
    return f"# {metadata.name} ({metadata.code})\n\n{metadata.summary}.\n\n{facts}\n\n{rule.page.strip()}\n"


def line(rule: Rule) -> str:
    """One line of the list."""
    metadata = rule.metadata
    return f"{metadata.code} {metadata.name}: {metadata.summary}{'' if metadata.default else ' (off by default)'}"


def as_object(rule: Rule) -> dict[str, object]:
    """A rule for programs."""
    metadata = rule.metadata
    return {
        "code": metadata.code,
        "name": metadata.name,
        "summary": metadata.summary,
        "severity": metadata.severity,
        "confidence": metadata.confidence,
        "default": metadata.default,
        "fix": rule.fix_safety,
        "url": f"{RULES_URL}#{metadata.code.lower()}",
        "page": rule.page.strip(),
    }
