"""The concrete tree of a file: nodes at places, what is around them, and edits made from them."""

from __future__ import annotations

import libcst as cst
import pytest

from poollint.editing.tree import FileTree
from poollint.findings import Location
from poollint.source import SourceFile

TEXT = """\
import os
\f
\x0cclass C:
\t@os.wraps
\tdef f(self, x=os.sep):
\t\twith (os.open(
\t\t\t'ä', 1)) as g:
\t\t\treturn [y for y in (lambda: os.z)()]
"""


def tree_of(text: str) -> FileTree:
    tree = FileTree.of(SourceFile("/x.py", text.encode()))
    assert tree is not None
    return tree


def named(tree: FileTree, name: str) -> cst.Attribute:
    """The one attribute of `os` that is called so."""
    (found,) = [node for node in tree.parents if isinstance(node, cst.Attribute) and node.attr.value == name]
    return found


def test_nodes_and_places_fit_together() -> None:
    tree = tree_of(TEXT)
    for node in tree.parents:
        if isinstance(node, (cst.Name, cst.SimpleString, cst.Attribute)):
            assert tree.text(node) == tree.module.code_for_node(node)
            assert tree.at(tree.location(node), type(node)) is node


def test_a_node_in_parentheses() -> None:
    tree = tree_of(TEXT)
    call = tree.at(Location("/x.py", 6, 9, 7, 11), cst.Call)
    assert call is not None
    assert tree.text(call) == "os.open(\n\t\t\t'ä', 1)"
    assert tree.replace(call, "g()").location == Location("/x.py", 6, 9, 7, 11)
    assert tree.after(call, "x").location == Location("/x.py", 7, 11, 7, 11)
    assert tree.before(call, "x").location == Location("/x.py", 6, 9, 6, 9)


@pytest.mark.parametrize(
    ("name", "function", "statement", "indentation"),
    [
        ("wraps", None, cst.FunctionDef, "\t"),
        ("sep", None, cst.FunctionDef, "\t"),
        ("open", "f", cst.With, "\t\t"),
        ("z", None, cst.SimpleStatementLine, "\t\t\t"),
    ],
)
def test_what_is_around_a_node(name: str, function: str | None, statement: type, indentation: str) -> None:
    tree = tree_of(TEXT)
    node = named(tree, name)
    around = tree.function(node)
    assert (around.name.value if around is not None else None) == function
    assert isinstance(tree.statement(node), statement)
    assert tree.indentation(node) == indentation
    assert tree.indent == "\t"


def test_blocks_and_siblings() -> None:
    tree = tree_of("x = 1; y = 2\nif x: z = 3\nelse:\n    a = 4\n    b = 5\n")
    assign = {node.targets[0].target.value: node for node in tree.parents if isinstance(node, cst.Assign)}
    assert isinstance(tree.block(assign["x"]), cst.Module)
    assert isinstance(tree.block(assign["z"]), cst.SimpleStatementSuite)
    assert isinstance(tree.block(assign["a"]), cst.IndentedBlock)
    line = tree.statement(assign["b"])
    assert line is not None
    assert [tree.text(each) for each in tree.siblings(line)] == ["a = 4", "b = 5"]
    assert tree.indentation(assign["z"]) == ""


@pytest.mark.parametrize("text", ["x = (\n", "x = 1\ry = 2\r", "x = " + "(" * 150 + "1" + ")" * 150])
def test_what_cannot_be_parsed_losslessly_has_no_tree(text: str) -> None:
    assert FileTree.of(SourceFile("/x.py", text.encode())) is None


def test_an_empty_file() -> None:
    tree = FileTree.of(SourceFile("/x.py", b""))
    assert tree is None or not tree.module.body
