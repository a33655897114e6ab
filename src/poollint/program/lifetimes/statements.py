"""Whether a statement that is executed changes data: its construct or the first word of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.expressions import assignments
from poollint.program.values import External, ExternalInstance

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_DATA = ("insert", "update", "delete", "replace", "merge", "truncate", "upsert")
_SCHEMA = ("create", "alter", "drop", "grant", "revoke", "comment", "rename")
_CONSTRUCTS = ("insert", "update", "delete")
_DEEPEST = 6


class Statements:
    """Answers "does this statement write" for one program; what it cannot read does not write."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._names: dict[tuple[str, int, str], str] = {}

    def writes(self, path: str, scope: int, call: model.Call) -> bool:
        """The statement of `execute(statement)` changes data or the schema."""
        return self.word(path, scope, call) in (*_DATA, *_SCHEMA)

    def is_schema_only(self, path: str, scope: int, call: model.Call) -> bool:
        """It changes the schema: some databases commit that by themselves."""
        return self.word(path, scope, call) in _SCHEMA

    def word(self, path: str, scope: int, call: model.Call) -> str:
        """The first word of the executed statement, in lower case; "" where it is not known."""
        argument = call.args[0] if call.args else next((v for k, v in call.keywords if k == "statement"), None)
        return self._word(path, scope, argument, 0)

    def _word(self, path: str, scope: int, expr: model.Expr | None, depth: int) -> str:
        if expr is None or depth > _DEEPEST:
            return ""
        if isinstance(expr, model.Const) and isinstance(expr.value, str):
            return _first_word(expr.value)
        if isinstance(expr, model.Derived) and expr.items:
            return self._word(path, scope, expr.items[0], depth + 1)
        if isinstance(expr, model.Name):
            return self._of_name(path, scope, expr.id) or (self._of_name(path, 0, expr.id) if scope else "")
        if isinstance(expr, model.CallRef):
            return self._of_call(path, scope, expr.index, depth)
        return ""

    def _of_name(self, path: str, scope: int, name: str) -> str:
        """The word on which all assignments of a variable agree; one from the variable itself adds nothing."""
        key = (path, scope, name)
        if key not in self._names:
            self._names[key] = ""
            words = {
                self._word(path, scope, op.value, 0)
                for op in assignments(self._resolver.scope(path, scope), name)
                if op.kind == "bind"
            } - {""}
            self._names[key] = words.pop() if len(words) == 1 else ""
        return self._names[key]

    def _of_call(self, path: str, scope: int, index: int, depth: int) -> str:
        call = self._resolver.call(path, index)
        for value in self._resolver.callee(path, index):
            if isinstance(value, External):
                name = value.fqn.rpartition(".")[2]
                if value.fqn.startswith(("sqlalchemy.", "sqlmodel.")):
                    if name in _CONSTRUCTS:
                        return name
                    if name in ("text", "DDL") and call.args:
                        return self._word(path, scope, call.args[0], depth + 1)
        func = call.func
        if isinstance(func, model.Attr):
            if isinstance(func.value, model.CallRef):
                return self._word(path, scope, func.value, depth + 1)
            if func.attr in _CONSTRUCTS and self._is_table(path, scope, func.value):
                return func.attr
            if func.attr in ("values", "where", "returning", "format", "strip"):
                return self._word(path, scope, func.value, depth + 1)
        return ""

    def _is_table(self, path: str, scope: int, expr: model.Expr) -> bool:
        values = self._resolver.values(path, scope, expr)
        return any(isinstance(v, (External, ExternalInstance)) and v.fqn.endswith(".Table") for v in values)


def _first_word(text: str) -> str:
    for line in text.splitlines():
        bare = line.strip().lstrip("(")
        if bare and not bare.startswith("--"):
            return bare.split(None, 1)[0].rstrip(";(").lower()
    return ""
