"""What a JSONata expression refers to.

Step Functions evaluates an expression without a context item: data is in ``$states`` and in variables alone, so a name
that stands for a field of the context is refused. Inside a path, behind its first step, names are the step's fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_STATES = {"input", "result", "errorOutput", "context"}

_PARTS_IN_THE_SAME_CONTEXT = (
    *("lhs", "rhs", "expression", "expressions", "lhs_object", "procedure", "body"),
    *("condition", "then", "_else"),
)
_PARTS_IN_AN_ITEM = ("stages", "predicate", "group", "terms", "expr", "pattern", "update", "delete")


def unsupported_references(node: Any, missing: Iterable[str], top: bool = True) -> Iterator[str]:
    """Yield AWS's sentence for each reference to what does not exist.

    Parameters
    ----------
    node
        A node of the parser's tree.
    missing
        The fields of ``$states`` that do not exist where the expression stands.
    top
        Whether the node is evaluated without a context item.
    """
    if isinstance(node, (list, tuple)):
        for member in node:
            yield from unsupported_references(member, missing, top)
        return
    if not hasattr(node, "type"):
        return
    yield from _unsupported(node, top)
    if node.type == "path":
        yield from _of_a_path(node, missing, top)
    for name in _PARTS_IN_THE_SAME_CONTEXT:
        yield from unsupported_references(getattr(node, name, None), missing, top)
    for name in _PARTS_IN_AN_ITEM:
        yield from unsupported_references(getattr(node, name, None), missing, False)
    # A lambda's arguments are the names of its parameters.
    if node.type in ("function", "partial"):
        yield from unsupported_references(getattr(node, "arguments", None), missing, top)


def _of_a_path(path: Any, missing: Iterable[str], top: bool) -> Iterator[str]:
    first, *others = path.steps
    yield from unsupported_references(first, missing, top)
    for step in others:
        yield from unsupported_references(step, missing, False)
    if first.type == "variable" and first.value == "states" and others and others[0].type == "name":
        field = others[0].value
        if field not in _STATES or field in missing:
            yield f"Field '$states.{field}' does not exist."


def _unsupported(node: Any, top: bool) -> Iterator[str]:
    if node.type == "variable" and node.value == "$":
        yield "Reference to '$$' is not supported."
    elif top and node.type in ("name", "wildcard", "descendant"):
        yield f"Reference to '{node.value}' at the top level is not supported."
    elif top and node.type == "variable" and node.value == "":
        yield "Reference to '$' at the top level is not supported."
