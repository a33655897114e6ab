"""The expression half of the walk over a file's `ast`: from nodes to `poollint.facts.model` expressions.

It keeps the state of the whole walk, because expressions open scopes (lambdas) and blocks (comprehensions) too.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, cast

from poollint.facts.model import (
    Attr,
    Await,
    Block,
    Bool,
    Call,
    CallRef,
    Compare,
    Comprehension,
    Conditional,
    Const,
    Derived,
    Expr,
    Items,
    Lambda,
    Mapping,
    Name,
    Not,
    Op,
    Parameter,
    Scope,
    Star,
    Subscript,
    Walrus,
    YieldValue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST_STRING = 300
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_NOTHING = Const(None, "other")


class ExpressionWalk:
    """The state of one walk: the tables under construction and the current scope, block and enclosing call."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.calls: list[Call] = []
        self.scope: Scope
        self.scope_index = 0
        self.block = 0
        self.outer = -1
        self.role = ""
        self.op = -1

    def add_op(self, op: Op) -> None:
        self.scope.ops.append(op)

    def new_block(
        self,
        kind: str,
        line: int,
        end_line: int,
        test: Expr | None = None,
        target: Expr | None = None,
        group: int = -1,
        is_async: bool = False,
    ) -> int:
        index = len(self.scope.blocks)
        self.scope.blocks.append(
            Block(
                kind,
                self.block,
                line,
                end_line,
                test,
                target,
                "",
                index if group < 0 else group,
                len(self.scope.ops),
                is_async,
            )
        )
        return index

    def parameters(self, arguments: ast.arguments) -> list[Parameter]:
        positional = arguments.posonlyargs + arguments.args
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        defaults.extend(arguments.defaults)
        found = [
            self.parameter(node, "positional", default) for node, default in zip(positional, defaults, strict=True)
        ]
        if arguments.vararg is not None:
            found.append(self.parameter(arguments.vararg, "vararg", None))
        for node, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            found.append(self.parameter(node, "keyword", default))
        if arguments.kwarg is not None:
            found.append(self.parameter(arguments.kwarg, "kwarg", None))
        return found

    def parameter(self, node: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
        return Parameter(
            node.arg,
            kind,
            self.expr(default) if default is not None else None,
            self.expr(node.annotation) if node.annotation is not None else None,
        )

    def new_scope(
        self, kind: str, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    ) -> Scope:
        prefix = self.scope.qualname
        if prefix and self.scope.kind != "class":
            prefix += ".<locals>"
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or node.lineno
        scope = Scope(
            kind,
            name,
            f"{prefix}.{name}" if prefix else name,
            self.scope_index,
            node.lineno,
            node.col_offset,
            last,
            first,
            self.block,
            blocks=[Block("body", -1, node.lineno, last)],
        )
        self.scope.children.append(len(self.scopes))
        self.scopes.append(scope)
        return scope

    # --------------------------------------------------------------------------------------------- expressions
    def expr(self, node: ast.expr) -> Expr:
        return _EXPRESSIONS[type(node)](self, node)

    def exprs(self, nodes: Sequence[ast.expr]) -> list[Expr]:
        return [_EXPRESSIONS[type(node)](self, node) for node in nodes]

    def name(self, node: ast.Name) -> Expr:
        return Name(node.id)

    def attribute(self, node: ast.Attribute) -> Expr:
        return Attr(_EXPRESSIONS[type(node.value)](self, node.value), node.attr)

    def constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if value is None or type(value) in (bool, float):
            return Const(cast("bool | float | None", value))
        if type(value) is int:
            return Const(value) if -(2**63) <= value < 2**63 else Const(None, "other")
        if type(value) is str:
            text = value[:LONGEST_STRING]
            # A lone surrogate is legal in a Python literal but in no serialised form.
            return Const(text if text.isascii() else text.encode("utf-8", "replace").decode())
        return Const(None, "other")

    def call(self, node: ast.Call) -> Expr:
        index = len(self.calls)
        record = Call(
            self.scope_index,
            self.block,
            _NOTHING,
            [],
            [],
            node.lineno,
            node.col_offset,
            node.end_lineno or node.lineno,
            node.end_col_offset or 0,
            self.outer,
            self.role,
            self.op,
        )
        self.calls.append(record)
        self.scope.calls.append(index)
        saved = (self.outer, self.role)
        self.outer, self.role = index, "func"
        record.func = _EXPRESSIONS[type(node.func)](self, node.func)
        self.role = "arg"
        if node.args:
            record.args = self.exprs(node.args)
        if node.keywords:
            record.keywords = [(keyword.arg, self.expr(keyword.value)) for keyword in node.keywords]
        self.outer, self.role = saved
        return CallRef(index)

    def items(self, node: ast.Tuple | ast.List | ast.Set) -> Expr:
        return Items(type(node).__name__.lower(), self.exprs(node.elts))

    def dict_(self, node: ast.Dict) -> Expr:
        keys = [None if key is None else self.expr(key) for key in node.keys]
        return Mapping(keys, self.exprs(node.values))

    def subscript(self, node: ast.Subscript) -> Expr:
        return Subscript(self.expr(node.value), self.expr(node.slice))

    def lambda_(self, node: ast.Lambda) -> Expr:
        parameters = self.parameters(node.args)
        scope = self.new_scope("lambda", "<lambda>", node)
        scope.parameters = parameters
        index = len(self.scopes) - 1
        saved = (self.scope, self.scope_index, self.block, self.outer, self.role, self.op)
        self.scope, self.scope_index, self.block, self.outer, self.role, self.op = scope, index, 0, -1, "", 0
        value = self.expr(node.body)
        scope.ops.append(Op("return", 0, node.lineno, None, value))
        scope.blocks[0].exit = "return"
        self.scope, self.scope_index, self.block, self.outer, self.role, self.op = saved
        return Lambda(index)

    def boolean(self, node: ast.BoolOp) -> Expr:
        return Bool("and" if type(node.op) is ast.And else "or", self.exprs(node.values))

    def unary(self, node: ast.UnaryOp) -> Expr:
        value = self.expr(node.operand)
        if type(node.op) is ast.Not:
            return Not(value)
        if type(node.op) is ast.USub and isinstance(value, Const) and type(value.value) in (int, float):
            return Const(-cast("int", value.value))
        return Derived("unary", [value])

    def binary(self, node: ast.BinOp) -> Expr:
        # `a + b + c + ...` leans to the left and may be thousands of terms long: flat, and no recursion.
        rights = [node.right]
        left = node.left
        while isinstance(left, ast.BinOp):
            rights.append(left.right)
            left = left.left
        kind = "+" if type(node.op) is ast.Add else "binary"
        return Derived(kind, [self.expr(left), *self.exprs(rights[::-1])])

    def compare(self, node: ast.Compare) -> Expr:
        rights = self.exprs(node.comparators)
        return Compare(self.expr(node.left), _OPERATORS[type(node.ops[0])], rights[0])

    def conditional(self, node: ast.IfExp) -> Expr:
        return Conditional(self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def joined(self, node: ast.JoinedStr) -> Expr:
        return Derived("format", self.exprs(node.values))

    def formatted(self, node: ast.FormattedValue) -> Expr:
        return self.expr(node.value)

    def slice_(self, node: ast.Slice) -> Expr:
        return Derived("slice", [self.expr(part) for part in (node.lower, node.upper, node.step) if part is not None])

    def starred(self, node: ast.Starred) -> Expr:
        return Star(self.expr(node.value))

    def await_(self, node: ast.Await) -> Expr:
        value = self.expr(node.value)
        if isinstance(value, CallRef):
            self.calls[value.index].awaited = True
        return Await(value)

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        value = self.expr(node.value) if node.value is not None else None
        self.scope.is_generator = True
        self.add_op(Op("yield", self.block, node.lineno, None, value))
        return YieldValue(value)

    def walrus(self, node: ast.NamedExpr) -> Expr:
        value = self.expr(node.value)
        target = node.target.id
        self.add_op(Op("bind", self.block, node.lineno, Name(target), value))
        return Walrus(target, value)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Expr:
        parent = self.block
        for generator in node.generators:
            iterated = self.expr(generator.iter)
            self.block = self.new_block(
                "comprehension",
                node.lineno,
                node.end_lineno or node.lineno,
                iterated,
                self.expr(generator.target),
                is_async=bool(generator.is_async),
            )
            for condition in generator.ifs:
                self.expr(condition)
        if isinstance(node, ast.DictComp):
            # Python 3.15 allows `{**each for each in rows}`, which has no value of its own.
            parts: list[ast.expr | None] = [node.key, node.value]
            elements = [self.expr(part) for part in parts if part is not None]
        else:
            elements = [self.expr(node.elt)]
        self.block = parent
        return Comprehension(type(node).__name__, elements)

    def opaque(self, node: ast.expr) -> Expr:
        return Derived(
            type(node).__name__,
            [self.expr(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)],
        )


class _Handlers(dict[type[ast.expr], "Callable[[ExpressionWalk, Any], Expr]"]):
    """Node types that a newer Python adds are walked for the calls inside of them."""

    def __missing__(self, key: type[ast.expr]) -> Callable[[ExpressionWalk, Any], Expr]:
        return ExpressionWalk.opaque


_EXPRESSIONS = _Handlers(
    {
        ast.Name: ExpressionWalk.name,
        ast.Attribute: ExpressionWalk.attribute,
        ast.Constant: ExpressionWalk.constant,
        ast.Call: ExpressionWalk.call,
        ast.Tuple: ExpressionWalk.items,
        ast.List: ExpressionWalk.items,
        ast.Set: ExpressionWalk.items,
        ast.Dict: ExpressionWalk.dict_,
        ast.Subscript: ExpressionWalk.subscript,
        ast.Lambda: ExpressionWalk.lambda_,
        ast.BoolOp: ExpressionWalk.boolean,
        ast.UnaryOp: ExpressionWalk.unary,
        ast.BinOp: ExpressionWalk.binary,
        ast.Compare: ExpressionWalk.compare,
        ast.IfExp: ExpressionWalk.conditional,
        ast.JoinedStr: ExpressionWalk.joined,
        ast.FormattedValue: ExpressionWalk.formatted,
        ast.Slice: ExpressionWalk.slice_,
        ast.Starred: ExpressionWalk.starred,
        ast.Await: ExpressionWalk.await_,
        ast.Yield: ExpressionWalk.yield_,
        ast.YieldFrom: ExpressionWalk.yield_,
        ast.NamedExpr: ExpressionWalk.walrus,
        ast.ListComp: ExpressionWalk.comprehension,
        ast.SetComp: ExpressionWalk.comprehension,
        ast.GeneratorExp: ExpressionWalk.comprehension,
        ast.DictComp: ExpressionWalk.comprehension,
    }
)
