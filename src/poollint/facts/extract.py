"""One walk over the `ast` of a file, into `poollint.facts.model` records.

The walk is the hot path of a cold run: it dispatches on the node's type through one dictionary, visits each node once
and keeps nothing but the records.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any, cast

from poollint.facts.expressions import ExpressionWalk
from poollint.facts.model import (
    Block,
    Const,
    Decorator,
    Expr,
    Import,
    ModuleFacts,
    Name,
    Op,
    Scope,
    SyntaxProblem,
    YieldValue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXITS: dict[type[ast.stmt], str] = {
    ast.Return: "return",
    ast.Raise: "raise",
    ast.Break: "break",
    ast.Continue: "continue",
}


def extract(data: bytes, path: str = "<unknown>") -> ModuleFacts | SyntaxProblem:
    """The facts of a file, or the reason why there are none. Never raises.

    `data` is the raw content: the encoding declaration and the BOM are honoured as Python does.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data, path)
        return _Walk().module(tree)
    except SyntaxError as error:
        return SyntaxProblem(
            "syntax", error.msg or "invalid syntax", error.lineno or 1, max((error.offset or 1) - 1, 0)
        )
    except ValueError as error:
        return SyntaxProblem("decoding", str(error))
    except (RecursionError, MemoryError):
        return SyntaxProblem("depth", "nested too deeply to be analysed")


class _Walk(ExpressionWalk):
    """The statement half of the walk."""

    def module(self, tree: ast.Module) -> ModuleFacts:
        last = tree.body[-1].end_lineno if tree.body else 1
        self.scope = Scope("module", "<module>", "", -1, 1, 0, last or 1, 1, blocks=[Block("body", -1, 1, last or 1)])
        self.scopes.append(self.scope)
        self.statements(tree.body)
        return ModuleFacts(self.scopes, self.calls, _exports(tree))

    # ---------------------------------------------------------------------------------------------- statements
    def statements(self, body: Sequence[ast.stmt]) -> None:
        handlers = _STATEMENTS
        for node in body:
            handler = handlers.get(type(node))
            if handler is not None:
                handler(self, node)

    def next_op(self) -> None:
        """Calls met from here on belong to the operation that is added next."""
        self.op = len(self.scope.ops)

    def open_block(
        self,
        kind: str,
        body: Sequence[ast.stmt],
        test: Expr | None = None,
        target: Expr | None = None,
        group: int = -1,
        is_async: bool = False,
    ) -> int:
        if not body:
            return -1
        index = self.new_block(
            kind, body[0].lineno, body[-1].end_lineno or body[-1].lineno, test, target, group, is_async
        )
        self.scope.blocks[index].exit = _EXITS.get(type(body[-1]), "")
        parent, self.block = self.block, index
        self.statements(body)
        self.block = parent
        return index

    def expression_statement(self, node: ast.Expr) -> None:
        if type(node.value) is ast.Constant:
            return
        self.next_op()
        value = self.expr(node.value)
        if isinstance(value, YieldValue):
            return
        self.add_op(Op("eval", self.block, node.lineno, None, value))

    def assign(self, node: ast.Assign) -> None:
        self.next_op()
        value = self.expr(node.value)
        for target in node.targets:
            self.bind("bind", self.expr(target), value, node)

    def bind(self, kind: str, target: Expr, value: Expr | None, node: ast.stmt, annotation: Expr | None = None) -> None:
        self.add_op(
            Op(
                kind,
                self.block,
                node.lineno,
                target,
                value,
                -1,
                annotation,
                node.col_offset,
                node.end_lineno or node.lineno,
                node.end_col_offset or 0,
            )
        )

    def annotated_assign(self, node: ast.AnnAssign) -> None:
        self.next_op()
        value = self.expr(node.value) if node.value is not None else None
        self.bind("bind", self.expr(node.target), value, node, self.expr(node.annotation))

    def augmented_assign(self, node: ast.AugAssign) -> None:
        self.next_op()
        value = self.expr(node.value)
        self.bind("aug", self.expr(node.target), value, node)

    def return_(self, node: ast.Return) -> None:
        self.next_op()
        value = self.expr(node.value) if node.value is not None else None
        self.add_op(Op("return", self.block, node.lineno, None, value))

    def raise_(self, node: ast.Raise) -> None:
        self.next_op()
        value = self.expr(node.exc) if node.exc is not None else None
        if node.cause is not None:
            self.expr(node.cause)
        self.add_op(Op("raise", self.block, node.lineno, None, value))

    def assert_(self, node: ast.Assert) -> None:
        self.next_op()
        value = self.expr(node.test)
        if node.msg is not None:
            self.expr(node.msg)
        self.add_op(Op("assert", self.block, node.lineno, None, value))

    def delete(self, node: ast.Delete) -> None:
        self.next_op()
        for target in node.targets:
            self.add_op(Op("delete", self.block, node.lineno, self.expr(target)))

    def if_(self, node: ast.If) -> None:
        # An `elif` is an `if` alone in the `else`: generated code has thousands in a row, so they are no recursion.
        outermost = self.block
        while True:
            self.op = -1
            test = self.expr(node.test)
            group = self.open_block("if", node.body, test)
            if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
                self.open_block("else", node.orelse, test, group=group)
                break
            node = node.orelse[0]
            self.block = self.new_block("else", node.lineno, node.end_lineno or node.lineno, test, None, group)
        self.block = outermost

    def while_(self, node: ast.While) -> None:
        index = self.new_block("while", node.lineno, node.end_lineno or node.lineno)
        parent, self.block = self.block, index
        self.op = -1
        block = self.scope.blocks[index]
        block.test = self.expr(node.test)
        block.exit = _EXITS.get(type(node.body[-1]), "")
        self.statements(node.body)
        self.block = parent
        self.open_block("loop-else", node.orelse, group=index)

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        self.next_op()
        iterated = self.expr(node.iter)
        is_async = type(node) is ast.AsyncFor
        index = self.new_block("for", node.lineno, node.end_lineno or node.lineno, iterated, None, -1, is_async)
        parent, self.block = self.block, index
        block = self.scope.blocks[index]
        block.target = self.expr(node.target)
        block.exit = _EXITS.get(type(node.body[-1]), "")
        self.bind("for", block.target, iterated, node)
        self.statements(node.body)
        self.block = parent
        self.open_block("loop-else", node.orelse, group=index)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        is_async = type(node) is ast.AsyncWith
        index = -1
        parent = self.block
        for item in node.items:
            self.next_op()
            value = self.expr(item.context_expr)
            target = self.expr(item.optional_vars) if item.optional_vars is not None else None
            index = self.new_block("with", node.lineno, node.end_lineno or node.lineno, value, target, index, is_async)
            self.block = index
            self.bind("with", target, value, node)  # type: ignore[arg-type]
        self.scope.blocks[index].exit = _EXITS.get(type(node.body[-1]), "")
        self.statements(node.body)
        self.block = parent

    def try_(self, node: ast.Try) -> None:
        group = self.open_block("try", node.body)
        for handler in node.handlers:
            self.op = -1
            caught = self.expr(handler.type) if handler.type is not None else None
            target = Name(handler.name) if handler.name else None
            self.open_block("except", handler.body, caught, target, group)
        self.open_block("try-else", node.orelse, group=group)
        self.open_block("finally", node.finalbody, group=group)

    def match(self, node: ast.Match) -> None:
        self.op = -1
        subject = self.expr(node.subject)
        group = -1
        for case in node.cases:
            if case.guard is not None:
                self.expr(case.guard)
            index = self.open_block("case", case.body, subject, _constant(case.pattern), group)
            group = index if group < 0 else group

    def import_(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                entry = Import(alias.asname, alias.name, "", 0, node.lineno, self.block)
            else:
                top = alias.name.partition(".")[0]
                entry = Import(top, top, "", 0, node.lineno, self.block, alias.name)
            self.scope.imports.append(entry)

    def import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            name = "*" if alias.name == "*" else alias.asname or alias.name
            self.scope.imports.append(Import(name, module, alias.name, node.level, node.lineno, self.block))

    def global_(self, node: ast.Global) -> None:
        self.scope.globals.extend(node.names)

    def nonlocal_(self, node: ast.Nonlocal) -> None:
        self.scope.nonlocals.extend(node.names)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.op = -1
        decorators = self.decorators(node.decorator_list)
        parameters = self.parameters(node.args)
        returns = self.expr(node.returns) if node.returns is not None else None
        scope = self.new_scope("function", node.name, node)
        scope.is_async = type(node) is ast.AsyncFunctionDef
        scope.decorators, scope.parameters, scope.returns = decorators, parameters, returns
        self.define(node.lineno)
        self.enter(scope, node.body)

    def class_(self, node: ast.ClassDef) -> None:
        self.op = -1
        decorators = self.decorators(node.decorator_list)
        bases = [self.expr(base) for base in node.bases]
        keywords = [(keyword.arg, self.expr(keyword.value)) for keyword in node.keywords]
        scope = self.new_scope("class", node.name, node)
        scope.decorators, scope.bases, scope.keywords = decorators, bases, keywords
        self.define(node.lineno)
        self.enter(scope, node.body)

    def define(self, line: int) -> None:
        self.add_op(Op("def", self.block, line, scope=len(self.scopes) - 1))

    def decorators(self, nodes: Sequence[ast.expr]) -> list[Decorator]:
        return [
            Decorator(
                self.expr(node), node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0
            )
            for node in nodes
        ]

    def enter(self, scope: Scope, body: Sequence[ast.stmt]) -> None:
        saved = (self.scope, self.scope_index, self.block, self.outer, self.role, self.op)
        self.scope, self.scope_index, self.block = scope, len(self.scopes) - 1, 0
        self.outer, self.role, self.op = -1, "", -1
        scope.blocks[0].exit = _EXITS.get(type(body[-1]), "")
        self.statements(body)
        self.scope, self.scope_index, self.block, self.outer, self.role, self.op = saved


def _exports(tree: ast.Module) -> list[str] | None:
    """The constant part of `__all__`, or None without one."""
    found: list[str] | None = None
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = cast("ast.Assign | ast.AugAssign", node).value
            if isinstance(value, (ast.List, ast.Tuple)):
                found = (found or []) + [
                    item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
                ]
    return found


def _constant(pattern: ast.pattern) -> Const | None:
    """The pattern `None`, `True` or `False`, also as one of several."""
    if isinstance(pattern, ast.MatchOr):
        return next((found for each in pattern.patterns if (found := _constant(each)) is not None), None)
    return Const(pattern.value) if isinstance(pattern, ast.MatchSingleton) else None


_STATEMENTS: dict[type[ast.stmt], Callable[[_Walk, Any], None]] = {
    ast.Expr: _Walk.expression_statement,
    ast.Assign: _Walk.assign,
    ast.AnnAssign: _Walk.annotated_assign,
    ast.AugAssign: _Walk.augmented_assign,
    ast.Return: _Walk.return_,
    ast.Raise: _Walk.raise_,
    ast.Assert: _Walk.assert_,
    ast.Delete: _Walk.delete,
    ast.If: _Walk.if_,
    ast.While: _Walk.while_,
    ast.For: _Walk.for_,
    ast.AsyncFor: _Walk.for_,
    ast.With: _Walk.with_,
    ast.AsyncWith: _Walk.with_,
    ast.Try: _Walk.try_,
    ast.Match: _Walk.match,
    ast.Import: _Walk.import_,
    ast.ImportFrom: _Walk.import_from,
    ast.Global: _Walk.global_,
    ast.Nonlocal: _Walk.nonlocal_,
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.ClassDef: _Walk.class_,
}
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _Walk.try_
