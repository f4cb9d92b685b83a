"""JSON as people and programs write it: any at all, and objects in nearly the shape of a model."""

import inspect
import types
from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

ODD_TEXTS = (
    "",
    " ",
    "null",
    "\ud800",
    "\0",
    "é" * 300,
    "[" * 2000,
    "s3://a",
    "s3://bucket/../x",
    "${x}",
    "1e999",
    "-1",
    "ml.",
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(ODD_TEXTS)
    | st.sampled_from([0, -0.0, 1e308, 2**31, 2**63, 10**400, float("nan"), float("inf")])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def shaped(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of a model's fields, whose values are mostly of their kind, and rarely one that it lacks."""
    fields = {str(field.alias): _values(field) for field in model.model_fields.values()}
    known: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=fields)
    unknown = st.dictionaries(
        st.text(max_size=6) | st.sampled_from([name.lower() for name in fields]), scalars, max_size=1
    )
    return st.builds(lambda *parts: parts[0] | parts[1], st.just({}) | st.just({}) | unknown, known)


def _values(field: FieldInfo) -> st.SearchStrategy[Any]:
    kinds = get_args(field.annotation) if isinstance(field.annotation, types.UnionType) else (field.annotation,)
    usual = [_of_kind(kind, field.default) for kind in kinds]
    return st.one_of(*usual, *usual, anything)


def _of_kind(kind: Any, default: Any) -> st.SearchStrategy[Any]:
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return shaped(kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(-1, 20) | st.integers(0, 3_000_000)
    if kind is float:
        return st.floats(0, 1) | st.sampled_from([1e-9, 0.9, 0.05, 1, 5])
    if isinstance(default, list):
        return st.lists(st.sampled_from(default) | scalars, max_size=4)
    choices = [choice for choice in get_args(kind) if isinstance(choice, str)]
    return st.sampled_from([*choices, default, *ODD_TEXTS]) | st.text(max_size=20)
