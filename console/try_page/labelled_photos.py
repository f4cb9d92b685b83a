"""Photos whose count is known: test photos that an execution keeps beside its report, which no training has seen."""

import json
import threading
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import click
from botocore.exceptions import BotoCoreError, ClientError

from console.deployment import find
from console.try_page.aws import Failure, client, failure

_LOOKED_AT = 20
"""Executions, the newest first: some promote a model whose report may be gone."""


class Found(NamedTuple):
    """An execution's name, where its report lies, and the true count of each photo beside it."""

    execution: str
    bucket: str
    prefix: str
    counts: dict[str, int]


class LabelledPhotos:
    """The test photos of an execution (its name or ARN), or else of the newest that succeeded and has some."""

    def __init__(self, deployment: str, execution: str | None) -> None:
        self._deployment, self._execution = deployment, execution
        self._found: Found | None = None
        self._looking = threading.Lock()
        self._read = lru_cache(maxsize=128)(_read)

    def find(self) -> Found:
        """Looked for once, and again only if there were none. Raises Failure."""
        with self._looking:
            if self._found is None:
                try:
                    self._found = _find(find(self._deployment).machine, self._execution)
                except click.ClickException as error:
                    raise Failure(404, error.message) from error
                except (BotoCoreError, ClientError) as error:
                    raise failure(error) from error
            return self._found

    def photo(self, id: str) -> bytes:
        """A photo as the camera wrote it. Raises Failure."""
        found = self.find()
        if id not in found.counts:
            raise Failure(404, f"There is no test photo {id}.")
        try:
            return self._read(found.bucket, f"{found.prefix}/samples/{id}.jpg")
        except (BotoCoreError, ClientError) as error:
            raise failure(error) from error


def _find(machine: str, execution: str | None) -> Found:
    states = client("stepfunctions")
    if execution:
        name = execution.rpartition(":")[2]
        arns = [f"{machine.replace(':stateMachine:', ':execution:')}:{name}"]
    else:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="SUCCEEDED")
        arns = [found["executionArn"] for found in islice(pages.search("executions"), _LOOKED_AT)]
    for arn in arns:
        described = states.describe_execution(executionArn=arn)
        if (found := _beside_report(described)) and found.counts:
            return found
    if execution:
        raise Failure(404, f"Execution {name} has no test photos: it is {described['status']}.")
    raise Failure(404, "There are no test photos yet: no execution has succeeded and kept some.")


def _beside_report(execution: dict[str, Any]) -> Found | None:
    try:
        uri: str = json.loads(execution["output"])["evaluation"]["reportUri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        prefix = key.rpartition("/")[0]
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/samples/")
        kept = [PurePosixPath(item["Key"]).stem for page in pages for item in page.get("Contents", ())]
        rows = map(json.loads, _read(bucket, f"{prefix}/predictions.jsonl").splitlines()) if kept else ()
        known = {row["id"]: row["count"] for row in rows}
    except (KeyError, TypeError, ValueError):  # another version's output or predictions, or damaged ones
        return None
    return Found(execution["name"], bucket, prefix, {id: known[id] for id in kept if id in known})


def _read(bucket: str, key: str) -> bytes:
    content: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
