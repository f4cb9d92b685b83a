"""State machines for tests."""

from __future__ import annotations

from typing import Any

END = {"Type": "Succeed"}


def single(state: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """A machine that starts with this state."""
    return {"StartAt": "First", "States": {"First": state, **others}}


def child(state: dict[str, Any], name: str = "Child", **others: dict[str, Any]) -> dict[str, Any]:
    """What a map does with each item. Names of states are unique in the whole definition."""
    return {"StartAt": name, "States": {name: state, **others}}


def distributed(bucket: str, key: str, processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Distributed Map over a JSON array in a bucket."""
    return {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": bucket, "Key": key},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **processor,
        },
        "End": True,
        **fields,
    }
