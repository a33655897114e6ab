"""## What it does
Reports, inside flake8 only, that the configuration of poollint cannot be used: an unknown key or a wrong type under
`[tool.poollint]`, or a file of models that does not load.

## Why it is bad
poollint cannot do its work for this project. flake8 as a whole must not die from that, so the fault is a finding on
line 1 of each file. The command line stops with exit status 2 instead.

## Example
```toml
[tool.poollint]
exclud = ["build"]
```

## Use instead
```toml
[tool.poollint]
exclude = ["build"]
```

## When it stays quiet
When the configuration is valid.

## Fix safety
There is no fix; the message names the file, the key and the nearest valid key.

## References
- [pyproject.toml specification](https://packaging.python.org/en/latest/specifications/pyproject-toml/)
"""

from __future__ import annotations

from poollint.rules.base import Family, Metadata, Rule

METADATA = Metadata(
    code="POL903",
    name="broken-configuration",
    summary="The configuration of poollint cannot be used",
    severity="error",
    confidence="high",
)

RULE = Rule(METADATA, page=__doc__ or "", family=Family.ALONE)
