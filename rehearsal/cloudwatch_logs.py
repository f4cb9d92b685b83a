"""Every CloudWatch log as files: the emulated AWS keeps them in memory only."""

from __future__ import annotations

from pathlib import Path

import boto3


def save(folder: Path) -> None:
    """Write each log stream to `<folder>/<group>/<stream>.log`."""
    logs = boto3.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            for streams in logs.get_paginator("describe_log_streams").paginate(logGroupName=group["logGroupName"]):
                for stream in streams["logStreams"]:
                    _save_stream(folder, group["logGroupName"], stream["logStreamName"])


def _save_stream(folder: Path, group: str, stream: str) -> None:
    pages = (
        boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNames=[stream])
    )
    file = folder / group.strip("/") / f"{stream}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{event['message'].rstrip()}\n" for page in pages for event in page["events"]))
