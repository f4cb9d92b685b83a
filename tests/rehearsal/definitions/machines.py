"""Small definitions in the States Language, for tests of what is refused and what is taken."""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:count"
END = {"Type": "Succeed"}


def machine(first: Any, **fields: Any) -> Definition:
    """A JSONata machine that begins with ``First``. What else is an object is a state, any other value a field."""
    others = {name: fields.pop(name) for name in list(fields) if isinstance(fields[name], dict)}
    return {"QueryLanguage": "JSONata", "StartAt": "First", "States": {"First": first, **others}, **fields}


def jsonpath(first: Any, **fields: Any) -> Definition:
    """The same in JSONPath."""
    return machine(first, **fields) | {"QueryLanguage": "JSONPath"}


def task(resource: str = FUNCTION, arguments: Any = None, **fields: Any) -> Definition:
    """A task that ends the machine, unless it has a Next."""
    given = {} if arguments is None else {"Arguments": arguments}
    return {"Type": "Task", "Resource": resource, **given, **({} if "Next" in fields else {"End": True}), **fields}


def sdk(action: str, **arguments: Any) -> Definition:
    """A task that calls an AWS service."""
    return task(f"arn:aws:states:::aws-sdk:{action}", arguments)


def optimized(action: str, **arguments: Any) -> Definition:
    """A task that calls an optimized integration."""
    return task(f"arn:aws:states:::{action}", arguments)


def passing(**fields: Any) -> Definition:
    """A Pass state that ends the machine."""
    return {"Type": "Pass", "End": True, **fields}


def going(**fields: Any) -> Definition:
    """A Map that ends the machine."""
    return {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "Each", "States": {"Each": passing()}},
        "End": True,
        **fields,
    }


def choice(*rules: Definition, **fields: Any) -> Definition:
    """A Choice."""
    return {"Type": "Choice", "Choices": list(rules), **fields}


def distributed(**config: Any) -> Definition:
    """A Map whose processor has this configuration besides its mode."""
    inner = {"StartAt": "Each", "States": {"Each": passing()}}
    return going(ItemProcessor={"ProcessorConfig": {"Mode": "DISTRIBUTED", **config}, **inner})
