"""Files that only write a class into annotations: they make no instance of it."""

from __future__ import annotations

import pytest

from poollint.program.annotated import is_used

TYPES = [
    "from app import Store",
    "from app import (\n    Other,\n    Store,\n)",
    "def f(store: Store): ...",
    "def f(\n    first: int = make(1),\n    store: Store | None = None,\n) -> None: ...",
    "def f(stores: list[Store]): ...",
    "def f(stores: dict[str, list[Store]]): ...",
    "def f() -> Store: ...",
    "def f() -> Optional[Store]: ...",
    "async def f(*, store: Optional[Store] = None): ...",
    "store: Store = make()",
    "class A:\n    store: Store",
    "self.store: Store | None = None",
    "if isinstance(x, Store): ...",
    "# Store",
]
USES = [
    "Store()",
    "make(Store)",
    "x = Store",
    "x: type = Store",
    "stores = {KIND: Store}",
    "stores = {\n    kind: Store,\n}",
    "stores = [Store]",
    "stores[kind] = Store",
    "stores[Store]()",
    "class A(Store): ...",
    "def f(cls=Store): ...",
    "def f(x: int = Store): ...",
    "def f(): return Store()",
    "if x: Store()",
    "else: Store()",
    "lambda: Store()",
    "with Store() as s: ...",
    "@Store\ndef f(): ...",
    "Depends(Store)",
    "x = [Store() for y in z]",
    "f(kind=Store)",
    "case = x[1:Store]",
    "try: Store()\nexcept E: ...",
    "from app import Store as Other",
    "def f(store: Store = Depends()): ...",
]


@pytest.mark.parametrize("text", TYPES)
def test_types(text: str) -> None:
    assert not is_used(text.encode(), b"Store")


@pytest.mark.parametrize("text", USES)
def test_uses(text: str) -> None:
    assert is_used(text.encode(), b"Store")
