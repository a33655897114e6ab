"""## What it does
Finds a `# poollint: ignore[...]` comment that suppresses nothing.

## Why it is bad
It claims that something is wrong with a line where nothing is, and it hides the next finding there.

## Example
```python
x = 1  # poollint: ignore[POL102] made once by the command line
```

## Use instead
```python
x = 1
```

## When it stays quiet
- The code is not enabled in this run, so that nobody can know whether the comment is needed.
- `# noqa` comments: flake8 and ruff have their own checks for those.

## Fix safety
Deleting the comment is safe: it has no effect.

## References
- [flake8: Selecting and ignoring violations](https://flake8.pycqa.org/en/latest/user/violations.html)
"""

from __future__ import annotations

from poollint.rules.base import Family, Metadata, Rule

METADATA = Metadata(
    code="POL902",
    name="unused-suppression",
    summary="A suppression comment suppresses nothing",
    severity="warning",
    confidence="high",
    fix="safe",
)

RULE = Rule(METADATA, page=__doc__ or "", family=Family.ALONE)
