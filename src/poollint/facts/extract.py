"""One walk over the `ast` of a file, into `poollint.facts.model` records.

The walk is the hot path of a cold run: it dispatches on the node's type through one dictionary, visits each node once
and keeps nothing but the records.
"""

from __future__ import annotations

import ast
import warnings
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
    Decorator,
    Derived,
    Expr,
    Import,
    Items,
    Lambda,
    Mapping,
    ModuleFacts,
    Name,
    Not,
    Op,
    Parameter,
    Scope,
    Star,
    Subscript,
    SyntaxProblem,
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


class _Walk:
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

    def add_op(self, op: Op) -> None:
        self.scope.ops.append(op)

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
            index = self.open_block("case", case.body, subject, group=group)
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

    def enter(self, scope: Scope, body: Sequence[ast.stmt]) -> None:
        saved = (self.scope, self.scope_index, self.block, self.outer, self.role, self.op)
        self.scope, self.scope_index, self.block = scope, len(self.scopes) - 1, 0
        self.outer, self.role, self.op = -1, "", -1
        scope.blocks[0].exit = _EXITS.get(type(body[-1]), "")
        self.statements(body)
        self.scope, self.scope_index, self.block, self.outer, self.role, self.op = saved

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
            # A lone surrogate is legal in a Python literal but in no serialised form.
            return Const(value[:LONGEST_STRING].encode("utf-8", "replace").decode())
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


_NOTHING = Const(None, "other")


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


_Handler = "Callable[[_Walk, Any], None]"
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


class _Expressions(dict[type[ast.expr], "Callable[[_Walk, Any], Expr]"]):
    """Node types that a newer Python adds are walked for the calls inside of them."""

    def __missing__(self, key: type[ast.expr]) -> Callable[[_Walk, Any], Expr]:
        return _Walk.opaque


_EXPRESSIONS = _Expressions(
    {
        ast.Name: _Walk.name,
        ast.Attribute: _Walk.attribute,
        ast.Constant: _Walk.constant,
        ast.Call: _Walk.call,
        ast.Tuple: _Walk.items,
        ast.List: _Walk.items,
        ast.Set: _Walk.items,
        ast.Dict: _Walk.dict_,
        ast.Subscript: _Walk.subscript,
        ast.Lambda: _Walk.lambda_,
        ast.BoolOp: _Walk.boolean,
        ast.UnaryOp: _Walk.unary,
        ast.BinOp: _Walk.binary,
        ast.Compare: _Walk.compare,
        ast.IfExp: _Walk.conditional,
        ast.JoinedStr: _Walk.joined,
        ast.FormattedValue: _Walk.formatted,
        ast.Slice: _Walk.slice_,
        ast.Starred: _Walk.starred,
        ast.Await: _Walk.await_,
        ast.Yield: _Walk.yield_,
        ast.YieldFrom: _Walk.yield_,
        ast.NamedExpr: _Walk.walrus,
        ast.ListComp: _Walk.comprehension,
        ast.SetComp: _Walk.comprehension,
        ast.GeneratorExp: _Walk.comprehension,
        ast.DictComp: _Walk.comprehension,
    }
)
