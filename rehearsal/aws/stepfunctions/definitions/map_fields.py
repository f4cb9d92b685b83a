"""What a Map state has besides other states' fields: its items, its processor, its limits and its result's place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.values import (
    Fields,
    Kind,
    items,
    list_of,
    number,
    one_of,
    path,
    plain_object,
    template,
    text,
)

_UNUSABLE_IN_LABELS = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")


def _label(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    yield from text(value, location, jsonata)
    if not isinstance(value, str):
        return
    if not value:
        yield schema("Label cannot be empty", location)
    if len(value) > 40:
        yield schema("Label cannot exceed 40 characters", location)
    if unusable := _UNUSABLE_IN_LABELS.search(value):
        yield schema(f"Label contains invalid character: {unusable[0]!r}", location)


def _resource(*actions: str) -> Kind:
    def check(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
        if not isinstance(value, str) or not re.fullmatch(f"arn:aws[a-z-]*:states:::s3:({'|'.join(actions)})", value):
            yield schema(f"The resource provided {value} is not recognized.", location)

    return check


def _processor_config(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    yield from Fields({"Mode": one_of("INLINE", "DISTRIBUTED"), "ExecutionType": one_of("STANDARD", "EXPRESS")})(
        value, location, jsonata
    )
    if isinstance(value, dict) and value.get("Mode") == "DISTRIBUTED" and "ExecutionType" not in value:
        yield schema("The field 'ExecutionType' is required but was missing", location)


PROCESSOR: dict[str, Kind] = {"ProcessorConfig": _processor_config}

_READER_CONFIG = Fields(
    {
        "InputType": one_of("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"),
        "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
        "CSVHeaders": list_of(text),
        "CSVDelimiter": one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
        "MaxItems": number(0, 100_000_000),
        "ManifestType": one_of("ATHENA_DATA", "S3_INVENTORY"),
        "ItemsPointer": text,
        "Transformation": one_of("NONE", "LOAD_AND_FLATTEN"),
    },
    {"MaxItemsPath": path},
    at_most_one=(("MaxItems", "MaxItemsPath"),),
)

_READER = Fields(
    {"Resource": _resource("getObject", "listObjectsV2"), "ReaderConfig": _READER_CONFIG},
    {"Parameters": template},
    {"Arguments": template},
    required=("Resource",),
)

_WRITER_CONFIG = Fields(
    {"Transformation": one_of("NONE", "COMPACT", "FLATTEN"), "OutputType": one_of("JSON", "JSONL")},
    required=("Transformation", "OutputType"),
)

_WRITER_FIELDS = Fields(
    {"Resource": _resource("putObject"), "WriterConfig": _WRITER_CONFIG},
    {"Parameters": template},
    {"Arguments": template},
)


def _writer(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    yield from _WRITER_FIELDS(value, location, jsonata)
    if not isinstance(value, dict):
        return
    place = "Arguments" if jsonata else "Parameters"
    if "Resource" not in value and "WriterConfig" not in value:
        yield schema("The field 'Resource' is required but was missing", location)
    if ("Resource" in value) != (place in value):
        missing = place if "Resource" in value else "Resource"
        yield schema(f"The field '{missing}' is required but was missing", location)


_BATCHER_FIELDS = Fields(
    {"MaxItemsPerBatch": number(1), "MaxInputBytesPerBatch": number(1, 262_144), "BatchInput": template},
    {"MaxItemsPerBatchPath": path, "MaxInputBytesPerBatchPath": path},
    at_most_one=(
        ("MaxItemsPerBatch", "MaxItemsPerBatchPath"),
        ("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"),
    ),
)


def _batcher(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    yield from _BATCHER_FIELDS(value, location, jsonata)
    if isinstance(value, dict) and not any(name.startswith("Max") for name in value):
        yield schema("One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]", location)


MAP = Fields(
    {
        "ItemProcessor": plain_object,
        "Iterator": plain_object,
        "ItemReader": _READER,
        "ItemSelector": template,
        "ItemBatcher": _batcher,
        "ResultWriter": _writer,
        "MaxConcurrency": number(0),
        "ToleratedFailureCount": number(0),
        "ToleratedFailurePercentage": number(0, 100, whole=False),
        "Label": _label,
    },
    {
        "ItemsPath": path,
        "MaxConcurrencyPath": path,
        "ToleratedFailureCountPath": path,
        "ToleratedFailurePercentagePath": path,
    },
    {"Items": items},
    exactly_one=(("ItemProcessor", "Iterator"),),
    at_most_one=(
        ("ItemSelector", "Parameters"),
        ("ItemReader", "Items"),
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ),
)
