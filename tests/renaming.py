"""Rewrites `from sqlalchemy import create_engine` to `import sqlalchemy as sa_`, line by line."""

from __future__ import annotations

import ast

NAMES = frozenset({"create_engine", "create_async_engine"})
MODULES = {"sqlalchemy": "sa_", "sqlalchemy.ext.asyncio": "sa_asyncio_"}


def rename_imports(source: str) -> str | None:
    """The same program with the factories named through their modules, or None where that is not possible.

    Every statement stays on its line. Aliased imports, names that are bound again and string annotations are left.
    """
    tree = ast.parse(source)
    if any(
        isinstance(node, ast.Name) and node.id in NAMES and not isinstance(node.ctx, ast.Load) for node in walk(tree)
    ):
        return None
    imports = [node for node in walk(tree) if isinstance(node, ast.ImportFrom) and is_factory_import(node)]
    if not imports or any(node.lineno != node.end_lineno for node in imports):
        return None
    owners = {alias.name: MODULES[node.module or ""] for node in imports for alias in node.names if alias.name in NAMES}
    lines = [line.encode() for line in source.split("\n")]
    uses = [node for node in walk(tree) if isinstance(node, ast.Name) and node.id in owners]
    for node in sorted([*uses, *imports], key=lambda node: (node.lineno, node.col_offset), reverse=True):
        text = f"{owners[node.id]}.{node.id}" if isinstance(node, ast.Name) else import_text(node)
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + text.encode() + line[node.end_col_offset :]
    return "\n".join(line.decode() for line in lines)


def walk(tree: ast.AST) -> list[ast.AST]:
    """All nodes."""
    return list(ast.walk(tree))


def is_factory_import(node: ast.ImportFrom) -> bool:
    """Whether the statement imports a factory under its own name from the module that defines it."""
    return (
        node.level == 0
        and node.module in MODULES
        and any(alias.name in NAMES and alias.asname is None for alias in node.names)
    )


def import_text(node: ast.ImportFrom) -> str:
    """The statement without the factories, and the import of the module."""
    module = node.module or ""
    rest = [ast.unparse(alias) for alias in node.names if alias.name not in NAMES]
    named = f"; from {module} import {', '.join(rest)}" if rest else ""
    return f"import {module} as {MODULES[module]}{named}"
