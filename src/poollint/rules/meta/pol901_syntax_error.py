"""## What it does
Reports a file that poollint had to read and that the running Python cannot parse. The message names the version.

## Why it is bad
poollint sees nothing of that file: engines in it are not reported, and callers in it are missing from the chains of
other files.

## Example
```text
def broken(:
    pass
```

## Use instead
```python
def mended():
    pass
```
For code that needs a newer Python, run poollint with that Python. A file that is not meant to be Python, such as a
template with `{{ placeholders }}`, belongs in `exclude`.

## When it stays quiet
- Files that poollint did not have to read, since they have nothing to do with SQLAlchemy.
- In flake8, which reports E999 for the same file.

## Fix safety
There is no fix.

## References
- [Python: Full grammar specification](https://docs.python.org/3/reference/grammar.html)
"""

from __future__ import annotations

from poollint.rules.base import Family, Metadata, Rule

METADATA = Metadata(
    code="POL901",
    name="syntax-error",
    summary="The running Python cannot parse a file that poollint had to read",
    severity="error",
    confidence="high",
)

RULE = Rule(METADATA, page=__doc__ or "", family=Family.ALONE)
