"""From a type annotation to the values that something of that type may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.program.values import ClassValue, Container, External, ExternalInstance, Instance, Value, Values

if TYPE_CHECKING:
    from poollint.program.names import Resolver

_TRANSPARENT = frozenset(
    {
        "Optional",
        "Annotated",
        "Union",
        "Final",
        "ClassVar",
        "Required",
        "NotRequired",
        "Awaitable",
        "Coroutine",
        "InitVar",
    }
)
_CONTAINERS = frozenset(
    {
        "list",
        "List",
        "Sequence",
        "Iterable",
        "set",
        "Set",
        "tuple",
        "Tuple",
        "dict",
        "Dict",
        "Mapping",
        "Iterator",
        "deque",
    }
)
_CLASSES = frozenset({"type", "Type"})
_DOTTED = re.compile(r"[A-Za-z_][\w.]*")


def instances(resolver: Resolver, path: str, scope: int, annotation: model.Expr) -> Values:
    """The instances that the annotation admits; containers hold their element types."""
    found: list[Value] = []
    _collect(resolver, path, scope, annotation, found)
    return tuple(dict.fromkeys(found))


def _collect(resolver: Resolver, path: str, scope: int, annotation: model.Expr, found: list[Value]) -> None:
    if isinstance(annotation, model.Const) and isinstance(annotation.value, str):
        _collect_text(resolver, path, scope, annotation.value, found)
    elif isinstance(annotation, (model.Name, model.Attr)):
        for value in resolver.values(path, scope, annotation):
            if isinstance(value, ClassValue):
                found.append(Instance(value.path, value.scope))
            elif isinstance(value, External) and not value.fqn.startswith(("builtins.", "typing.")):
                found.append(ExternalInstance(value.fqn))
    elif isinstance(annotation, model.Derived) and annotation.kind == "binary":
        for item in annotation.items:
            _collect(resolver, path, scope, item, found)
    elif isinstance(annotation, model.Subscript):
        _collect_subscript(resolver, path, scope, annotation, found)


def _collect_subscript(
    resolver: Resolver, path: str, scope: int, annotation: model.Subscript, found: list[Value]
) -> None:
    name = _last_name(annotation.value)
    inner = annotation.index.items if isinstance(annotation.index, model.Items) else [annotation.index]
    if name == "Annotated":
        inner = inner[:1]
    if name in _TRANSPARENT:
        for item in inner:
            _collect(resolver, path, scope, item, found)
    elif name in _CONTAINERS:
        held: list[Value] = []
        for item in inner[-1:] if name in ("dict", "Dict", "Mapping") else inner:
            _collect(resolver, path, scope, item, held)
        found.append(Container(tuple(dict.fromkeys(held))))
    elif name in _CLASSES:
        held = []
        for item in inner:
            _collect(resolver, path, scope, item, held)
        for value in held:
            if isinstance(value, Instance):
                found.append(value.cls)
            elif isinstance(value, ExternalInstance):
                found.append(External(value.fqn))
    else:
        _collect(resolver, path, scope, annotation.value, found)


def _collect_text(resolver: Resolver, path: str, scope: int, text: str, found: list[Value]) -> None:
    """A quoted annotation: its dotted names, typing's own words left out."""
    for dotted in _DOTTED.findall(text):
        head, *rest = dotted.split(".")
        if head in _TRANSPARENT or head in _CONTAINERS or head in ("None", "str", "int", "bool", "Any"):
            continue
        expr: model.Expr = model.Name(head)
        for attr in rest:
            expr = model.Attr(expr, attr)
        _collect(resolver, path, scope, expr, found)


def _last_name(expr: model.Expr) -> str:
    if isinstance(expr, model.Attr):
        return expr.attr
    return expr.id if isinstance(expr, model.Name) else ""
