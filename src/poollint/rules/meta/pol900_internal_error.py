"""## What it does
Stands for a fault of poollint itself: a rule failed on the code at this place. The other rules, and this rule at other
places, have done their work.

## Why it is bad
What that rule would have said here is missing. The fault is poollint's, not the code's.

## Example
No code is at fault. The message names the rule and the exception:
```text
app/db.py:14:14: POL900 POL104 failed here (KeyError), please report it: https://github.com/poollint/poollint/issues
```

## Use instead
Report it with the code at that place. Until it is mended, `--ignore POL104` (the rule that is named) silences it.

## When it stays quiet
When every rule does its work.

## Fix safety
There is no fix.

## References
- [Issues of poollint](https://github.com/poollint/poollint/issues)
"""

from __future__ import annotations

from poollint.rules.base import Family, Metadata, Rule

METADATA = Metadata(
    code="POL900",
    name="internal-error",
    summary="A rule of poollint failed at this place",
    severity="warning",
    confidence="high",
)

RULE = Rule(METADATA, page=__doc__ or "", family=Family.ALONE)
